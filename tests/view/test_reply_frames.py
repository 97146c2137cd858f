"""Frames of the clips behind rollouts."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from view_runs import write_rows

from videostr.data.clips import read_frames
from videostr.data.rows import make_row, read_rows
from videostr.data.rows import write_rows as write_parquet
from videostr.errors import VideostrError
from videostr.view.clips import PICTURES, SIDE, Medium, Rows, Wanted, fewer, pictures_of


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows"))


def wanted_of(row: dict[str, Any]) -> Wanted:
    return Wanted(row["data_source"], row["extra_info"]["index"], row["reward_model"]["ground_truth"])


def decoded(picture: dict[str, Any]) -> Any:
    head, _, raw = picture["src"].partition(",")
    assert head == "data:image/jpeg;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(raw))))


def test_the_clip_of_a_row_and_its_frames(rows: Path) -> None:
    for row in list(read_rows(rows))[:3]:
        medium = Rows([rows]).media([wanted_of(row)])[wanted_of(row)]
        assert medium.path.endswith(row["videos"][0]["video"].rpartition("/")[2])
        times = row["extra_info"]["frames"]
        assert list(medium.times) == times
        clip = pictures_of(medium)
        assert [picture["t"] for picture in clip["pictures"]] == times
        due = read_frames(medium.path, times).frames
        assert clip["size"] == [due.shape[2], due.shape[1]]
        for picture, frame in zip(clip["pictures"], due, strict=True):
            assert np.abs(decoded(picture).astype(int) - frame).mean() < 6, "the same picture, as JPEG has it"


def test_rows_of_one_index_are_told_apart_by_their_truth(rows: Path, tmp_path: Path) -> None:
    """Two files number their rows alike; a truth is the same in another order of its keys."""
    row = next(read_rows(rows))
    other = {**row, "videos": [{**row["videos"][0], "video": "/elsewhere/other.mp4"}]}
    truth = json.loads(row["reward_model"]["ground_truth"])
    changed = json.dumps({**truth, "meta": "another"})
    other["reward_model"] = {"style": "rule", "ground_truth": changed}
    write_parquet(tmp_path / "other.parquet", [other])
    both = Rows([tmp_path / "other.parquet", rows])
    turned = Wanted(row["data_source"], row["extra_info"]["index"], json.dumps(dict(reversed(truth.items()))))
    changed_one = Wanted(turned.data_source, turned.index, changed)
    unknown = Wanted(turned.data_source, turned.index, "{}")
    found = both.media([turned, changed_one, unknown])
    assert found[changed_one].path == "/elsewhere/other.mp4"
    assert found[turned].path != "/elsewhere/other.mp4"
    assert unknown not in found


def test_files_of_a_run(rows: Path, tmp_path: Path) -> None:
    """Relative paths start where the run was started."""
    record = tmp_path / "run"
    record.mkdir()
    config = {"data": {"train_files": [rows.name], "val_files": "gone.parquet", "data_root": "d"}}
    (record / "config.yaml").write_text(json.dumps(config))
    (record / "start.json").write_text(json.dumps({"working_directory": str(rows.parent)}))
    found = Rows.of_run(tmp_path)
    assert found.files == (rows,)
    assert found.missing == (rows.parent / "gone.parquet",)
    row = next(read_rows(rows))
    (medium,) = found.media([wanted_of(row)]).values()
    named = Path(row["videos"][0]["video"])
    assert medium.path == str(rows.parent / "d" / named)
    for odd in ({}, {"data": None}, {"data": {"train_files": 5}}, {"data": {"train_files": [1]}}):
        (record / "config.yaml").write_text(json.dumps(odd))
        assert Rows.of_run(tmp_path).files == ()


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(VideostrError, match=r"bad\.parquet: cannot be read"):
        Rows([tmp_path / "bad.parquet"]).media([Wanted("x", 0, "{}")])


def test_pictures_of_a_row_with_an_image(tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), (10, 200, 30)).save(tmp_path / "a.png")
    reference = {"version": 1, "answer": {"kind": "text", "value": "green"}}
    row = make_row(
        reference=reference, prompt="<image> colour?", source="own", task="colour", ability="static",
        question="colour?", scene="s", split="train", index=0, frames=[], seed=0, builder_version="1",
        images=[{"image": "a.png"}],
    )  # fmt: skip
    write_parquet(tmp_path / "rows.parquet", [row])
    medium = Rows([tmp_path / "rows.parquet"]).media([wanted_of(row)])[wanted_of(row)]
    clip = pictures_of(medium)
    assert clip["size"] == [640, 480]
    (picture,) = clip["pictures"]
    assert picture["t"] is None
    assert decoded(picture).shape == (SIDE * 480 // 640, SIDE, 3)


def test_few_pictures_of_a_long_clip(tmp_path: Path) -> None:
    from videostr.data.synth.video import write_mp4

    frames = [np.full((32, 32, 3), k, np.uint8) for k in range(64)]
    write_mp4(tmp_path / "a.mp4", frames, fps=2)
    medium = Medium(str(tmp_path / "a.mp4"), "video", tuple(k / 2 for k in range(64)))
    clip = pictures_of(medium)
    assert len(clip["pictures"]) == PICTURES
    assert (clip["pictures"][0]["t"], clip["pictures"][-1]["t"]) == (0.0, 31.5)
    size = sum(len(picture["src"]) for picture in clip["pictures"])
    half = fewer(clip, size // 2)
    assert half is not None
    assert 4 <= len(half["pictures"]) <= PICTURES // 2 + 1
    assert (half["pictures"][0]["t"], half["pictures"][-1]["t"]) == (0.0, 31.5)
    assert sum(len(picture["src"]) for picture in half["pictures"]) <= size // 2
    assert fewer(clip, size) == clip
    assert fewer(clip, 10) is None
    plain = pictures_of(Medium(str(tmp_path / "a.mp4"), "video"))
    assert [picture["t"] for picture in plain["pictures"]] == [picture["t"] for picture in clip["pictures"]]


def test_media_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    with pytest.raises(VideostrError):
        pictures_of(Medium(str(tmp_path / "a.mp4"), "video", (0.0,)))
    for kind in ("video", "image"):
        with pytest.raises(VideostrError):
            pictures_of(Medium(str(tmp_path / "gone"), kind))
