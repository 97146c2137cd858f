"""Where the media files of a row lie, and what is said when one cannot be had."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from videostr.data.row_check import RowError

__all__ = ["MediaError", "join_root"]


class MediaError(RowError):
    """A medium of a row that is missing, unreadable, or without the frames that the row names.

    Attributes:
        where: File and number of the row, e.g. ``train.parquet: row 3``.
        field: Column and place in it, e.g. ``videos[0].video``.
        message: What is wrong.
        path: The media file.
    """

    def __init__(self, where: str, field: str, message: str, path: str) -> None:
        super().__init__(where, field, message)
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:  # Ray sends it from process to process
        return type(self), (self.where, self.field, self.message, self.path)


def join_root(struct: Mapping[str, Any], key: str, root: str | os.PathLike[str]) -> dict[str, Any]:
    """A media struct without its null keys, the path at `key` joined to `root` where it is relative.

    Addresses with a scheme stay as they are, apart from ``file://``, which is taken off. The null keys are
    those that Arrow fills in when the structs of several files are united; readers trip over them.

        >>> from videostr.data.media import join_root
        >>> join_root({"video": "clips/a.mp4", "fps": None}, "video", "/data")
        {'video': '/data/clips/a.mp4'}
    """
    found = {name: value for name, value in struct.items() if value is not None}
    path = found.get(key)
    if isinstance(path, str):
        path = path.removeprefix("file://")
        found[key] = path if "://" in path else os.path.join(os.fspath(root), path)
    return found
