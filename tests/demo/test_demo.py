"""The demonstration itself, in its short form: real verl, Ray, FSDP2 and vLLM on what this machine has."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from videostr.demo.claims import broken_claims, read_steps
from videostr.demo.plan import SHORT
from videostr.integrations.verl import KEYS

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


def test_every_rollout_holds_every_key_of_the_reward(run: tuple[Path, str]) -> None:
    out, _ = run
    for path in (out / "grpo" / "rollouts").glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(lines) == SHORT.prompts * SHORT.group_size
        assert all(set(KEYS) <= set(line) for line in lines)


def test_the_rollouts_are_those_of_the_trained_policy(run: tuple[Path, str]) -> None:
    """New weights reach vLLM exactly: its probabilities and the trainer's stay together after updates.

    The bound is for a wrong weight, which is off by far more; that clips do as well as images is
    tests/integrations/test_positions_in_training.py.
    """
    out, _ = run
    metrics = [json.loads(line)["data"] for line in (out / "grpo" / "metrics.jsonl").read_text().splitlines()]
    assert all(step["training/rollout_probs_diff_mean"] < 0.02 for step in metrics), metrics
    assert all(step["videostr/format/mean"] >= 0 for step in metrics)


def test_it_says_where_everything_lies_and_the_export_answers(run: tuple[Path, str]) -> None:
    out, said = run
    for path in (
        "grpo/rollouts/1.jsonl",
        "grpo/metrics.jsonl",
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
