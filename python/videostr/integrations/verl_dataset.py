"""Our rows as verl's dataset: paths joined to a data root, the row's own frames, each clip decoded once.

A recipe chooses it with ``data.custom_cls: {path: pkg://videostr.integrations.verl_dataset, name:
VideostrDataset}``. verl makes one in the trainer's process, and calls the class alone in every agent-loop
process, once a rollout (verl/experimental/agent_loop/agent_loop.py:301).

Keys of ``data`` beside verl's own:

* ``data_root``: where relative paths of media start; null: the folder of each row's parquet file;
* ``media_cache_bytes``: decoded media that a process keeps, in bytes.
"""

from __future__ import annotations

import asyncio
import os
import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from qwen_vl_utils import vision_process
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize
from verl.utils.dataset.rl_dataset import RLHFDataset

from videostr.data.clips import ClipError, read_frames
from videostr.data.media import MediaError, join_root
from videostr.data.row_check import MEDIA_COLUMNS, RowError
from videostr.integrations.media_cache import MediaCache

__all__ = ["MEDIA_CACHE_BYTES", "VideostrDataset", "media_cache"]

MEDIA_CACHE_BYTES = 1 << 30
#: Key of a medium in a prompt under which its row, its column and its times travel.
ORIGIN = "videostr"
_ROW = "videostr_row"  # of a row in `dataframe`: its number over all files; not handed out
_Medium = tuple[
    Any, dict[str, Any] | None
]  # uint8 frames (T, 3, height, width) and metadata, or an image and None

_caches: dict[int, MediaCache[_Medium]] = {}
_caches_lock = threading.Lock()


class VideostrDataset(RLHFDataset):  # type: ignore[misc]
    """verl's :class:`RLHFDataset` for the rows of :mod:`videostr.data.rows`.

    A row with one clip and times in ``extra_info.frames`` gives the model the frames at these times and no
    others, with metadata that says where they stand in the file (``fps`` and ``total_num_frames`` of the
    file, ``frames_indices``). Clips of other rows are sampled by qwen_vl_utils from the keys of their structs.
    Rows with clips, with images and with text alone may be mixed, in one file or over several.

    Raises:
        MediaError: A media file that is not there, or is unreadable; names file, row and column.
        RowError: Files whose columns cannot be united, or a prompt whose marks do not fit its media.
    """

    def _read_files_and_tokenize(self) -> None:
        if any(not str(file).endswith(".parquet") for file in self.data_files):
            raise RowError(str(self.data_files), "file", "training rows are parquet files")
        parts = [datasets.load_dataset("parquet", data_files=file)["train"] for file in self.data_files]
        self._first_rows = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        try:
            rows = datasets.concatenate_datasets(parts)
        except ValueError as error:
            files = ", ".join(self.original_data_files)
            raise RowError(files, "columns", f"differ from file to file: {error}") from None
        rows = rows.add_column(_ROW, list(range(len(rows))))
        if 0 < self.max_samples < len(rows):
            chosen: Any = np.arange(self.max_samples)
            if self.shuffle:  # the same rows in every start of the run, with a seed or without
                generator = np.random.default_rng(self.seed or 0)
                chosen = generator.choice(len(rows), self.max_samples, replace=False)
            rows = rows.select(chosen.tolist())
        self._require_media(rows)
        self.dataframe = self.maybe_filter_out_long_prompts(rows)

    def __getitem__(self, item: int) -> dict[str, Any]:
        row: dict[str, Any] = super().__getitem__(item)
        del row[_ROW]
        return row

    def _build_messages(self, example: dict[str, Any], key: str) -> list[dict[str, Any]]:
        where = self._where(example[_ROW])
        example.update(self._media_of(example))
        try:
            messages: list[dict[str, Any]] = super()._build_messages(example, key)
        except (AssertionError, TypeError) as error:
            raise RowError(where, key, f"its marks do not fit its media: {error}") from None
        return messages

    def _media_of(self, example: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The media columns of a row with joined paths, and with their origin where they are structs."""
        file, number = self._place(example[_ROW])
        root = self.config.get("data_root") or Path(file).resolve().parent
        found: dict[str, list[Any]] = {}
        for column, own_name in ((self.video_key, "videos"), (self.image_key, "images")):
            key = MEDIA_COLUMNS[own_name]
            media = example.get(column) or []
            times = (example.get("extra_info") or {}).get("frames") or []
            found[column] = []
            for position, item in enumerate(media):
                struct = {key: item} if isinstance(item, str) else item
                if isinstance(struct, Mapping) and isinstance(struct.get(key), str):
                    origin: dict[str, Any] = {
                        "where": f"{file}: row {number}",
                        "field": f"{column}[{position}].{key}",
                    }
                    if key == "video" and len(media) == 1 and times:
                        origin["times"] = [float(time) for time in times]
                    struct = {**join_root(struct, key, root), ORIGIN: origin}
                found[column].append(struct)
        return found

    def _require_media(self, rows: datasets.Dataset) -> None:
        columns = [column for column in (self.video_key, self.image_key) if column in rows.column_names]
        present: set[str] = set()
        for row in rows.select_columns([*columns, _ROW]) if columns else ():
            for media in self._media_of(row).values():
                for struct in media:
                    path = _path_of(struct)
                    if path is None or path in present:
                        continue
                    if not os.path.isfile(path):
                        raise _media_error(
                            struct, "there is no such file; relative paths start at data.data_root"
                        )
                    present.add(path)

    def _place(self, row: int) -> tuple[str, int]:
        part = bisect_right(self._first_rows, row) - 1
        return str(self.original_data_files[part]), row - self._first_rows[part]

    def _where(self, row: int) -> str:
        file, number = self._place(row)
        return f"{file}: row {number}"

    @classmethod
    def _process_multi_modal_info(
        cls, messages: list[dict[str, Any]], image_patch_size: int, config: Any
    ) -> Any:
        cache = media_cache(config)
        requests = _requests(messages, image_patch_size)
        media = [load() if key is None else cache.get(key, load) for key, load in requests]
        return *_handed_out(media), cls._extract_audio_info(messages)

    @classmethod
    async def process_multi_modal_info(
        cls, messages: list[dict[str, Any]], image_patch_size: int, config: Any
    ) -> Any:
        """Images, videos and audios of a prompt, as verl's own: (float32 frames (T, 3, height, width) of 0 to 255,
        metadata) for each video.

        Raises:
            MediaError: Names file, row and column of the medium that cannot be read.
        """
        cache, loop = media_cache(config), asyncio.get_running_loop()
        requests = await loop.run_in_executor(None, _requests, messages, image_patch_size)
        media = await asyncio.gather(
            *(
                loop.run_in_executor(None, load) if key is None else cache.get_async(key, load)
                for key, load in requests
            )
        )
        images, videos = await loop.run_in_executor(None, _handed_out, media)
        return images, videos, cls._extract_audio_info(messages)


def media_cache(config: Any) -> MediaCache[_Medium]:
    """This process's cache of decoded media; config: verl's ``data``."""
    limit = int(config.get("media_cache_bytes", MEDIA_CACHE_BYTES))
    with _caches_lock:
        return _caches.setdefault(limit, MediaCache(limit, _size_of))


def _requests(
    messages: Sequence[Mapping[str, Any]], patch_size: int
) -> list[tuple[str | None, Callable[[], _Medium]]]:
    """Each medium of a prompt, in order: its key in the cache (None: not kept), and how to load it."""
    structs = vision_process.extract_vision_info([dict(message) for message in messages])
    return [(_key_of(struct, patch_size), _Load(struct, patch_size)) for struct in structs]


def _key_of(struct: Mapping[str, Any], patch_size: int) -> str | None:
    """Equal for equal pictures: a file that was replaced has another key. None: not known by a name."""
    if not isinstance(struct.get("video", struct.get("image")), str):
        return None
    path = _path_of(struct)
    file = (0, 0)
    if path is not None:
        try:
            status = os.stat(path)
        except OSError as error:
            raise _media_error(struct, f"cannot be read: {error.strerror}") from None
        file = (status.st_mtime_ns, status.st_size)
    times = (struct.get(ORIGIN) or {}).get("times")
    keys = sorted((name, repr(value)) for name, value in struct.items() if name != ORIGIN)
    return repr((keys, times, file, patch_size))


class _Load:
    """Reads one medium, by the row's times where it has some."""

    def __init__(self, struct: Mapping[str, Any], patch_size: int) -> None:
        self._struct = struct
        self._patch_size = patch_size

    def __call__(self) -> _Medium:
        struct = self._struct
        times = (struct.get(ORIGIN) or {}).get("times")
        plain = {name: value for name, value in struct.items() if name != ORIGIN}
        try:
            if "video" not in struct:
                return vision_process.fetch_image(plain, image_patch_size=self._patch_size), None
            if times:
                return _frames_at(plain, times, self._patch_size)
            frames, metadata = vision_process.fetch_video(
                plain, image_patch_size=self._patch_size, return_video_metadata=True
            )
            return frames.to(torch.uint8), metadata
        except ClipError as error:
            raise _media_error(struct, str(error)) from None
        except (
            Exception
        ) as error:  # of whatever reader qwen_vl_utils chose; the first one, not its fallback's
            first: BaseException = error
            while first.__context__ is not None:
                first = first.__context__
            raise _media_error(struct, f"cannot be read: {type(first).__name__}: {first}") from error


def _frames_at(struct: Mapping[str, Any], times: Sequence[float], patch_size: int) -> _Medium:
    if len(times) % vision_process.FRAME_FACTOR:
        raise ClipError(f"is asked for {len(times)} frames; the model takes an even number")
    clip = read_frames(struct["video"], times)
    frames = torch.from_numpy(clip.frames).permute(0, 3, 1, 2)
    size = _size_for_model(struct, frames.shape, patch_size)
    frames = resize(frames, size, interpolation=InterpolationMode.BICUBIC, antialias=True)
    metadata = {
        "fps": clip.fps,
        "frames_indices": clip.indices,
        "total_num_frames": clip.total,
        "video_backend": "pyav",
    }
    return frames.contiguous(), metadata


def _size_for_model(struct: Mapping[str, Any], shape: Sequence[int], patch_size: int) -> list[int]:
    """Height and width as qwen_vl_utils chooses them for a clip: multiples of a merged patch, within limits."""
    patch = patch_size * vision_process.SPATIAL_MERGE_SIZE
    if "resized_height" in struct and "resized_width" in struct:
        return list(
            vision_process.smart_resize(struct["resized_height"], struct["resized_width"], factor=patch)
        )
    count, _, height, width = shape
    least = struct.get("min_pixels", vision_process.VIDEO_MIN_TOKEN_NUM * patch**2)
    total = struct.get("total_pixels", vision_process.MODEL_SEQ_LEN * patch**2 * 0.9)
    most = min(vision_process.VIDEO_MAX_TOKEN_NUM * patch**2, total / count * vision_process.FRAME_FACTOR)
    most = max(most, int(least * 1.05))
    most = min(most, struct.get("max_pixels", most))
    return list(vision_process.smart_resize(height, width, factor=patch, min_pixels=least, max_pixels=most))


def _handed_out(media: Sequence[_Medium]) -> tuple[list[Any] | None, list[tuple[Any, dict[str, Any]]] | None]:
    """Copies for one rollout, so that nothing that it does reaches the cache; None where there are none."""
    images = [item.copy() for item, metadata in media if metadata is None]
    videos = [
        (
            frames.to(torch.float32),
            {**metadata, "frames_indices": [int(i) for i in metadata["frames_indices"]]},
        )
        for frames, metadata in media
        if metadata is not None
    ]
    return images or None, videos or None


def _size_of(medium: _Medium) -> int:
    item, metadata = medium
    if metadata is None:
        return int(item.width * item.height * len(item.getbands()))
    return int(item.numel() * item.element_size())


def _path_of(struct: Any) -> str | None:
    """The local path of a media struct, if that is what it names."""
    if not isinstance(struct, Mapping):
        return None
    path = struct.get("video", struct.get("image"))
    return path if isinstance(path, str) and "://" not in path and not path.startswith("data:") else None


def _media_error(struct: Mapping[str, Any], message: str) -> MediaError:
    origin = struct.get(ORIGIN) or {"where": "a prompt", "field": "medium"}
    path = str(struct.get("video", struct.get("image")))[:300]
    return MediaError(origin["where"], origin["field"], f"{path}: {message}", path)
