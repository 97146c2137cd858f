"""Real GRPO on two Ray nodes; a node that is killed ends the run in words, and the run resumes from its
checkpoint.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ray_nodes import RayNodes, ray_nodes

from videostr.data.synth import SynthConfig, build_rows
from videostr.integrations.verl_watch import LOST_NODE
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
from videostr.train.launch import prepare

pytestmark = [
    pytest.mark.demo,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(
        importlib.util.find_spec("verl") is None or importlib.util.find_spec("vllm") is None,
        reason="verl and vLLM are not installed (`make demo` installs them)",
    ),
]

_RAY_NODE = ("--num-cpus=8", "--num-gpus=1")
_PROMPTS, _REPLIES = 2, 4
_OURS = str(Path(__file__).parent)  # where the terms are
_OF_A_NODE = ("ray::IDLE", "ray::DashboardAgent", "ray::RuntimeEnvAgent")
_TERMS = "[{function:'raylet_terms:letters'},{function:'raylet_terms:raylet',weight:0}]"


class Run:
    """A training run on the cluster, as a user starts it, and what it says."""

    def __init__(self, cluster: RayNodes, folder: Path, name: str, *overrides: str) -> None:
        self.folder = folder
        self.log = folder / f"{name}.log"
        command = [sys.executable, "-m", "videostr.train.launch", "demo", *overrides]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**cluster.environment, "PYTHONPATH": _OURS},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, seconds: float) -> int:
        """Its exit status."""
        return self.process.wait(seconds)

    def wait_for_step(self, step: int, seconds: float) -> None:
        """Until `step` is logged."""
        deadline = time.monotonic() + seconds
        while step not in steps(self.folder):
            assert self.process.poll() is None, self.said[-6000:]
            assert time.monotonic() < deadline, self.said[-6000:]
            time.sleep(0.2)

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def steps(folder: Path) -> dict[int, dict[str, float]]:
    """Step -> metrics of the run."""
    path = folder / "run" / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return {line["step"]: line["data"] for line in map(json.loads, lines)}


@dataclass
class Story:
    """What happened: two nodes trained, the second was killed, came back, and the run went on."""

    folder: Path
    raylets: tuple[int, int]
    first: Run
    first_steps: dict[int, dict[str, float]]
    code: int
    seconds: float
    saved: int
    left_over: list[str]
    second: Run
    second_code: int


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("two_nodes")
    build_rows(folder / "rows", 8, 0, SynthConfig(), val_clips=2)
    make_tiny_qwen2_5_vl(folder / "model", 0)
    began = time.monotonic()

    def note(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    with ray_nodes() as cluster:
        head, other = cluster.start(*_RAY_NODE), cluster.start(*_RAY_NODE)
        raylets = (head.raylet(), other.raylet())
        note("two nodes are up")
        overrides = _overrides(cluster)
        first = Run(cluster, folder, "first", *overrides, "trainer.total_training_steps=50")
        try:
            first.wait_for_step(2, 1200)
            note("two steps are made")
            first_steps = steps(folder)
            other.kill()
            killed = time.monotonic()
            code = first.end(180)
            seconds = time.monotonic() - killed
            note("the run has ended after its node was killed")
            saved = _saved(folder)
            left_over = _workers_after(head.processes, 30)
        finally:
            first.stop()
        cluster.start(*_RAY_NODE)
        note("the second node is up again")
        second = Run(cluster, folder, "second", *overrides, f"trainer.total_training_steps={saved + 2}")
        try:
            second_code = second.end(1200)
        finally:
            second.stop()
        note("the run has gone on from its checkpoint")
    return Story(folder, raylets, first, first_steps, code, seconds, saved, left_over, second, second_code)


def _overrides(cluster: RayNodes) -> list[str]:
    """Of both starts, as docs/training.md says it."""
    return [
        f"ray_kwargs.ray_init.address={cluster.address}",
        "trainer.nnodes=2",
        "reward.num_workers=2",
        *_TASK,
    ]


#: Paths are relative to where the user stands, which is not where a running cluster starts its workers.
_TASK = (
    "run_dir=run",
    "data.train_files=rows/train.parquet",
    "data.val_files=rows/val.parquet",
    "actor_rollout_ref.model.path=model",
    f"++reward.custom_reward_function.reward_kwargs.terms={_TERMS}",
    f"++ray_kwargs.ray_init.runtime_env.env_vars.PYTHONPATH={_OURS}",
    "trainer.save_freq=1",
    f"data.train_batch_size={_PROMPTS}",
    f"actor_rollout_ref.actor.ppo_mini_batch_size={_PROMPTS}",
    f"actor_rollout_ref.rollout.n={_REPLIES}",
    f"actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu={_REPLIES}",
    f"actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu={_REPLIES}",
    f"actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu={_REPLIES}",
    "data.max_response_length=32",
    "++ray_kwargs.ray_init.runtime_env.env_vars.HF_HUB_OFFLINE='1'",
)


def _saved(folder: Path) -> int:
    return int((folder / "run" / "checkpoints" / "latest_checkpointed_iteration.txt").read_text())


def _workers_after(processes: Callable[[], list[int]], seconds: float) -> list[str]:
    """What of a run is still there after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while (alive := list(filter(_of_a_run, map(_title, processes())))) and time.monotonic() < deadline:
        time.sleep(0.5)
    return alive


def _title(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def _of_a_run(title: str) -> bool:
    return title.startswith(("ray::", "VLLM::")) and not title.startswith(_OF_A_NODE)


def _rollouts(folder: Path, step: int) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in (folder / "run" / "rollouts" / f"{step}.jsonl").read_text().splitlines()
    ]


def test_two_nodes_make_grpo_steps(story: Story) -> None:
    for step in (1, 2):
        metrics = story.first_steps[step]
        assert metrics["actor/grad_norm"] > 0
        assert metrics["training/rollout_probs_diff_mean"] < 0.02
        assert len(_rollouts(story.folder, step)) == _PROMPTS * _REPLIES


def test_rewards_are_computed_on_both_nodes(story: Story) -> None:
    """By what each reply's reward worker said of itself: the raylet that started it."""
    replies = _rollouts(story.folder, 1) + _rollouts(story.folder, 2)
    assert {int(reply["terms"]["raylet"]) for reply in replies} == set(story.raylets)


def test_the_checkpoint_has_a_shard_of_each_node(story: Story) -> None:
    actor = story.folder / "run" / "checkpoints" / "global_step_1" / "actor"
    assert {path.name for path in actor.glob("model_*.pt")} == {
        f"model_world_size_2_rank_{rank}.pt" for rank in range(2)
    }


def test_a_killed_node_ends_the_run_in_words_within_a_minute(story: Story) -> None:
    said = story.first.said
    assert story.code == LOST_NODE, said[-6000:]
    assert story.seconds < 60, said[-6000:]
    end = said[said.rindex("videostr: a node of the Ray cluster") :]
    assert "127.0.0.3" in end
    assert f"died before step {story.saved + 1} was finished" in end
    assert f"global_step_{story.saved}: run the same command again" in end


def test_nothing_of_it_is_left_on_the_other_node(story: Story) -> None:
    assert story.left_over == []


def test_it_resumes_from_its_checkpoint_when_two_nodes_are_there_again(story: Story) -> None:
    assert story.second_code == 0, story.second.said[-6000:]
    assert list(steps(story.folder)) == list(range(1, story.saved + 3))  # the metrics file goes on as well


def test_another_number_of_workers_is_told_what_to_do(story: Story) -> None:
    """The same folder on one node: no traceback, and no Ray."""
    command = [sys.executable, "-m", "videostr.train.launch", "demo", *_TASK]
    done = subprocess.run(
        command,
        cwd=story.folder,
        env={**os.environ, "PYTHONPATH": _OURS},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert "was written by 2 workers" in done.stderr
    assert "verl.model_merger merge" in done.stderr


def test_the_merged_model_is_what_one_node_goes_on_from(story: Story) -> None:
    """By the command that the refusal prints; the start itself is checked as far as Ray."""
    shards = Path("run") / "checkpoints" / f"global_step_{story.saved}" / "actor"
    command = [sys.executable, "-m", "verl.model_merger", "merge", "--backend", "fsdp"]
    command += ["--local_dir", str(shards), "--target_dir", "merged"]
    done = subprocess.run(
        command,
        cwd=story.folder,
        env={**os.environ, "VIDEOSTR_VERL_CPU": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert (story.folder / "merged" / "model.safetensors").is_file()
    on_one = [*_TASK, f"run_dir={story.folder}/on_one", f"actor_rollout_ref.model.path={story.folder}/merged"]
    on_one += [f"data.{name}_files={story.folder}/rows/{name}.parquet" for name in ("train", "val")]
    assert prepare("demo", on_one).config.trainer.nnodes == 1
