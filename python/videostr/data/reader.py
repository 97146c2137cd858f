"""Which frames of a clip a trainer's video reader takes: the rule of qwen_vl_utils, which verl uses."""

from __future__ import annotations

import numpy as np

FRAME_FACTOR = 2


def sampled_indices(total_frames: int, nframes: int) -> list[int]:
    """Indices of the `nframes` frames taken from a clip of `total_frames`, first and last included.

    qwen_vl_utils (0.0.14, all its readers) rounds `nframes` to an even number and takes a float32
    linspace over the clip, rounded half to even. Raises ValueError where that reader refuses.

        >>> sampled_indices(8, 4)
        [0, 2, 5, 7]
    """
    count = round(nframes / FRAME_FACTOR) * FRAME_FACTOR
    if not FRAME_FACTOR <= count <= total_frames:
        raise ValueError(
            f"nframes: {nframes} must be from {FRAME_FACTOR} to the clip's {total_frames} frames"
        )
    step = np.float32(total_frames - 1) / np.float32(count - 1)
    # torch.linspace counts its second half down from the end; so do we, for equal float32 results.
    half = count // 2
    index = np.arange(count, dtype=np.float32)
    values = np.where(
        index < half, step * index, np.float32(total_frames - 1) - step * (np.float32(count - 1) - index)
    )
    return [int(value) for value in np.rint(values.astype(np.float32))]


def sampled_times(total_frames: int, fps: float, nframes: int) -> list[float]:
    """Times in seconds from the start of the clip of the frames that the reader takes.

    >>> sampled_times(8, 4.0, 4)
    [0.0, 0.5, 1.25, 1.75]
    """
    return [index / fps for index in sampled_indices(total_frames, nframes)]
