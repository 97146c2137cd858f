"""Frames of a clip by their times (extra `data`: PyAV)."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostr.data.reader import sampled_indices
from videostr.errors import VideostrError

__all__ = ["Clip", "ClipError", "read_evenly", "read_frames"]


class ClipError(VideostrError, ValueError):
    """A file that is no readable clip, or one without a frame at a time asked for."""


@dataclass(frozen=True)
class Clip:
    """Some frames of a clip, and where in it they stand.

    Attributes:
        frames: Pictures, uint8 of shape (T, height, width, 3), RGB.
        indices: Their T positions among the frames of the file, from 0, rising.
        times: Their T times in seconds from the first frame of the file.
        fps: Frames per second of the file.
        total: Frames in the file.
    """

    frames: NDArray[np.uint8]
    indices: list[int]
    times: list[float]
    fps: float
    total: int


def read_frames(path: str | os.PathLike[str], times: Sequence[float]) -> Clip:
    """The frames of the clip at `times`, decoded from the nearest key frame before each.

    Args:
        path: A file that PyAV reads.
        times: Seconds from the first frame of the file, rising; each must lie within half a frame of one.

    Raises:
        ClipError: The file cannot be read, or has no frame (or only one that is taken) at a time.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from videostr.data.clips import read_frames
        >>> from videostr.data.synth.video import write_mp4
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_mp4(folder / "a.mp4", [np.full((16, 16, 3), 60 * i, np.uint8) for i in range(4)], fps=2)
        >>> clip = read_frames(folder / "a.mp4", [0.0, 1.5])
        >>> clip.indices, clip.fps, clip.total, clip.frames.shape
        ([0, 3], 2.0, 4, (2, 16, 16, 3))
    """
    return _read(path, lambda seconds, fps: _indices(seconds, times, fps))


def read_evenly(
    path: str | os.PathLike[str],
    count: int,
    *,
    start: float | None = None,
    end: float | None = None,
    multiple: int = 2,
) -> Clip:
    """So many frames of a clip, evenly spaced, first and last included.

    The rule is that of the trainer's reader (:func:`videostr.data.reader.sampled_indices`). A clip that has fewer
    frames gives all of them, up to the last `multiple`.

    Args:
        path: A file that PyAV reads.
        count: How many, a multiple of `multiple`.
        start, end: Seconds from the first frame of the file; only frames from `start` to `end` are taken from.
        multiple: The model takes a multiple of so many frames.

    Raises:
        ClipError: The file cannot be read, or has fewer than `multiple` frames there.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from videostr.data.clips import read_evenly
        >>> from videostr.data.synth.video import write_mp4
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_mp4(folder / "a.mp4", [np.full((16, 16, 3), 20 * i, np.uint8) for i in range(9)], fps=2)
        >>> read_evenly(folder / "a.mp4", 4).indices, read_evenly(folder / "a.mp4", 32).indices
        ([0, 3, 5, 8], [0, 1, 2, 3, 4, 5, 6, 7])
        >>> read_evenly(folder / "a.mp4", 2, start=1.0, end=2.2).times
        [1.0, 2.0]
    """

    def evenly(seconds: Sequence[float], fps: float) -> list[int]:
        near = 1e-6
        first = 0 if start is None else bisect_left(seconds, start - near)
        stop = len(seconds) if end is None else bisect_right(seconds, end + near)
        there = max(stop - first, 0)
        taken = min(count, there // multiple * multiple)
        if taken < multiple:
            place = (
                "" if start is None and end is None else f" from {start or 0:g} to {end or seconds[-1]:g} s"
            )
            raise ClipError(
                f"has {there} frames{place}, {fps:g} a second; the model takes {multiple} at least"
            )
        return [first + index for index in sampled_indices(there if taken == count else taken, taken)]

    return _read(path, evenly)


def _read(path: str | os.PathLike[str], choose: Callable[[Sequence[float], float], list[int]]) -> Clip:
    """The frames at the positions that `choose` names, given the times of all frames and the frame rate."""
    with _video(path) as (container, stream):
        stamps, keys = _stamps(container, stream)
        if not stamps:
            raise ClipError("holds no frame")
        base = float(stream.time_base)
        seconds = [(stamp - stamps[0]) * base for stamp in stamps]
        fps = float(stream.average_rate or 0) or (len(seconds) - 1) / max(seconds[-1], base)
        indices = choose(seconds, fps)
        pictures = list(_pictures(container, stream, stamps, keys, indices))
    return Clip(np.stack(pictures), indices, [seconds[index] for index in indices], fps, len(stamps))


@contextmanager
def _video(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Any]]:
    import av

    try:
        with av.open(os.fspath(path)) as container:
            if not container.streams.video:
                raise ClipError("has no video stream")
            yield container, container.streams.video[0]
    except (av.FFmpegError, OSError) as error:
        raise ClipError(f"cannot be decoded: {error}") from None


def _stamps(container: Any, stream: Any) -> tuple[list[int], list[int]]:
    """Time stamps of all frames and of the key frames, in order of showing; nothing is decoded for it."""
    shown: list[int] = []
    keys: list[int] = []
    for packet in container.demux(stream):
        if packet.pts is None or packet.is_discard:
            continue
        shown.append(packet.pts)
        if packet.is_keyframe:
            keys.append(packet.pts)
    return sorted(shown), sorted(keys)


def _indices(seconds: Sequence[float], times: Sequence[float], fps: float) -> list[int]:
    near = 0.5 / fps + 1e-6
    indices: list[int] = []
    for time in times:
        after = bisect_left(seconds, time)
        index = min(
            (place for place in (after - 1, after) if 0 <= place < len(seconds)),
            key=lambda place: abs(seconds[place] - time),
        )
        if not abs(seconds[index] - time) <= near:
            raise ClipError(
                f"has no frame at {time:g} s: its {len(seconds)} frames, {fps:g} a second, end at {seconds[-1]:g} s"
            )
        indices.append(index)
    for (before, index), time in zip(pairwise(indices), times[1:], strict=True):
        if index <= before:
            raise ClipError(f"has no frame of its own at {time:g} s: {fps:g} frames a second are too few")
    return indices


def _pictures(
    container: Any, stream: Any, stamps: Sequence[int], keys: Sequence[int], indices: Sequence[int]
) -> Iterator[NDArray[np.uint8]]:
    """The pictures at `indices`; between two of them it decodes on, or jumps to a later key frame."""
    decoded: Iterator[Any] = iter(())
    at = stamps[0] - 1  # time stamp of the frame decoded last
    started = False
    for index in indices:
        wanted = stamps[index]
        place = bisect_right(keys, wanted)
        if not started or (place and keys[place - 1] > at):
            container.seek(wanted, stream=stream, backward=True)
            decoded, started = container.decode(stream), True
        for frame in decoded:
            if frame.pts is None or frame.pts < wanted:
                continue
            at = frame.pts
            if at == wanted:
                yield frame.to_ndarray(format="rgb24")
            break
        if at != wanted:
            raise ClipError(f"is damaged: frame {index} of {len(stamps)} is not there")
