"""Building clips and rows: reproducible, resumable, balanced, split by scene."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import videostr
from videostr.data.rows import check_media, read_rows, validate_row
from videostr.data.synth import BuildReport, SynthConfig, build_rows, render_clips

pytest.importorskip("pyarrow")
pytest.importorskip("av")
CONFIG = SynthConfig(size=56, supersampling=1, min_visible_pixels=6, questions_per_clip=3)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.mp4"))}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    return build_rows(tmp_path_factory.mktemp("synth"), 24, 11, CONFIG, val_clips=4)


def rows_of(path: Path | None) -> list[dict[str, Any]]:
    assert path is not None
    return list(read_rows(path))


def test_rows_are_sound_and_their_references_valid(built: BuildReport) -> None:
    scorer = videostr.Scorer()
    for path in (built.train, built.val):
        for position, row in enumerate(rows_of(path)):
            validate_row(row, f"row {position}")
            check_media(row, f"row {position}")
            scorer.prepare(row["reward_model"]["ground_truth"])
            assert row["extra_info"]["index"] == position
            assert row["extra_info"]["frames"] == CONFIG.reader_times
            assert Path(row["videos"][0]["video"]).is_absolute()


def test_the_report_counts_what_was_made_and_dropped(built: BuildReport) -> None:
    counted = Counter(
        f"{row['extra_info']['split']}/{row['extra_info']['task']}"
        for path in (built.train, built.val)
        for row in rows_of(path)
    )
    assert built.rows == dict(counted)
    assert sum(built.rows.values()) + sum(built.dropped.values()) >= 28 * 3
    saved = json.loads((built.train.parent / "build.json").read_text(encoding="utf-8"))
    assert saved["dropped"] == built.dropped
    assert SynthConfig.from_dict(saved["config"]) == CONFIG


def test_splits_share_no_scene(built: BuildReport) -> None:
    train, val = ({row["extra_info"]["scene"] for row in rows_of(path)} for path in (built.train, built.val))
    assert len(train) == 24
    assert len(val) == 4
    assert not train & val


def test_letters_are_even_for_each_task(built: BuildReport) -> None:
    used: dict[str, Counter[str]] = {}
    for row in rows_of(built.train):
        answer = json.loads(row["reward_model"]["ground_truth"])["answer"]
        if answer["kind"] == "choice":
            used.setdefault(row["extra_info"]["task"], Counter())[answer["value"]] += 1
    assert set(used) == {"relative_distance", "relative_direction"}
    for counts in used.values():
        assert abs(counts["A"] - counts["B"]) <= 1


def test_the_same_call_makes_the_same_bytes(built: BuildReport, tmp_path: Path) -> None:
    again = build_rows(tmp_path, 24, 11, CONFIG, val_clips=4)
    assert digests(tmp_path / "clips") == digests(built.train.parent / "clips")

    def without_paths(path: Path | None) -> list[dict[str, Any]]:
        rows = rows_of(path)
        for row in rows:
            row["videos"][0]["video"] = Path(row["videos"][0]["video"]).name
        return rows

    assert without_paths(again.train) == without_paths(built.train)
    assert without_paths(again.val) == without_paths(built.val)


def test_more_clips_keep_those_before(built: BuildReport, tmp_path: Path) -> None:
    render_clips(tmp_path, 3, 11, CONFIG, first=20)
    whole = digests(built.train.parent / "clips")
    assert digests(tmp_path / "clips") == {name: whole[name] for name in sorted(whole)[20:23]}


def test_an_interrupted_build_goes_on(tmp_path: Path) -> None:
    class InterruptedBuildError(Exception):
        pass

    def stop_at_two(done: int, _: int) -> None:
        if done == 2:
            raise InterruptedBuildError

    with pytest.raises(InterruptedBuildError):
        build_rows(tmp_path, 4, 0, CONFIG, progress=stop_at_two)
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "clips").glob("*.mp4")}
    assert len(first) == 2
    build_rows(tmp_path, 4, 0, CONFIG)
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert len(digests(tmp_path / "clips")) == 4
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    "changes", [{"colours": ("yellow", "white")}, {"speed": (2.0, 3.0)}, {"fps": 4}, {"field_of_view": 50.0}]
)
def test_a_clip_of_another_world_is_not_taken_over(tmp_path: Path, changes: dict[str, Any]) -> None:
    other = replace(CONFIG, **changes)
    build_rows(tmp_path / "used", 3, 5, CONFIG)
    used, fresh = (build_rows(tmp_path / name, 3, 5, other) for name in ("used", "fresh"))

    def clips(report: BuildReport) -> list[bytes]:
        return [Path(row["videos"][0]["video"]).read_bytes() for row in rows_of(report.train)]

    assert clips(used) == clips(fresh)


def test_other_questions_need_no_new_clips(tmp_path: Path) -> None:
    clips = render_clips(tmp_path, 2, 5, CONFIG)
    asked = replace(CONFIG, tasks=("counting",), questions_per_clip=1, form="json", decimals=2)
    assert render_clips(tmp_path, 2, 5, asked) == clips


def test_the_clip_holds_the_rendered_pictures(built: BuildReport) -> None:
    import av
    import numpy as np

    from videostr.data.synth import render, sample_scene

    scene = sample_scene(CONFIG, 11, 0)
    (path,) = (built.train.parent / "clips").glob(f"{scene.name}-*.mp4")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == CONFIG.fps
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(stream)]
    assert len(frames) == CONFIG.frames
    for frame, time in zip(frames, CONFIG.frame_times, strict=True):
        picture = render(scene, time, CONFIG.lens, CONFIG.supersampling).astype(int)
        # Half-resolution colour (yuv420p) blurs edges between colours; areas are exact to a few steps.
        assert np.abs(frame - picture).mean() < 4.0


@pytest.mark.parametrize("counts", [{"clips": 0}, {"clips": 1, "val_clips": -1}])
def test_a_build_of_nothing_is_refused(tmp_path: Path, counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="clips"):
        build_rows(tmp_path, seed=0, config=CONFIG, **counts)
    assert list(tmp_path.iterdir()) == []
