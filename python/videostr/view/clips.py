"""Frames of the clips behind rollouts, as small pictures for a page."""

from __future__ import annotations

import base64
import dataclasses
import importlib.util
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from videostr.data.clips import read_frames
from videostr.data.media import join_root
from videostr.data.media_check import read_header
from videostr.data.row_check import MEDIA_COLUMNS
from videostr.errors import VideostrError
from videostr.view.folder import config_of, start_of
from videostr.view.scene import spread_over

#: Pictures of one clip, and their longer side in pixels.
PICTURES, SIDE = 12, 208
QUALITY = 62
#: What reading rows, clips and writing pictures needs; the extras `data` and `view` have it.
NEEDED = ("pyarrow", "av", "PIL")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A row of the data, as a rollout names it.

    Attributes:
        truth: The ground truth as the rollout has it: two files may have rows of one source and index.
    """

    data_source: str
    index: int
    truth: Any


@dataclasses.dataclass(frozen=True)
class Medium:
    """A clip or picture of a row.

    Attributes:
        path: Where it lies.
        kind: ``video`` or ``image``.
        times: Seconds of the frames that reach the model; empty where the row does not name them.
    """

    path: str
    kind: str
    times: tuple[float, ...] = ()


class Rows:
    """The training rows that a run's rollouts came from.

    Args:
        files: Parquet files.
        root: Where relative paths of media start; None: the folder of each file.
    """

    def __init__(self, files: Sequence[Path], root: str | None = None) -> None:
        self.files = tuple(file for file in files if file.is_file())
        self.missing = tuple(file for file in files if not file.is_file())
        self._root = root

    @classmethod
    def of_run(cls, run: Path) -> Rows:
        """Those that the configuration of a run names; relative paths start where it was started."""
        config, _ = config_of(run)
        started_in = start_of(run).get("working_directory")
        folder = Path(started_in) if isinstance(started_in, str) else Path()
        data = config.get("data")
        data = data if isinstance(data, dict) else {}
        files: list[Path] = []
        for key in ("train_files", "val_files"):
            named = data.get(key)
            each = [named] if isinstance(named, str) else named if isinstance(named, list) else []
            files += [folder / name for name in each if isinstance(name, str)]
        root = data.get("data_root")
        return cls(files, str(folder / root) if isinstance(root, str) and root else None)

    def media(self, wanted: Iterable[Wanted]) -> dict[Wanted, Medium]:
        """The first medium of each wanted row that has one; each file is read once, by its columns alone.

        Raises:
            VideostrError: A file cannot be read.
        """
        by_key: dict[tuple[str, int], list[Wanted]] = {}
        for each in wanted:
            by_key.setdefault((each.data_source, each.index), []).append(each)
        found: dict[Wanted, Medium] = {}
        for file in self.files:
            for row in _read(file):
                for each in by_key.get((row["data_source"], row["extra_info"].get("index")), ()):
                    if each not in found and _same(each.truth, row["reward_model"].get("ground_truth")):
                        medium = self._medium(file, row)
                        if medium is not None:
                            found[each] = medium
        return found

    def _medium(self, file: Path, row: Mapping[str, Any]) -> Medium | None:
        for column, kind in MEDIA_COLUMNS.items():
            for item in row.get(column) or ():
                struct = {kind: item} if isinstance(item, str) else item
                path = join_root(struct, kind, self._root or file.resolve().parent).get(kind)
                if isinstance(path, str):
                    times = row["extra_info"].get("frames") if kind == "video" else ()
                    return Medium(path, kind, tuple(float(time) for time in times or ()))
        return None


def _read(file: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            names = set(parquet.schema_arrow.names)
            if not {"data_source", "extra_info", "reward_model"} <= names:
                return
            columns = [
                name
                for name in ("data_source", "extra_info", "reward_model", "videos", "images")
                if name in names
            ]
            for batch in parquet.iter_batches(256, columns=columns):
                for row in batch.to_pylist():
                    if isinstance(row["extra_info"], dict) and isinstance(row["reward_model"], dict):
                        yield row
    except (pa.ArrowException, OSError) as error:
        raise VideostrError(f"{file}: cannot be read: {error}") from None


def _same(a: Any, b: Any) -> bool:
    def plain(value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    try:
        return bool(a == b or plain(a) == plain(b))
    except ValueError:
        return False


def missing_packages() -> list[str]:
    """What `pictures_of` needs and is not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def pictures_of(medium: Medium) -> dict[str, Any]:
    """Some frames of a clip, or a picture, as data URIs.

    Of a clip at most 12 of the frames that reach the model are taken; where they are not known, 12 from end to
    end.

    Returns:
        ``size`` of the original in pixels, and ``pictures``: each with ``t`` (None for a picture) and ``src``.

    Raises:
        VideostrError: It cannot be read.
    """
    from PIL import Image

    if medium.kind == "image":
        try:
            with Image.open(medium.path) as image:
                return {
                    "size": list(image.size),
                    "pictures": [{"t": None, "src": _uri(image.convert("RGB"))}],
                }
        except OSError as error:
            raise VideostrError(f"{medium.path}: cannot be read: {error}") from None
    times = medium.times or _times_of(medium.path)
    chosen = [times[place] for place in spread_over(len(times), PICTURES)]
    clip = read_frames(medium.path, chosen)
    pictures = [
        {"t": round(time, 4), "src": _uri(Image.fromarray(frame))}
        for time, frame in zip(chosen, clip.frames, strict=True)
    ]
    height, width = clip.frames.shape[1:3]
    return {"size": [int(width), int(height)], "pictures": pictures}


def _times_of(path: str) -> list[float]:
    """The time of each frame of a clip, as its header tells."""
    header = read_header(Path(path))
    return [number / header.fps for number in range(header.frames)] if header.fps else [0.0]


def _uri(image: Any) -> str:
    image.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def fewer(clip: Mapping[str, Any], most_bytes: int) -> dict[str, Any] | None:
    """The clip with as many of its pictures, evenly spread, as fit; None when none does."""
    pictures = clip["pictures"]
    for count in range(len(pictures), 0, -1):
        kept = [pictures[place] for place in spread_over(len(pictures), count)]
        if sum(len(picture["src"]) for picture in kept) <= most_bytes:
            return {**clip, "pictures": kept}
    return None
