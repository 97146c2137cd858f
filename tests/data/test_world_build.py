"""Building the world: sound rows, the same bytes whatever the workers and interruptions, views and rolls."""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import videostr
from videostr.cli import main
from videostr.data.clips import read_frames
from videostr.data.graphs import reference_graph
from videostr.data.questions import ANYWHERE, TASKS, Filters
from videostr.data.rows import read_rows
from videostr.data.settings import BuildError, SettingsError
from videostr.data.synth import video
from videostr.data.world import (
    BuildReport,
    Room,
    Street,
    WorldConfig,
    build_world,
    load_clip,
    record_path,
    render,
    sample_scene,
)
from videostr.data.world.solids import COLOURS
from videostr.prompts import render_reply

pytest.importorskip("pyarrow")
pytest.importorskip("av")
CONFIG = WorldConfig(
    frames=8,
    nframes=8,
    width=112,
    height=112,
    supersampling=1,
    objects=(2, 5),
    filters=Filters(seen_pixels=15, box_side=4.0),
)
CLIPS, VAL, SEED = 8, 2, 5
Row = dict[str, Any]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    return build_world(tmp_path_factory.mktemp("one"), CLIPS, SEED, CONFIG, val_clips=VAL)


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def truth(row: Row) -> Row:
    reference: Row = json.loads(row["reward_model"]["ground_truth"])
    return reference


def test_rows_pass_the_check(built: BuildReport, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (built.train, built.val):
        assert main(["data", "check", str(path), "--decode"]) == 0
    assert ", 0 bad" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["json", "lines"])
@pytest.mark.parametrize("preset", ["pose-free", "video-str"])
def test_every_rendered_reference_earns_everything(built: BuildReport, form: Any, preset: str) -> None:
    scorer = videostr.Scorer(videostr.RewardSpec.preset(preset))
    for row in read_rows(built.train):
        reference = truth(row)
        report = scorer.score(render_reply(reference, form=form), scorer.prepare(reference))
        for name in videostr.COMPONENTS:
            if name not in ("length", "consistency", "total") and not math.isnan(report[name]):
                assert report[name] == pytest.approx(1.0, abs=1e-9), (row["extra_info"]["task"], name)
        assert report["answer"] == 1.0


def test_each_clip_is_another_and_is_asked_at_most_so_often(built: BuildReport) -> None:
    out = built.train.parent
    clips = files(out / "clips")
    assert len(clips) == len(set(clips.values())) == CLIPS + VAL
    asked = Counter(row["extra_info"]["scene"] for row in read_rows(built.train))
    assert len(asked) == CLIPS
    assert max(asked.values()) <= CONFIG.questions_per_clip
    report = json.loads((out / "build.json").read_text())
    assert sum(count for name, count in report["rows"].items() if name.startswith("train/")) == sum(
        asked.values()
    )
    assert WorldConfig.from_dict(report["config"]) == CONFIG


def test_splits_share_no_scene(built: BuildReport) -> None:
    assert built.val is not None
    train, val = (
        {row["extra_info"]["scene"] for row in read_rows(path)} for path in (built.train, built.val)
    )
    assert not train & val


def test_letters_are_even_in_the_rows(tmp_path: Path) -> None:
    config = replace(
        CONFIG, tasks=("size", "relative_distance"), frames=2, nframes=2, graph_frames=1, cameras=("still",)
    )
    build = build_world(tmp_path, 24, 1, config)
    letters: dict[tuple[str, int], Counter[str]] = {}
    for row in read_rows(build.train):
        answer = truth(row)["answer"]
        if answer["kind"] == "choice":
            key = (row["extra_info"]["task"], len(answer["options"]))
            letters.setdefault(key, Counter())[answer["value"]] += 1
    assert sum(letters["size", 4].values()) >= 8
    for (_, count), used in letters.items():
        counts = [used[chr(ord("A") + place)] for place in range(count)]
        assert max(counts) - min(counts) <= 1


def test_a_clip_has_the_same_bytes_on_any_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the vector code that this one offers, and with none."""
    scene = sample_scene(CONFIG, SEED, 1)
    frames = [render(scene, time, CONFIG.lens, CONFIG.supersampling) for time in CONFIG.times]
    paths = [tmp_path / "vector.mp4", tmp_path / "plain.mp4"]
    video.write_mp4(paths[0], frames, CONFIG.fps)
    monkeypatch.setitem(video.X264, "x264-params", f"{video.X264['x264-params']}:asm=0")
    video.write_mp4(paths[1], frames, CONFIG.fps)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_any_number_of_workers_makes_the_same_bytes(built: BuildReport, tmp_path: Path) -> None:
    build_world(tmp_path, CLIPS, SEED, CONFIG, val_clips=VAL, workers=2)
    assert files(tmp_path) == files(built.train.parent)


def test_an_interrupted_build_goes_on_where_it_stopped(built: BuildReport, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(done: int, _count: int) -> None:
        if done == 5:
            raise StopError

    with pytest.raises(StopError):
        build_world(tmp_path, CLIPS, SEED, CONFIG, val_clips=VAL, progress=stop)
    assert not (tmp_path / "train.parquet").exists()
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert len(made) == 10
    torn = sorted((tmp_path / "scenes").iterdir())[2]
    torn.unlink()  # as if it was stopped between the clip and its record
    lost = sorted((tmp_path / "clips").iterdir())[1]
    lost.unlink()
    calls: list[tuple[int, int]] = []
    build_world(tmp_path, CLIPS, SEED, CONFIG, val_clips=VAL, progress=lambda *done: calls.append(done))
    assert files(tmp_path) == files(built.train.parent)
    assert calls[-1] == (CLIPS + VAL, CLIPS + VAL)
    kept = {path for path, stamp in made.items() if path.stat().st_mtime_ns == stamp}
    assert set(made) - kept <= {torn, lost, lost.parent.parent / "scenes" / f"{lost.stem}.json"} | set(
        (tmp_path / "scenes").glob(f"{lost.stem.rsplit('-', 1)[0]}-*")
    )


def test_a_worker_that_is_killed_is_told_and_the_build_goes_on(built: BuildReport, tmp_path: Path) -> None:
    def kill(done: int, _count: int) -> None:
        if done == 1:
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    with pytest.raises(BuildError, match=r"a worker ended without a word, .* same command again"):
        build_world(tmp_path, CLIPS, SEED, CONFIG, val_clips=VAL, workers=2, progress=kill)
    build_world(tmp_path, CLIPS, SEED, CONFIG, val_clips=VAL)
    assert {name: digest for name, digest in files(tmp_path).items() if not name.endswith(".part")} == files(
        built.train.parent
    )


def test_other_questions_keep_the_clips_and_other_seeds_do_not(built: BuildReport, tmp_path: Path) -> None:
    config = replace(CONFIG, tasks=("size", "ego_motion", "counting"))
    out = tmp_path
    build_world(out, 2, SEED, CONFIG)
    clips = files(out / "clips")
    build_world(out, 2, SEED + 1, CONFIG)
    assert len(files(out / "clips")) == 4
    assert record_path(out, config, SEED, 0) != record_path(out, CONFIG, SEED, 0)
    assert clips.items() <= files(built.train.parent / "clips").items()


def hue(colour: np.ndarray) -> np.ndarray:
    """The colour without its grey part, of length 1."""
    pure: np.ndarray = colour - colour.min()
    return pure / np.linalg.norm(pure)


def test_files_show_what_their_records_say(built: BuildReport) -> None:
    """The decoded clip at each sampled time: in the middle of a whole object's box is its colour."""
    checked = 0
    hues = [hue(np.array(paint)) for paint in COLOURS.values()]
    for index in range(CLIPS):
        clip = load_clip(record_path(built.train.parent, CONFIG, SEED, index))
        facts = clip.shots[0].facts
        pictures = read_frames(built.train.parent / clip.shots[0].video, list(facts.times)).frames
        assert pictures.shape == (8, 112, 112, 3)
        for thing in facts.things:
            for frame in range(8):
                left, top, right, bottom = np.nan_to_num(thing.boxes[frame])
                if (
                    thing.share[frame] == 1.0
                    and thing.inside[frame] == 1.0
                    and min(right - left, bottom - top) > 14
                ):
                    x, y = (left + right) / 2, top + 0.6 * (bottom - top)
                    shown = pictures[frame, int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].mean(
                        axis=(0, 1)
                    )
                    alike = [hue(shown) @ other for other in hues]
                    assert list(COLOURS)[int(np.argmax(alike))] == thing.id.split()[0], (
                        clip.scene,
                        thing.id,
                        frame,
                    )
                    checked += 1
    assert checked > 30


def test_both_graphs_are_of_one_scene(built: BuildReport) -> None:
    for index in range(CLIPS):
        facts = load_clip(record_path(built.train.parent, CONFIG, SEED, index)).shots[0].facts
        every = np.ones((len(facts.things), 8), dtype=bool)
        world = reference_graph(facts, range(8), every, space="world", decimals=7)
        camera = reference_graph(facts, range(8), every, space="camera", decimals=7)
        assert world is not None
        assert camera is not None
        assert facts.eye is not None
        assert world["scale"] == camera["scale"] == pytest.approx(facts.scale, abs=1e-6)
        for frame, (there, here) in enumerate(zip(world["frames"], camera["frames"], strict=True)):
            observer = np.array(there["observer"])
            assert observer == pytest.approx(facts.eye.positions[frame], abs=1e-6)
            assert here["observer"] == [0.0, 0.0, 0.0]
            for a, b in zip(there["nodes"], here["nodes"], strict=True):
                offset = np.array(a["center"]) - observer
                assert np.linalg.norm(b["center"]) == pytest.approx(np.linalg.norm(offset), abs=1e-5)
                assert np.dot(b["center"], camera["up"]) == pytest.approx(offset[2], abs=1e-5)


def test_records_hold_boxes_in_space_tracks_and_the_cameras_way(built: BuildReport) -> None:
    facts = load_clip(record_path(built.train.parent, CONFIG, SEED, 0)).shots[0].facts
    scene = sample_scene(CONFIG, SEED, 0)
    assert len(facts.things) == len(scene.named)
    for thing, solid in zip(facts.things, scene.named, strict=True):
        for frame, time in enumerate(facts.times):
            x, y, yaw = solid.motion.poses([time])[0]
            wanted = [x, y, solid.size[2] / 2, *solid.size, yaw]
            assert thing.box3d(frame) == pytest.approx(wanted, abs=1e-6)
    assert facts.eye is not None
    assert facts.eye.travelled == pytest.approx(scene.camera.motion.travelled(facts.times), abs=1e-6)


def test_difficulty_is_a_matter_of_ranges() -> None:
    easy = replace(
        CONFIG, objects=(2, 3), clutter=(0, 0), places=("room",), cameras=("still",), moving_share=(0.0, 0.0)
    )
    hard = replace(
        CONFIG, objects=(8, 10), clutter=(2, 3), places=("street",), cameras=("drive",), occlusion=(0.15, 0.9)
    )
    for index in range(3):
        scene = sample_scene(easy, 3, index)
        assert 2 <= len(scene.named) == len(scene.solids) <= 3
        assert isinstance(scene.place, Room)
        assert not scene.camera.motion.moves
        assert not any(solid.motion.moves for solid in scene.solids)
        scene = sample_scene(hard, 3, index)
        assert 8 <= len(scene.named) <= 10
        assert 2 <= len(scene.solids) - len(scene.named) <= 3
        assert isinstance(scene.place, Street)
        assert scene.camera.motion.moves


def test_a_curriculum_is_a_config() -> None:
    config = replace(
        CONFIG, stages=({"clips": 2, "objects": [2, 2], "clutter": [0, 0]}, {"clips": 1, "objects": [5, 6]})
    )
    counts = [len(sample_scene(config, 1, index).named) for index in range(5)]
    assert counts[:2] == [2, 2]
    assert min(counts[2:]) >= 5
    assert config.at(1).clutter == (0, 0)
    assert config.at(9) == config.at(2)
    assert WorldConfig.from_dict(config.to_dict()).at(1) == config.at(1)


def test_scenes_depend_on_config_seed_and_index_alone() -> None:
    first = [sample_scene(CONFIG, 3, index) for index in range(4)]
    assert [sample_scene(CONFIG, 3, index) for index in reversed(range(4))] == first[::-1]
    assert len({scene.solids for scene in first}) == 4
    assert sample_scene(CONFIG, 4, 0).solids != first[0].solids


SHOTS = replace(
    CONFIG,
    objects=(3, 4),
    clutter=(0, 0),
    places=("room",),
    cameras=("still", "orbit"),
    camera_turn=(5.0, 15.0),
    object_size=(0.4, 0.7),
    depth=(3.0, 6.0),
    repeats=0.0,
    graph_frames=3,
    decimals=7,
    tasks=ANYWHERE,
)


def groups(path: Path) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in read_rows(path):
        found.setdefault((row["extra_info"]["scene"], row["extra_info"]["question"]), []).append(row)
    return found


def test_views_are_one_scene_and_one_question_from_several_sides(tmp_path: Path) -> None:
    config = replace(SHOTS, views=3)
    build = build_world(tmp_path, 2, 2, config)
    assert main(["data", "check", str(build.train)]) == 0
    scorer = videostr.Scorer()
    for rows in groups(build.train).values():
        assert len(rows) == 3
        assert len({row["videos"][0]["video"] for row in rows}) == 3
        truths = [truth(row) for row in rows]
        assert all(item["answer"] == truths[0]["answer"] for item in truths)
        for item in truths:
            nodes = [frame["nodes"] for frame in item["graph"]["frames"]]
            assert nodes == [frame["nodes"] for frame in truths[0]["graph"]["frames"]]
            report = scorer.score(render_reply(truths[0], form="json"), scorer.prepare(item))
            assert report["graph"] == pytest.approx(1.0, abs=1e-9)
        observers = {tuple(item["graph"]["frames"][0]["observer"]) for item in truths}
        assert len(observers) == 3
    clip = load_clip(record_path(tmp_path, config, 2, 0))
    pictures = [read_frames(tmp_path / shot.video, [0.0]).frames for shot in clip.shots]
    assert (np.abs(pictures[0].astype(int) - pictures[1]) > 30).mean() > 0.05


def test_views_see_camera_graphs_that_are_motions_of_each_other(tmp_path: Path) -> None:
    config = replace(SHOTS, views=2, space="camera")
    build = build_world(tmp_path, 2, 4, config)
    aligned = videostr.RewardSpec.preset("pose-free").replace(
        frame_of_reference="aligned", align_scope="frame"
    )
    as_given = aligned.replace(frame_of_reference="given")
    for first, second in groups(build.train).values():
        reply = render_reply(truth(first), form="json")
        scores = [
            videostr.Scorer(spec).score(reply, videostr.Scorer(spec).prepare(truth(second)))
            for spec in (aligned, as_given)
        ]
        assert scores[0]["edge"] == pytest.approx(1.0, abs=1e-5)
        assert scores[0]["node"] == pytest.approx(1.0, abs=1e-4)
        assert scores[1]["node"] < 0.9


def test_rolls_turn_the_reference_with_the_picture(tmp_path: Path) -> None:
    config = replace(SHOTS, rolls=(0.0, 30.0, 180.0), space="camera")
    build = build_world(tmp_path, 2, 3, config)
    assert main(["data", "check", str(build.train)]) == 0
    for rows in groups(build.train).values():
        upright, tilted, upside_down = (truth(row)["graph"] for row in rows)
        assert [row["prompt"][0]["content"].count("as the picture shows them") for row in rows] == [0, 1, 1]
        for graph, roll in ((tilted, 30.0), (upside_down, 180.0)):
            c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
            turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
            assert turn @ upright["up"] == pytest.approx(graph["up"], abs=1e-6)
            for frame, other in zip(upright["frames"], graph["frames"], strict=True):
                for a, b in zip(frame["nodes"], other["nodes"], strict=True):
                    assert turn @ a["center"] == pytest.approx(b["center"], abs=1e-5)
    clip = load_clip(record_path(tmp_path, config, 3, 0))
    straight, _, turned = (
        read_frames(tmp_path / shot.video, [0.0]).frames[0].astype(int) for shot in clip.shots
    )
    assert (np.abs(straight[::-1, ::-1] - turned) < 25).mean() > 0.95


def test_the_command_builds_and_draws_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    settings = tmp_path / "world.yaml"
    settings.write_text(
        "width: 112\nheight: 112\nsupersampling: 1\nobjects: [2, 4]\nfilters: {seen_pixels: 15}\n"
    )
    out = tmp_path / "out"
    arguments = ["data", "synth", "--out", str(out), "--clips", "2", "--seed", "8", "--workers", "1"]
    assert main([*arguments, "--questions-per-clip", "3", "--config", str(settings), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["train"] == "train.parquet"
    assert 2 <= sum(report["rows"].values()) <= 6
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.height >= 2 * 112
        assert len(sheet.convert("RGB").getcolors(1 << 20) or []) > 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objects: [1, 4]", "world.objects"),
        ("colors: [red]", "unknown setting 'colors'"),
        ("width: 100", "world.width"),
        ("nframes: 40", "world.nframes"),
        ("cameras: [crane]", "'crane' is none of still"),
        ("views: 2\ntasks: [tracking]", "depend on the camera's place"),
        ("filters: {seen: 3}", "filters: unknown setting 'seen'"),
        ("stages: [{objects: [2, 3]}]", r"world.stages\[0\].clips"),
        ("stages: [{clips: 3, width: 56}]", "'width' cannot change"),
        ("space: image", "world.space"),
        ("colours: [red]\nshapes: [ball]", "one category is not enough"),
        ("fps: 0", "fps must be at least 1"),
        ("supersampling: 0", "world.supersampling: 0 must be from 1 to 8"),
        ("width: wide", "world.width: 'wide' must be a whole number"),
        ("width: 224.0", "world.width: 224.0 must be a whole number"),
        ("objects: [a, b]", "world.objects: .* must be a list of 2, each a whole number"),
        ("rolls: [a]", "world.rolls: .* must be a list, each a number"),
        ("stages: 3", "world.stages: 3 must be a list"),
        ("stages: [{clips: 1, depth: [a, 2]}]", "world.stages.depth"),
        ("graph_frames: 2.5", "world.graph_frames: 2.5 must be a whole number or null"),
        ("cameras: still", "world.cameras: 'still' must be a list, each text"),
        ("objects: [12, 12]\nobject_size: [2.5, 3]", "no scene in 3 draws"),
    ],
)
def test_bad_settings_are_named(
    tmp_path: Path,
    text: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("videostr.data.world.clip.DRAWS", 3)
    settings = tmp_path / "world.yaml"
    settings.write_text(text)
    arguments = ["data", "synth", "--out", str(tmp_path), "--clips", "1", "--config", str(settings)]
    assert main([*arguments, "--workers", "1"]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_the_default_world_has_every_task() -> None:
    assert set(WorldConfig().tasks) == set(TASKS)
    with pytest.raises(SettingsError, match="at least 1, 0, 0, 1"):
        build_world("nowhere", 0, 0)
    with pytest.raises(SettingsError, match="below 2"):
        build_world("nowhere", 1, 2**63)


def test_scenes_pictures_and_questions_need_numpy_alone() -> None:
    heavy = "{'av', 'pyarrow', 'PIL', 'matplotlib', 'torch', 'yaml'}"
    code = f"import sys, videostr.data.world, videostr.data.jsonl; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
