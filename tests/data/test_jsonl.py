"""Rows from a user's own objects per frame."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import world_oracle

import videostr
from videostr.cli import main
from videostr.data.jsonl import JsonlConfig, build_jsonl
from videostr.data.questions import Filters
from videostr.data.row_check import RowError
from videostr.data.rows import read_rows
from videostr.data.settings import SettingsError
from videostr.data.synth.video import write_mp4
from videostr.data.world import WorldConfig, build_world, load_clip, record_path
from videostr.prompts import render_reply

pytest.importorskip("pyarrow")
pytest.importorskip("av")
WORLD = WorldConfig(width=112, height=112, supersampling=1, objects=(3, 5), filters=Filters(seen_pixels=15))
Line = dict[str, Any]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Line], list[Any]]:
    """Clips of the world, written down as a user would: objects that are seen, by frame."""
    folder = tmp_path_factory.mktemp("given")
    build_world(folder, 4, 2, WORLD)
    lines, all_facts = [], []
    for index in range(4):
        shot = load_clip(record_path(folder, WORLD, 2, index)).shots[0]
        facts = shot.facts
        assert facts.eye is not None
        frames = []
        for frame, time in enumerate(facts.times):
            objects = [
                {
                    "id": thing.id,
                    "label": thing.label,
                    "center": thing.places[frame].tolist(),
                    "size": list(thing.size or ()),
                    "yaw": float(thing.yaws[frame]),
                    "box": thing.boxes[frame].tolist(),
                    "visible": float(thing.share[frame]),
                }
                for thing in facts.things
                if thing.pixels[frame] > 0 and np.isfinite(thing.boxes[frame]).all()
            ]
            camera = {"position": facts.eye.positions[frame].tolist(), "axes": facts.eye.axes[frame].tolist()}
            frames.append({"t": float(time), "camera": camera, "objects": objects})
        split = "val" if index == 3 else "train"
        lines.append(
            {"scene": f"s{index}", "split": split, "video": shot.video, "up": [0, 0, 1], "frames": frames}
        )
        all_facts.append(facts)
    return folder, lines, all_facts


def write(folder: Path, lines: list[Line]) -> Path:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def truth(row: Line) -> Line:
    reference: Line = json.loads(row["reward_model"]["ground_truth"])
    return reference


def test_own_objects_become_sound_rows_with_the_right_answers(
    given: tuple[Path, list[Line], list[Any]], tmp_path: Path
) -> None:
    folder, lines, all_facts = given
    config = JsonlConfig(filters=WORLD.filters)
    report = build_jsonl(write(folder, lines), tmp_path, config)
    assert set(report.files) == {"train", "val"}
    assert report.bad == 0
    scorer = videostr.Scorer()
    tasks = set()
    for path in report.files.values():
        assert main(["data", "check", str(path)]) == 0
        for row in read_rows(path):
            reference = truth(row)
            scored = scorer.score(render_reply(reference, form="json"), scorer.prepare(reference))
            assert scored["answer"] == 1.0
            assert scored["graph"] == pytest.approx(1.0, abs=1e-9)
            answer = reference["answer"]
            facts = all_facts[int(row["extra_info"]["scene"][1:])]
            record = facts.to_dict()
            for thing in record["things"]:
                thing["pixels"] = [4 * pixels for pixels in thing["pixels"]]
            options = answer.get("options", [])
            value = options[ord(answer["value"]) - ord("A")] if options else answer["value"]
            question = {
                "task": row["extra_info"]["task"],
                "text": row["extra_info"]["question"],
                "answer": {
                    "kind": answer["kind"],
                    "value": value,
                    "wrong": [o for o in options if o != value],
                },
            }
            if question["task"] in ("absolute_distance", "displacement", "path_length", "size"):
                number = float(value.split()[0]) if options else value
                assert number == pytest.approx(
                    world_oracle.answer(question, record), abs=0.51 if question["task"] == "size" else 0.0501
                )
            elif question["task"] in ("relative_distance", "relative_direction"):
                assert value == world_oracle.answer(question, record)
            tasks.add(question["task"])
    assert len(tasks) >= 6


def test_only_the_frames_that_the_reader_takes_count(
    given: tuple[Path, list[Line], list[Any]], tmp_path: Path
) -> None:
    folder, lines, _ = given
    report = build_jsonl(write(folder, lines[:1]), tmp_path, JsonlConfig(nframes=4, graph_frames=None))
    row = next(read_rows(report.files["train"]))
    assert row["extra_info"]["frames"] == [0.0, 2.5, 5.0, 7.5]
    assert row["videos"][0]["nframes"] == 4
    assert {frame["t"] for frame in truth(row)["graph"]["frames"]} <= {0.0, 2.5, 5.0, 7.5}


def test_tasks_that_need_every_frame_are_not_asked_of_some(
    given: tuple[Path, list[Line], list[Any]], tmp_path: Path
) -> None:
    folder, lines, _ = given
    sparse = [{**line, "frames": line["frames"][::3]} for line in lines]
    report = build_jsonl(write(folder, sparse), tmp_path, JsonlConfig(questions_per_clip=12))
    asked = {name.split("/")[1] for name in (*report.rows, *(f"x/{name}" for name in report.dropped))}
    assert "absolute_distance" in asked
    assert not asked & {"counting", "appearance_order", "localisation"}


@pytest.fixture
def own(tmp_path: Path) -> Line:
    write_mp4(tmp_path / "a.mp4", [np.full((56, 84, 3), 30 * i, np.uint8) for i in range(4)], fps=2)
    cup = {"label": "cup", "center": [10.0, 20.0]}
    plate = {"label": "plate", "center": [60.0, 30.0]}
    frames = [{"t": 0.5 * i, "objects": [cup, plate]} for i in range(4)]
    question = {
        "question": "What is left of the plate?",
        "task": "side",
        "ability": "static",
        "answer": {"kind": "text", "value": "cup"},
    }
    return {
        "scene": "a",
        "video": "a.mp4",
        "space": "image",
        "unit": "px",
        "scale": 100.0,
        "frames": frames,
        "questions": [question],
    }


def test_own_questions_and_picture_coordinates(own: Line, tmp_path: Path) -> None:
    report = build_jsonl(write(tmp_path, [own]), tmp_path / "out")
    assert report.rows == {"train/side/text": 1}
    row = next(read_rows(report.files["train"]))
    reference = truth(row)
    assert reference["answer"] == {"kind": "text", "value": "cup"}
    assert reference["graph"]["space"] == "image"
    assert reference["graph"]["frames"][0]["nodes"][0] == {
        "id": "cup",
        "label": "cup",
        "center": [10.0, 20.0],
    }
    scorer = videostr.Scorer()
    report_ = scorer.score(render_reply(reference, form="lines"), scorer.prepare(reference))
    assert not math.isnan(report_["node"])
    assert report_["node"] == pytest.approx(1.0)


def test_a_clip_that_nothing_can_be_asked_of_asks_for_its_graph(own: Line, tmp_path: Path) -> None:
    del own["questions"]
    report = build_jsonl(write(tmp_path, [own]), tmp_path / "out")
    assert report.rows == {"train/scene_graph/none": 1}


def broken(line: Line, path: str, value: Any) -> Line:
    changed = json.loads(json.dumps(line))
    place: Any = changed
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        place = place[step]
    place[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "field", "message"),
    [
        ("scene", 3, "scene", "must be text"),
        ("split", "dev", "split", "'dev' is none of"),
        ("video", "gone.mp4", "video", "there is no such file"),
        ("colour", 1, "colour", "unknown"),
        ("frames", [], "frames", "must be a list"),
        ("frames.1.t", 0.0, r"frames\[1\].t", "times must rise"),
        ("frames.2.objects.0.center", [1, "x"], r"frames\[2\].objects\[0\].center", "finite numbers"),
        ("frames.2.objects.0.center", [1, math.nan], r"frames\[2\].objects\[0\].center", "finite numbers"),
        ("frames.2.objects.0.label", "", r"frames\[2\].objects\[0\].label", "must be text"),
        ("frames.0.objects.1.label", "cup", r"frames\[0\].objects\[1\].id", "twice"),
        ("frames.0.objects.1.centre", [1, 2], r"frames\[0\].objects\[1\].centre", "unknown"),
        (
            "frames.0.camera",
            {"position": [0, 0, 1], "axes": [[1, 0, 0]] * 3},
            r"frames\[0\].camera.axes",
            "right-handed",
        ),
        ("questions.0.answer.value", None, "answer.value", ""),
        ("questions.0.ability", "fast", r"questions\[0\].ability", "'fast' is none of"),
        ("space", "sky", "graph.space", ""),
        ("frames.0.objects.1.center", [1, 2, 3], "graph.frames", ""),
    ],
)
def test_a_bad_line_is_named_and_passed_over(
    own: Line, tmp_path: Path, *, path: str, value: Any, field: str, message: str
) -> None:
    source = write(tmp_path, [own, broken({**own, "scene": "b"}, path, value)])
    faults: list[RowError] = []
    report = build_jsonl(source, tmp_path / "out", on_bad=faults.append)
    assert report.bad == len(faults) == 1
    assert sum(report.rows.values()) == 1
    with pytest.raises(RowError, match=rf"mine.jsonl: line 2: {field}.*: .*{message}"):
        raise faults[0]
    with pytest.raises(RowError, match="line 2"):
        build_jsonl(source, tmp_path / "out", strict=True)


def test_the_command_tells_bad_lines_and_their_number(
    own: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "mine.jsonl"
    source.write_text(json.dumps(own) + "\n\n{\n" + json.dumps(own) + "\n")
    arguments = ["data", "jsonl", str(source), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["bad"] == 2
    assert "line 3: line: is not JSON" in printed.err
    assert "line 4: scene: 'a' has come before" in printed.err
    assert main([*arguments, "--strict"]) == 1
    source.write_text("[1]\n")
    assert main(arguments) == 1
    assert "none of them is a clip" in capsys.readouterr().err
    settings = tmp_path / "rows.yaml"
    settings.write_text("tasks: [guessing]\n")
    assert main([*arguments, "--config", str(settings)]) == 2


def test_bad_settings_are_named(tmp_path: Path) -> None:
    for text, message in (
        ("nframes: 3", "jsonl.nframes"),
        ("graph_frames: 0", "jsonl.graph_frames"),
        ("- 1", "settings by name"),
        ("a: [", "cannot be read"),
        ("filters: 3", "filters: must hold settings"),
    ):
        path = tmp_path / "rows.yaml"
        path.write_text(text)
        with pytest.raises(SettingsError, match=message):
            JsonlConfig.from_file(path)
