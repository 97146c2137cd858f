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
        ("frames.2.objects.0.center", [1, "x"], r"frames\[2\].objects\[0\].center\[1\]", "must be a number"),
        ("frames.2.objects.0.center", [1, math.nan], r"frames\[2\].objects\[0\].center\[1\]", "is nan"),
        ("frames.2.objects.0.center", [1, 10**400], r"frames\[2\].objects\[0\].center\[1\]", "to 1e"),
        ("frames.2.objects.0.id", 3, r"frames\[2\].objects\[0\].id", "must be text"),
        ("frames.2.objects.0.size", [1, -1, 1], r"frames\[2\].objects\[0\].size\[1\]", "from 0"),
        ("frames.2.objects.0.box", [9, 0, 1, 9], r"frames\[2\].objects\[0\].box", "with an area"),
        ("frames.2.objects.0.visible", 1.5, r"frames\[2\].objects\[0\].visible", "from 0 to 1"),
        ("scene", "\ud800", "scene", "surrogate"),
        ("up", 5, "up", "must be a list of 2 or 3 numbers"),
        ("frames.2.objects.0.label", "", r"frames\[2\].objects\[0\].label", "must be text"),
        ("frames.0.objects.1.label", "cup", r"frames\[0\].objects\[1\].id", "twice"),
        ("frames.0.objects.1.centre", [1, 2], r"frames\[0\].objects\[1\].centre", "unknown"),
        (
            "frames.0.camera",
            {"position": [0, 0, 1], "axes": [[1, 0, 0]] * 3},
            r"frames\[0\].camera.axes",
            "right-handed",
        ),
        ("questions.0.answer.value", None, r"questions\[0\].answer.value", ""),
        ("questions.0.ability", "fast", r"questions\[0\].ability", "'fast' is none of"),
        ("questions.0.task", "left of", r"questions\[0\].task", "must be"),
        ("questions.0.question", "<video>?", r"questions\[0\].question", "mark <video>"),
        ("space", "sky", "space", "is not one of"),
        ("frames.0.objects.1.center", [1, 2, 3], r"frames\[0\].objects\[1\].center", "2 numbers where"),
        ("frames.3.objects.1.label", "a, b", r"frames\[3\].objects\[1\].label", "a label has none of"),
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


def test_a_fault_of_the_reference_is_named_in_the_line_s_own_places(own: Line, tmp_path: Path) -> None:
    """Nodes stand in the order of their ids, frames without an object that is seen are left out."""
    own["frames"][0]["objects"] = []
    own["frames"][2]["objects"] = [
        {"label": "zebra, two", "center": [1, 2]},
        {"label": "hidden", "center": [1, 2], "visible": 0.0},
        {"label": "ape", "center": [3, 4]},
    ]
    with pytest.raises(RowError, match=r"line 1: frames\[2\]\.objects\[0\]\.(id|label): "):
        build_jsonl(write(tmp_path, [own]), tmp_path / "out", strict=True)
    for frame in own["frames"]:
        frame["objects"] = []
    del own["questions"]
    with pytest.raises(RowError, match="line 1: frames: no object is seen"):
        build_jsonl(write(tmp_path, [own]), tmp_path / "out", strict=True)


def test_null_stands_for_what_is_not_there(own: Line, tmp_path: Path) -> None:
    due = list(read_rows(build_jsonl(write(tmp_path, [own]), tmp_path / "out").files["train"]))
    own |= {"split": None, "up": None}
    for frame in own["frames"]:
        frame |= {"observer": None, "camera": None}
        nothing = dict.fromkeys(("id", "size", "yaw", "box", "visible"))
        frame["objects"] = [item | nothing for item in frame["objects"]]
    assert list(read_rows(build_jsonl(write(tmp_path, [own]), tmp_path / "out").files["train"])) == due


JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    3.5,
    math.nan,
    10**400,
    "",
    "\ud800",
    "a\nb",
    [],
    [1],
    {},
    {"id": 1},
    [[]],
)


def places(value: Any, path: str = "") -> list[str]:
    """Every place of a JSON value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, f"{path}.{key}" if path else str(key))
    return found


def test_no_value_in_any_place_ends_a_build(
    given: tuple[Path, list[Line], list[Any]], own: Line, tmp_path: Path
) -> None:
    """Each place of two lines with each kind of junk: a good line, or one that is named; never another error."""
    folder, lines, _ = given
    world = {**lines[0], "video": str(folder / lines[0]["video"]), "frames": lines[0]["frames"][:1]}
    for line in (own, world):
        line["frames"] = [{**frame, "objects": frame["objects"][:2]} for frame in line["frames"][:2]]
    own["questions"][0]["answer"] = {"kind": "choice", "value": "A", "options": ["cup", "plate"]}
    variants = [
        broken({**line, "scene": f"{number}-{place}-{kind}"}, place, junk)
        for number, line in enumerate((own, world))
        for place in places(line)
        for kind, junk in enumerate(JUNK)
        if place != "scene"
    ]
    faults: list[RowError] = []
    report = build_jsonl(write(tmp_path, [own, *variants]), tmp_path / "out", on_bad=faults.append)
    assert report.bad == len(faults)
    assert report.bad > len(variants) // 2
    assert sum(report.rows.values()) + len(faults) > len(variants)


def test_the_bar_ends_where_the_work_does(own: Line, tmp_path: Path) -> None:
    source = write(tmp_path, [{**own, "scene": str(k), "split": ("train", "val")[k % 2]} for k in range(6)])
    told: list[int] = []
    build_jsonl(source, tmp_path / "out", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 2 * source.stat().st_size


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
        ("filters: 3", "jsonl.filters: 3 must be settings by name"),
        ("source: my clips", "jsonl.source"),
        ("nframes: many", "jsonl.nframes: 'many' must be a whole number"),
        ("nframes: true", "jsonl.nframes"),
        ("decimals: -1", "must not be negative"),
        ("tasks: 3", "jsonl.tasks: 3 must be a list, each text"),
        ("form: xml", "jsonl.form: 'xml' must be one of json, lines"),
        ("filters: {choices: many}", "filters.choices: 'many' must be a whole number"),
        ("filters: {moved: [1]}", "filters.moved: .* must be a list of 2, each a number"),
        ("filters: {moved: [0, .inf]}", "filters.moved"),
        ("a: \udcff", "cannot be read"),
    ):
        path = tmp_path / "rows.yaml"
        path.write_text(text, errors="surrogateescape")
        with pytest.raises(SettingsError, match=message):
            JsonlConfig.from_file(path)
    path = tmp_path / "rows.json"
    for text, message in (
        ("[" * 100_000, "cannot be read"),
        ('{"seed": 1, "seed": 2}', "seed: is there more"),
    ):
        path.write_text(text)
        with pytest.raises(SettingsError, match=message):
            JsonlConfig.from_file(path)
    for seed in (-1, 2**63):
        with pytest.raises(SettingsError, match="seed"):
            build_jsonl(tmp_path / "none.jsonl", tmp_path / "out", seed=seed)
