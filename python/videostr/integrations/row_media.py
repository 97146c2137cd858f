"""The media of rows as a model gets them: paths joined, frames chosen, each file decoded once.

Shared by verl's dataset (:mod:`.verl_dataset`), the cold start and inference, so that all show a model the same
pixels and times. Needs torch and qwen_vl_utils; where torchvision's binary cannot be loaded, call
:func:`videostr.integrations.verl_cpu.torchvision_ops.declare_missing_operators` first.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from qwen_vl_utils import vision_process
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize

from videostr.data.clips import Clip, ClipError, read_evenly, read_frames
from videostr.data.media import MediaError, join_root
from videostr.data.row_check import MEDIA_COLUMNS, Row
from videostr.integrations.media_cache import MediaCache

#: Decoded media that a process keeps, in bytes, where nobody says otherwise.
MEDIA_CACHE_BYTES = 1 << 30
#: Key of a medium in a prompt under which its row, its column and its frames travel.
ORIGIN = "videostr"
#: uint8 frames (T, 3, height, width) and metadata, or an image and None.
Medium = tuple[Any, dict[str, Any] | None]
Images = list[Any] | None
Videos = list[tuple[Any, dict[str, Any]]] | None
Request = tuple[str | None, Callable[[], Medium]]

_caches: dict[int, MediaCache[Medium]] = {}
_caches_lock = threading.Lock()


def media_cache(limit: int = MEDIA_CACHE_BYTES) -> MediaCache[Medium]:
    """This process's cache of decoded media of so many bytes."""
    with _caches_lock:
        return _caches.setdefault(limit, MediaCache(limit, _size_of))


def media_of(
    row: Row,
    where: str,
    root: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    frames: int | None = None,
) -> dict[str, list[Any]]:
    """The media columns of a row with joined paths, and with their origin where they are structs.

    Args:
        row: A training row; its structs may be paths alone.
        where: File and number of the row, for messages.
        root: Where relative paths start.
        columns: Column -> ``video`` or ``image``; by default those of training rows.
        frames: So many frames of each clip, evenly spaced over it (over ``video_start`` to ``video_end`` where the
            struct has them); a clip with fewer gives all of them. None: the frames at ``extra_info.frames``
            where the row has one clip and times, else what the struct's ``nframes`` or ``fps`` say.
    """
    times = (row.get("extra_info") or {}).get("frames") or []
    found: dict[str, list[Any]] = {}
    for column, key in (columns or MEDIA_COLUMNS).items():
        media = row.get(column)
        media = [] if media is None else list(media)
        found[column] = []
        for position, item in enumerate(media):
            struct = {key: item} if isinstance(item, str) else item
            if isinstance(struct, Mapping) and isinstance(struct.get(key), str):
                origin: dict[str, Any] = {"where": where, "field": f"{column}[{position}].{key}"}
                if key == "video" and frames is not None:
                    origin["count"] = frames
                elif key == "video" and len(media) == 1 and len(times):
                    origin["times"] = [float(time) for time in times]
                struct = {**join_root(struct, key, root), ORIGIN: origin}
            found[column].append(struct)
    return found


def load_media(
    messages: Sequence[Mapping[str, Any]], patch_size: int, cache: MediaCache[Medium]
) -> tuple[Images, Videos]:
    """Images and videos of a prompt in its order, each None where there are none.

    Args:
        messages: Chat messages whose content is a list of parts, with the structs of :func:`media_of` in them.
        patch_size: Of the model's vision part, in pixels.
        cache: See :func:`media_cache`.

    Returns:
        Images, and (float32 frames (T, 3, height, width) of 0 to 255, metadata) for each video: ``fps`` and
        ``total_num_frames`` of the file, ``frames_indices``.

    Raises:
        MediaError: Names file, row and column of the medium that cannot be read.
    """
    media = [load() if key is None else cache.get(key, load) for key, load in requests(messages, patch_size)]
    return handed_out(media)


def requests(messages: Sequence[Mapping[str, Any]], patch_size: int) -> list[Request]:
    """Each medium of a prompt, in order: its key in the cache (None: not kept), and how to load it."""
    structs = vision_process.extract_vision_info([dict(message) for message in messages])
    return [(_key_of(struct, patch_size), _Load(struct, patch_size)) for struct in structs]


def handed_out(media: Sequence[Medium]) -> tuple[Images, Videos]:
    """Copies for one prompt, so that nothing that is done to it reaches the cache."""
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


def path_of(struct: Any) -> str | None:
    """The local path of a media struct, if that is what it names."""
    if not isinstance(struct, Mapping):
        return None
    path = struct.get("video", struct.get("image"))
    return path if isinstance(path, str) and "://" not in path and not path.startswith("data:") else None


def media_error(struct: Mapping[str, Any], message: str) -> MediaError:
    """The error of a medium, named by its origin."""
    origin = struct.get(ORIGIN) or {"where": "a prompt", "field": "medium"}
    path = str(struct.get("video", struct.get("image")))[:300]
    return MediaError(origin["where"], origin["field"], f"{path}: {message}", path)


def _key_of(struct: Mapping[str, Any], patch_size: int) -> str | None:
    """Equal for equal pictures: a file that was replaced has another key. None: not known by a name."""
    if not isinstance(struct.get("video", struct.get("image")), str):
        return None
    path = path_of(struct)
    file = (0, 0)
    if path is not None:
        try:
            status = os.stat(path)
        except OSError as error:
            raise media_error(struct, f"cannot be read: {error.strerror}") from None
        file = (status.st_mtime_ns, status.st_size)
    origin = struct.get(ORIGIN) or {}
    chosen = (origin.get("times"), origin.get("count"))
    keys = sorted((name, repr(value)) for name, value in struct.items() if name != ORIGIN)
    return repr((keys, chosen, file, patch_size))


class _Load:
    """Reads one medium, at the times or in the number that its origin names."""

    def __init__(self, struct: Mapping[str, Any], patch_size: int) -> None:
        self._struct = struct
        self._patch_size = patch_size

    def __call__(self) -> Medium:
        struct = self._struct
        origin = struct.get(ORIGIN) or {}
        plain = {name: value for name, value in struct.items() if name != ORIGIN}
        try:
            if "video" not in struct:
                return vision_process.fetch_image(plain, image_patch_size=self._patch_size), None
            if origin.get("times"):
                return _frames_at(plain, origin["times"], self._patch_size)
            if origin.get("count"):
                if path_of(plain) is not None:
                    return _frames_evenly(plain, origin["count"], self._patch_size)
                plain = {name: value for name, value in plain.items() if name != "fps"}
                plain["nframes"] = origin["count"]
            frames, metadata = vision_process.fetch_video(
                plain, image_patch_size=self._patch_size, return_video_metadata=True
            )
            return frames.to(torch.uint8), metadata
        except ClipError as error:
            raise media_error(struct, str(error)) from None
        except (
            Exception
        ) as error:  # of whatever reader qwen_vl_utils chose; the first one, not its fallback's
            first: BaseException = error
            while first.__context__ is not None:
                first = first.__context__
            raise media_error(struct, f"cannot be read: {type(first).__name__}: {first}") from error


def _frames_at(struct: Mapping[str, Any], times: Sequence[float], patch_size: int) -> Medium:
    if len(times) % vision_process.FRAME_FACTOR:
        raise ClipError(f"is asked for {len(times)} frames; the model takes an even number")
    return _sized(struct, read_frames(struct["video"], times), patch_size)


def _frames_evenly(struct: Mapping[str, Any], count: int, patch_size: int) -> Medium:
    clip = read_evenly(
        struct["video"],
        count,
        start=struct.get("video_start"),
        end=struct.get("video_end"),
        multiple=vision_process.FRAME_FACTOR,
    )
    return _sized(struct, clip, patch_size)


def _sized(struct: Mapping[str, Any], clip: Clip, patch_size: int) -> Medium:
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


def _size_of(medium: Medium) -> int:
    item, metadata = medium
    if metadata is None:
        return int(item.width * item.height * len(item.getbands()))
    return int(item.numel() * item.element_size())
