"""The demonstration itself, in its short form: real verl, Ray, FSDP2 and vLLM on what this machine has."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from videostr import COMPONENTS
from videostr.cli import main
from videostr.demo.claims import broken_claims, read_steps
from videostr.demo.plan import SHORT

pytestmark = [
    pytest.mark.demo,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(
        importlib.util.find_spec("verl") is None or importlib.util.find_spec("vllm") is None,
        reason="verl and vLLM are not installed (`make demo` installs them)",
    ),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder and output of one short demonstration, with PYTHONPATH and warnings as a user has them."""
    out = tmp_path_factory.mktemp("demo")
    environment = {name: value for name, value in os.environ.items() if name != "VIDEOSTR_VERL_CPU"}
    done = subprocess.run(
        [sys.executable, "-m", "videostr.demo", "--out", str(out), "--short"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return out, done.stdout


def test_it_trains_and_its_claims_hold(run: tuple[Path, str]) -> None:
    out, _ = run
    steps = read_steps(out / "grpo")
    assert len(steps) == SHORT.steps
    assert broken_claims(steps, expected_steps=SHORT.steps, group_size=SHORT.group_size) == []


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _metrics(out: Path) -> list[dict[str, float]]:
    return [line["data"] for line in _lines(out / "grpo" / "metrics.jsonl")]


def _shards(out: Path) -> list[Path]:
    return [out / "grpo" / "rollouts" / f"{step + 1}.jsonl" for step in range(SHORT.steps)]


def test_rollouts_score_again_to_the_same_bits(run: tuple[Path, str], tmp_path: Path) -> None:
    out, _ = run
    spec = out / "grpo" / "rollouts" / "spec.json"
    earned = 0.0
    for shard in _shards(out):
        again = tmp_path / shard.name
        assert main(["score", str(shard), "--spec", str(spec), "--strict", "--out", str(again)]) == 0
        lines = _lines(shard)
        assert len(lines) == SHORT.prompts * SHORT.group_size
        for line, scored in zip(lines, _lines(again), strict=True):
            for key in ("components", "graph_status", "answer_status", "repairs", "fingerprint"):
                assert line[key] == scored[key], (shard, line["uid"])
            assert line["score"] == line["components"]["total"]
        earned += sum(line["components"]["length"] for line in lines)
    assert earned > 0, "a run without the length term proves little about it"


def test_metrics_and_training_saw_what_the_rollouts_say(run: tuple[Path, str]) -> None:
    out, _ = run
    for shard, metrics in zip(_shards(out), _metrics(out), strict=True):
        lines = _lines(shard)
        for name in COMPONENTS:
            known = [value for line in lines if (value := line["components"][name]) is not None]
            assert metrics[f"videostr/{name}/defined"] == len(known) / len(lines)
            if known:
                assert metrics[f"videostr/{name}/mean"] == pytest.approx(sum(known) / len(known), abs=1e-12)
        mean = sum(line["score"] for line in lines) / len(lines)
        assert metrics["videostr/score/mean"] == pytest.approx(mean, abs=1e-12)
        assert metrics["critic/score/mean"] == pytest.approx(mean, rel=1e-6), "what verl made advantages of"
        assert metrics["videostr/length/defined"] == 1
        assert metrics["videostr/groups/count"] == SHORT.prompts
        assert 0 < metrics["videostr/reward/worker_seconds"] < metrics["timing_s/step"]
        assert 0 < metrics["videostr/reward/share_of_step"] < 0.2


def test_lines_of_a_group_are_adjacent_and_of_one_prompt(run: tuple[Path, str]) -> None:
    out, _ = run
    for step, shard in enumerate(_shards(out), 1):
        lines = _lines(shard)
        groups = [list(group) for _, group in itertools.groupby(lines, key=lambda line: line["group"])]
        assert len(groups) == len({line["group"] for line in lines}) == SHORT.prompts
        for group in groups:
            assert len({(line["prompt"], line["ground_truth"], line["index"]) for line in group}) == 1
        for line in lines:
            assert line["step"] == step
            assert line["tokens"] >= len(line["text"].split()) > 0
            assert line["data_source"].startswith("videostr/")
            assert "?" in line["prompt"]


def test_the_rollouts_are_those_of_the_trained_policy(run: tuple[Path, str]) -> None:
    """New weights reach vLLM exactly: its probabilities and the trainer's stay together after updates.

    The bound is for a wrong weight, which is off by far more; that clips do as well as images is
    tests/integrations/test_positions_in_training.py.
    """
    out, _ = run
    metrics = _metrics(out)
    assert all(step["training/rollout_probs_diff_mean"] < 0.02 for step in metrics), metrics
    assert all(step["videostr/format/mean"] >= 0 for step in metrics)


def test_it_says_where_everything_lies_and_the_export_answers(run: tuple[Path, str]) -> None:
    out, said = run
    for path in (
        "grpo/rollouts/1.jsonl",
        "grpo/rollouts/spec.json",
        "grpo/metrics.jsonl",
        "grpo/report.html",
        f"grpo/checkpoints/global_step_{SHORT.steps}",
    ):
        assert (out / path).exists()
    assert (out / "model" / "export" / "config.json").exists()
    for word in (
        "step    format    answer      node",
        "varying",
        "rollouts ",
        "metrics ",
        "checkpoint ",
        "model ",
        "replied:",
        "scored: format",
    ):
        assert word in said
