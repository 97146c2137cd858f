"""Whether the clips and pictures of rows can be read, told by file, row and field (extra `data`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from videostr._packages import require_packages
from videostr.data.row_check import MEDIA_COLUMNS, Row, RowError
from videostr.errors import VideostrError


class UnreadableMediaError(VideostrError, ValueError):
    """A medium that cannot be read; the message begins with its path."""


@dataclass(frozen=True)
class Header:
    """What a medium's container says of it, without decoding.

    Attributes:
        width, height: In pixels.
        frames: Of a clip, as the container counts them, or as its duration and rate tell; 1 for a picture.
        fps: Frames a second; 0 for a picture.
    """

    width: int
    height: int
    frames: int
    fps: float


def media_of(row: Row) -> Iterator[tuple[str, str, Path | None]]:
    """Field, kind (``video`` or ``image``) and local path of each medium of a row that is named by a path.

    The path is None for an address of another scheme than file.
    """
    for column, kind in MEDIA_COLUMNS.items():
        for position, item in enumerate(cast(Sequence[Any], row.get(column) or ())):
            place = item.get(kind) if isinstance(item, Mapping) else item
            if isinstance(place, str):
                path = place.removeprefix("file://")
                yield f"{column}[{position}].{kind}", kind, None if "://" in path else Path(path)


def read_header(path: Path, kind: str = "video", *, decode: bool = False) -> Header:
    """Opens a clip or picture as far as its header says what it is.

    Args:
        path: The file.
        kind: ``video`` or ``image``.
        decode: Decode all of it too: finds a clip that is cut or damaged after its header. As slow as
            decoding is.

    Raises:
        UnreadableMediaError: It is missing, empty, cut, damaged, or holds no video stream.

    Example:
        >>> from pathlib import Path
        >>> from videostr.data.media_check import read_header
        >>> read_header(Path("gone.mp4"))
        Traceback (most recent call last):
        videostr.data.media_check.UnreadableMediaError: gone.mp4: there is no such file
    """
    if not path.is_file():
        raise UnreadableMediaError(f"{path}: there is no such file")
    if path.stat().st_size == 0:
        raise UnreadableMediaError(f"{path}: the file is empty")
    return _clip(path, decode=decode) if kind == "video" else _picture(path, decode=decode)


def _clip(path: Path, *, decode: bool) -> Header:
    require_packages("reading clips", ["av"])
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UnreadableMediaError(f"{path}: has no video stream")
            stream = container.streams.video[0]
            if not stream.width or not stream.height:
                raise UnreadableMediaError(
                    f"{path}: its header names no picture size: the file is cut or damaged"
                )
            fps = float(stream.average_rate or stream.base_rate or 0)
            frames = int(stream.frames or (float(container.duration or 0) / av.time_base * fps))
            if decode:
                seen = sum(1 for _ in container.decode(stream))
                if seen == 0 or seen < stream.frames:
                    raise UnreadableMediaError(
                        f"{path}: only {seen} of {stream.frames} frames can be decoded: it is cut or damaged"
                    )
                frames = seen
            return Header(stream.width, stream.height, frames, fps)
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, UnreadableMediaError):
            raise
        raise UnreadableMediaError(
            f"{path}: is no video, or one that is cut or damaged ({_said(error)})"
        ) from error


def _picture(path: Path, *, decode: bool) -> Header:
    require_packages("reading pictures", ["PIL"])
    from PIL import Image

    try:
        with Image.open(path) as image:
            if decode:
                image.load()
            return Header(image.width, image.height, 1, 0.0)
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableMediaError(
            f"{path}: is no picture, or one that is cut or damaged ({_said(error)})"
        ) from error


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


class MediaCheck:
    """Checks the media of rows, each file once.

    Args:
        decode: See :func:`read_header`.
    """

    def __init__(self, *, decode: bool = False) -> None:
        self._decode = decode
        self._seen: dict[Path, Header | UnreadableMediaError] = {}

    def check(self, row: Row, where: str, root: str | Path = "") -> dict[str, Header]:
        """The headers of a row's media by field; media at an address of another scheme are left out.

        Args:
            row: A training row.
            where: File and number of the row, for the message.
            root: Where relative paths start.

        Raises:
            RowError: Naming `where`, the field and the path.
        """
        headers = {}
        root = Path(root)
        for field, kind, named in media_of(row):
            if named is None:
                continue
            path = root / named
            found = self._seen.get(path)
            if found is None:
                try:
                    found = read_header(path, kind, decode=self._decode)
                except UnreadableMediaError as error:
                    found = error
                self._seen[path] = found
            if isinstance(found, UnreadableMediaError):
                raise RowError(where, field, str(found))
            headers[field] = found
        return headers
