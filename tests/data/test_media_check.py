"""Clips and pictures that cannot be read are named by file, row and field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from videostr.data.media_check import Header, MediaCheck, UnreadableMediaError, media_of, read_header
from videostr.data.row_check import RowError

av = pytest.importorskip("av")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    from videostr.data.synth.video import write_mp4

    noise = np.random.default_rng(0).integers(0, 255, (16, 48, 64, 3), dtype=np.uint8)
    write_mp4(tmp_path / "clip.mp4", list(noise), 4)
    return tmp_path / "clip.mp4"


def test_the_header_of_a_clip(clip: Path) -> None:
    assert read_header(clip) == Header(64, 48, 16, 4.0)
    assert read_header(clip, decode=True) == Header(64, 48, 16, 4.0)


def test_a_clip_that_is_cut(clip: Path) -> None:
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) // 2])
    with pytest.raises(
        UnreadableMediaError, match=r"clip\.mp4: is no video, or one that is cut or damaged \(Invalid data"
    ):
        read_header(clip)


def test_a_clip_that_is_damaged_after_its_header(clip: Path, tmp_path: Path) -> None:
    content = bytearray(clip.read_bytes())
    start, end = content.index(b"mdat") + 64, content.index(b"moov") - 8
    content[start:end] = bytes(end - start)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(bytes(content))
    assert read_header(broken).frames == 16
    with pytest.raises(UnreadableMediaError, match=r"broken\.mp4: .*damaged"):
        read_header(broken, decode=True)


def test_sound_without_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux([*stream.encode(frame), *stream.encode()])
    with pytest.raises(UnreadableMediaError, match=r"sound\.mp4: has no video stream"):
        read_header(path)


def test_what_is_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMediaError, match=r"gone\.mp4: there is no such file"):
        read_header(tmp_path / "gone.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(UnreadableMediaError, match=r"empty\.mp4: the file is empty"):
        read_header(tmp_path / "empty.mp4")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UnreadableMediaError, match=r"text\.png: is no picture"):
        read_header(tmp_path / "text.png", "image")


def test_media_of_a_row_are_structs_or_paths() -> None:
    row = {"videos": [{"video": "file:///a.mp4"}, "b.mp4"], "images": [{"image": "s3://c.png"}]}
    assert list(media_of(row)) == [
        ("videos[0].video", "video", Path("/a.mp4")),
        ("videos[1].video", "video", Path("b.mp4")),
        ("images[0].image", "image", None),
    ]


def test_a_row_is_named_each_time_and_a_file_opened_once(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from videostr.data import media_check

    opened: list[Path] = []
    monkeypatch.setattr(
        media_check,
        "read_header",
        lambda path, kind, decode: opened.append(path) or read_header(path, kind, decode=decode),
    )
    check = MediaCheck()
    good, bad = {"videos": [{"video": str(clip)}]}, {"videos": [{"video": "gone.mp4"}]}
    assert check.check(good, "row 0") == {"videos[0].video": Header(64, 48, 16, 4.0)}
    check.check(good, "row 1")
    assert check.check({"videos": [{"video": "clip.mp4"}]}, "row 2", clip.parent)
    for where in ("rows.parquet: row 2", "rows.parquet: row 3"):
        with pytest.raises(
            RowError, match=rf"^{where}: videos\[0\]\.video: gone\.mp4: there is no such file"
        ):
            check.check(bad, where)
    assert opened == [clip, Path("gone.mp4")]
