"""Frames by their times: the right pictures, and words where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("av")

import av
import numpy as np

from videostr.data.clips import ClipError, read_evenly, read_frames
from videostr.data.reader import sampled_indices
from videostr.data.synth.video import write_mp4


def grey_clip(path: Path, frames: int, fps: int, keyframe_every: int | None = None) -> Path:
    """Frame i has the grey value 20 + 4 i, so the picture itself says which frame it is."""
    pictures = [np.full((32, 48, 3), 20 + 4 * index, dtype=np.uint8) for index in range(frames)]
    if keyframe_every is None:
        write_mp4(path, pictures, fps)
        return path
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, width=48, height=32)
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "4", "bf": "2", "g": str(keyframe_every), "threads": "1"}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def shown(frames: np.ndarray) -> list[int]:
    return [round((float(frame.mean()) - 20) / 4) for frame in frames]


@pytest.mark.parametrize("keyframe_every", [None, 1, 5, 50])
@pytest.mark.parametrize("indices", [[0, 1, 2, 3], [3, 4, 29, 39], [0, 39], [38, 39], [7, 8, 20, 21]])
def test_the_pictures_are_those_at_the_times(
    tmp_path: Path, indices: list[int], keyframe_every: int | None
) -> None:
    path = grey_clip(tmp_path / "a.mp4", 40, 8, keyframe_every)
    clip = read_frames(path, [index / 8 for index in indices])
    assert shown(clip.frames) == clip.indices == indices
    assert clip.frames.shape == (len(indices), 32, 48, 3)
    assert clip.frames.dtype == np.uint8
    assert (clip.fps, clip.total) == (8.0, 40)
    assert clip.times == pytest.approx([index / 8 for index in indices])


def test_a_time_is_that_of_the_nearest_frame(tmp_path: Path) -> None:
    path = grey_clip(tmp_path / "a.mp4", 10, 3)
    assert read_frames(path, [0.1, 0.333, 1.6]).indices == [0, 1, 5]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0.0, 5.0], "no frame at 5 s: its 8 frames, 4 a second, end at 1.75 s"),
        ([-1.0, 0.0], "no frame at -1 s"),
        ([0.0, 0.05], "no frame of its own at 0.05 s"),
        ([float("nan")], "no frame at nan s"),
    ],
)
def test_times_that_the_clip_has_not(tmp_path: Path, times: list[float], said: str) -> None:
    path = grey_clip(tmp_path / "a.mp4", 8, 4)
    with pytest.raises(ClipError, match=said):
        read_frames(path, times)


def test_files_that_are_no_clips(tmp_path: Path) -> None:
    noise, empty = tmp_path / "noise.mp4", tmp_path / "empty.mp4"
    noise.write_bytes(b"this is not a clip" * 100)
    empty.write_bytes(b"")
    whole = grey_clip(tmp_path / "a.mp4", 40, 8, 5).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for path in (noise, empty, tmp_path / "cut.mp4", tmp_path / "none.mp4"):
        with pytest.raises(ClipError):
            read_frames(path, [0.0])


def test_a_clip_with_a_hole_is_damaged_where_the_hole_is(tmp_path: Path) -> None:
    path = grey_clip(tmp_path / "a.mp4", 40, 8, 1)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    position, size = places[20]
    data[position : position + size] = bytes(size)
    path.write_bytes(data)
    assert shown(read_frames(path, [0.0, 1.0]).frames) == [0, 8]
    with pytest.raises(ClipError, match=r"decoded|damaged"):
        read_frames(path, [20 / 8])


@pytest.mark.parametrize("count", [2, 4, 16, 32])
@pytest.mark.parametrize("frames", [2, 5, 8, 33, 40])
def test_frames_in_a_number_are_spread_as_the_trainers_reader_does(
    tmp_path: Path, frames: int, count: int
) -> None:
    clip = read_evenly(grey_clip(tmp_path / "a.mp4", frames, 8), count)
    wanted = sampled_indices(frames, count) if count <= frames else list(range(frames // 2 * 2))
    assert clip.indices == shown(clip.frames) == wanted
    assert len(clip.indices) == min(count, frames // 2 * 2)


def test_frames_in_a_number_stay_within_start_and_end(tmp_path: Path) -> None:
    path = grey_clip(tmp_path / "a.mp4", 40, 8)
    assert read_evenly(path, 4, start=1.0, end=2.0).indices == [8, 11, 13, 16]
    assert read_evenly(path, 32, start=4.5).indices == [36, 37, 38, 39]
    with pytest.raises(
        ClipError, match=r"has 1 frames from 1 to 1\.1 s, 8 a second; the model takes 2 at least"
    ):
        read_evenly(path, 4, start=1.0, end=1.1)
    with pytest.raises(ClipError, match=r"has 0 frames from 9 to 4\.875 s"):
        read_evenly(path, 4, start=9.0)


def test_a_clip_of_one_frame_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="has 1 frames, 8 a second; the model takes 2 at least"):
        read_evenly(grey_clip(tmp_path / "a.mp4", 1, 8), 32)
