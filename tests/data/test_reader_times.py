"""The times in a row are those of the frames that the trainer's reader takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from videostr.data.reader import sampled_indices, sampled_times


@pytest.mark.parametrize(
    ("total", "nframes", "expected"),
    [
        (2, 2, [0, 1]),
        (4, 4, [0, 1, 2, 3]),
        (8, 4, [0, 2, 5, 7]),
        (10, 4, [0, 3, 6, 9]),
        (6, 4, [0, 2, 3, 5]),
        (9, 5, [0, 3, 5, 8]),
    ],
)
def test_indices_by_hand(total: int, nframes: int, expected: list[int]) -> None:
    assert sampled_indices(total, nframes) == expected


def test_indices_equal_torch_linspace() -> None:
    torch = pytest.importorskip("torch")
    for total in (*range(2, 70), *range(71, 20000, 1613)):
        for nframes in range(2, min(total, 128) + 1, 2):
            expected = torch.linspace(0, total - 1, nframes).round().long().tolist()
            assert sampled_indices(total, nframes) == expected, (total, nframes)


@pytest.mark.parametrize(("total", "nframes"), [(1, 2), (4, 6), (4, 0), (8, 1)])
def test_what_the_reader_refuses_is_refused(total: int, nframes: int) -> None:
    with pytest.raises(ValueError, match="nframes"):
        sampled_indices(total, nframes)


@pytest.mark.parametrize(
    ("frames", "fps", "nframes"), [(4, 2, 4), (8, 4, 4), (10, 3, 6), (7, 5, 2), (33, 24, 16)]
)
def test_times_equal_what_the_real_reader_takes(tmp_path: Path, frames: int, fps: int, nframes: int) -> None:
    vision = pytest.importorskip("qwen_vl_utils.vision_process")
    pytest.importorskip("decord")
    import numpy as np

    from videostr.data.synth.video import write_mp4

    # Frame i has the grey value 20 + 6 i, so the picture itself says which frame was taken.
    pictures = [np.full((56, 56, 3), 20 + 6 * index, dtype=np.uint8) for index in range(frames)]
    path = tmp_path / "clip.mp4"
    write_mp4(path, pictures, fps)
    video = {"video": str(path), "nframes": nframes, "resized_height": 56, "resized_width": 56}
    taken, metadata = vision.fetch_video(video, return_video_metadata=True)
    greys = [float(frame.mean()) for frame in taken]
    shown = [round((grey - 20) / 6) for grey in greys]
    assert shown == sampled_indices(frames, nframes)
    assert [int(index) / metadata["fps"] for index in metadata["frames_indices"]] == pytest.approx(
        sampled_times(frames, fps, nframes)
    )
