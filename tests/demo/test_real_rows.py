"""Rows from real KITTI labels go through scoring, and through two GRPO steps with real verl.

The labels are not part of the project: they are looked for in `kitti` under VIDEOSTR_TEST_DATA where that is
set, else beside the checkout in `../shared/data/kitti`. Without them these tests are skipped by name.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kitti_rows import TIMES, Clip, read_clips, read_labels, rows_of

from videostr import RewardSpec, Scorer
from videostr.data.reader import sampled_times
from videostr.data.rows import check_media, write_rows
from videostr.demo.claims import read_steps
from videostr.prompts import render_reply
from videostr.train.launch import quoted
from videostr.train.process import run_stage

_DATA = Path(os.environ.get("VIDEOSTR_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
KITTI = _DATA / "kitti"
STEPS, PROMPTS, REPLIES = 2, 6, 4

needs_kitti = pytest.mark.skipif(
    not list((KITTI / "label_02").glob("*.txt")),
    reason="needs KITTI tracking labels in kitti/label_02 under VIDEOSTR_TEST_DATA or ../shared/data",
)
needs_training = pytest.mark.skipif(
    importlib.util.find_spec("verl") is None or importlib.util.find_spec("vllm") is None,
    reason="verl and vLLM are not installed (`make demo` installs them)",
)


def test_what_the_labels_hold_is_read(tmp_path: Path) -> None:
    """Two words and two spellings for one class, what nobody cared for, and an object half behind the camera."""
    path = tmp_path / "0000.txt"
    path.write_text(
        "0 -1 DontCare -1 -1 -10.0 219.3 188.4 245.5 218.5 -1000 -1000 -1000 -10 -1 -1 -1\n"
        "0 4 Person_sitting 0 0 -1.5 600.0 180.0 640.0 260.0 1.2 0.5 0.8 0.1 1.7 12.0 -1.5\n"
        "0 5 Person 1 2 -1.5 0.0 180.0 40.0 260.0 1.8 0.5 0.8 -9.0 1.7 -0.4 -1.5\n"
    )
    boxes = read_labels(path)[0]
    assert [box.id for box in boxes] == ["person sitting.5", "person.6"]
    projection = np.array([[721.5, 0, 609.6, 44.9], [0, 721.5, 172.9, 0.2], [0, 0, 1, 0.003]])
    clip = Clip("0000", 0, (tuple(boxes),) * len(TIMES), projection)
    assert boxes[1].hull(projection) is None
    for row in rows_of(clip, tmp_path / "none.mp4"):
        truth = row["reward_model"]["ground_truth"]
        report = Scorer().score(render_reply(json.loads(truth), form="lines"), truth)
        assert report.graph == pytest.approx(1.0, abs=1e-6)


@needs_kitti
def test_projected_boxes_are_the_labelled_rectangles() -> None:
    """Of boxes that the picture does not cut: our reading of the labels is KITTI's."""
    errors = []
    for clip in read_clips(KITTI, every=10):
        for box in clip.frames[0]:
            rect = box.hull(clip.projection)
            if rect and not box.cut:
                errors.append(max(abs(a - b) for a, b in zip(rect, box.rect, strict=True)))
    assert len(errors) > 50
    assert np.median(errors) < 2.0


@needs_kitti
@pytest.mark.parametrize("form", ["json", "lines"])
@pytest.mark.parametrize("preset", ["pose-free", "so3", "video-str", "coordinates"])
def test_the_reference_itself_earns_full_marks(preset: str, form: Any, tmp_path: Path) -> None:
    """Whatever real streets hold; the tasks are several, and so are the classes."""
    scorer = Scorer(RewardSpec.preset(preset))
    tasks: Counter[str] = Counter()
    labels: set[str] = set()
    for clip in read_clips(KITTI, every=5):
        for row in rows_of(clip, tmp_path / "none.mp4"):
            truth = row["reward_model"]["ground_truth"]
            reference = json.loads(truth)
            report = scorer.score(render_reply(reference, form=form, decimals=4), truth)
            for name in ("format", "answer", "node", "edge", "graph"):
                value = report[name]
                assert math.isnan(value) or value == pytest.approx(1.0, abs=1e-9), (clip.name, name)
            tasks[row["extra_info"]["task"]] += 1
            labels |= {node["label"] for frame in reference["graph"]["frames"] for node in frame["nodes"]}
    assert len(tasks) == 5
    assert labels == {"car", "van", "cyclist", "pedestrian"}


def chosen_rows(out: Path) -> list[dict[str, Any]]:
    """Of the emptiest street and the two busiest, their clips written to `out`."""
    ranked = sorted(read_clips(KITTI, every=15), key=lambda clip: clip.objects)
    rows: list[dict[str, Any]] = []
    for clip in (ranked[0], *ranked[-2:]):
        video = out / f"{clip.name}.mp4"
        clip.write(video)
        rows += rows_of(clip, video, first=len(rows))
    return rows


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """Folder of a run of two steps, and its rows, each of which it saw once."""
    from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl

    out = tmp_path_factory.mktemp("kitti")
    rows = chosen_rows(out)
    write_rows(out / "train.parquet", rows)
    write_rows(out / "val.parquet", rows[:1])
    model = make_tiny_qwen2_5_vl(out / "tiny", seed=0)
    overrides = [
        "platform=cpu",
        f"run_dir={quoted(out / 'run')}",
        f"data.train_files={quoted(out / 'train.parquet')}",
        f"data.val_files={quoted(out / 'val.parquet')}",
        f"data.train_batch_size={PROMPTS}",
        "data.max_prompt_length=512",
        "data.max_response_length=96",
        f"actor_rollout_ref.model.path={quoted(model)}",
        f"actor_rollout_ref.actor.ppo_mini_batch_size={PROMPTS}",
        "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=8",
        "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=8",
        f"actor_rollout_ref.rollout.n={REPLIES}",
        "actor_rollout_ref.rollout.max_model_len=640",
        f"trainer.total_training_steps={STEPS}",
        "trainer.save_freq=-1",
    ]
    run_stage(
        "GRPO on real rows",
        [sys.executable, "-m", "videostr.train.launch", "demo", *overrides],
        out / "grpo.log",
        seconds=900,
        environment={"HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0", "VLLM_NO_USAGE_STATS": "1"},
    )
    return out / "run", rows


def rollouts(folder: Path, step: int) -> list[dict[str, Any]]:
    path = folder / "rollouts" / f"{step}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def truth_of(line: dict[str, Any]) -> str:
    truth = line.get("ground_truth", line.get("gts"))
    return truth if isinstance(truth, str) else json.dumps(truth)


@needs_kitti
def test_the_rows_are_what_they_say(tmp_path: Path) -> None:
    """Media, times, several tasks, both spaces, few and many objects."""
    rows = chosen_rows(tmp_path)
    assert len(rows) == STEPS * PROMPTS
    for row in rows:
        check_media(row, "the test")
        assert row["extra_info"]["frames"] == sampled_times(len(TIMES), 2.0, len(TIMES))
    truths = [json.loads(row["reward_model"]["ground_truth"]) for row in rows]
    counts = {len(truth["graph"]["frames"][0]["nodes"]) for truth in truths}
    assert min(counts) <= 3
    assert max(counts) >= 10
    assert {truth["graph"]["space"] for truth in truths} == {"world", "camera"}
    assert len({row["extra_info"]["task"] for row in rows}) >= 4


@pytest.mark.long
@pytest.mark.timeout(1200)
@needs_kitti
@needs_training
def test_two_steps_ran_and_every_reward_is_finite(run: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = run
    steps = read_steps(folder)
    assert [step.number for step in steps] == list(range(1, STEPS + 1))
    for step in steps:
        assert step.mean("bad_reference") == step.mean("internal") == 0
        assert math.isfinite(step.grad_norm)
    scorer = Scorer()
    for number in range(1, STEPS + 1):
        for line in rollouts(folder, number):
            text = line["text"] if "text" in line else line["output"]
            assert math.isfinite(line["score"])
            assert line["score"] == pytest.approx(scorer.score(text, truth_of(line)).total, abs=1e-6)


@pytest.mark.long
@pytest.mark.timeout(1200)
@needs_kitti
@needs_training
def test_every_row_was_answered_as_often_as_asked(run: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, rows = run
    written = Counter(truth_of(line) for step in range(1, STEPS + 1) for line in rollouts(folder, step))
    assert {json.dumps(json.loads(truth)): n for truth, n in written.items()} == {
        json.dumps(json.loads(row["reward_model"]["ground_truth"])): REPLIES for row in rows
    }
