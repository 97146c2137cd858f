"""The stages of the demonstration, in order."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from videostr.data.rows import read_rows
from videostr.data.world import build_world
from videostr.demo.answer import answer_rows
from videostr.demo.claims import NON_ZERO, Step, broken_claims, read_steps
from videostr.demo.looks import broken_looks, compare_clips, looks_table
from videostr.demo.plan import WORLD, Plan
from videostr.demo.rise import LEAST_STEPS, broken_rises, rise_table, rises
from videostr.demo.table import component_table
from videostr.errors import VideostrError
from videostr.integrations.verl import scorer_for
from videostr.integrations.verl_cpu.gate import accelerator_present
from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
from videostr.train.launch import Launch, prepare, quoted
from videostr.train.process import StageError, run_stage
from videostr.view import write_report
from videostr.view.report import REPORT_FILE

#: Of this process, before it loads torch, and so of all that it starts: nothing is downloaded or reported
#: anywhere, and OpenMP threads do not spin while another process of the run needs the core.
_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "HF_HUB_OFFLINE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "PYTHONWARNINGS": "ignore",
    "PYTHONUNBUFFERED": "1",
    "TQDM_DISABLE": "1",
}
#: The demonstration's replies are too short for the published 320 to 512 tokens.
_REWARD = "{preset: pose-free, length_min: 16, length_max: 96}"
_COLD_START_BATCH, _COLD_START_RATE = 32, 1e-3
_COLD_START_LIMIT = 1800
_EXPORT_LIMIT = 240
_WORKERS = 2
_MARK = ".videostr-demo"
_STEP = re.compile(r"\bstep:(\d+) - (.*)")


class ClaimError(VideostrError, RuntimeError):
    """The run went through, but what the demonstration claims about it does not hold."""


class Demo:
    """One run of the demonstration.

    Args:
        out: Folder for everything that it writes. Its own earlier output there is removed.
        plan: How much it does.
        seed: Of scenes, weights, order of rows and sampling.
    """

    def __init__(self, out: Path, plan: Plan, seed: int) -> None:
        self.out = out.resolve()
        self.plan = plan
        self.seed = seed
        self.rows = self.out / "rows"
        self.run_dir = self.out / "grpo"
        self.cold_model = self.out / "model" / "cold_start"
        self.export = self.out / "model" / "export"

    def run(self) -> None:
        """All stages.

        Raises:
            StageError: A stage failed.
            ClaimError: A claim about the GRPO run does not hold.
        """
        os.environ.update(_ENVIRONMENT)
        declare_missing_operators()
        self._clear()
        device = _device()
        with _stage(f"rows, a tiny Qwen2.5-VL, and a cold start of at most {self.plan.cold_start_seconds} s"):
            self._cold_start(device)
        with _stage(f"{self.plan.steps} GRPO steps, {self.plan.group_size} replies a prompt, on {device}"):
            launch = self._train(device)
        steps = read_steps(self.run_dir)
        _say(component_table(steps))
        with _stage("export, one answer, and the report"):
            self._export(launch)
            self._answer(launch, device)
            write_report(self.run_dir)
        broken = self._claims(steps)
        if self.plan.looks:
            with _stage("held-out rows, with their own clips and with those of other scenes"):
                broken += self._looks(launch, device)
        _say(self._places())
        if broken:
            raise ClaimError(
                "\n".join(["the run does not show what it claims:", *(f"  {claim}" for claim in broken)])
            )

    def _claims(self, steps: Sequence[Step]) -> list[str]:
        """Says what the GRPO steps show; returns what of it does not hold."""
        broken = broken_claims(steps, expected_steps=self.plan.steps, group_size=self.plan.group_size)
        learning = sum(len(step.varying()) >= 2 and step.grad_norm > 0 for step in steps)
        share = sum(step.reward_share for step in steps) / max(len(steps), 1)
        _say(
            f"In {learning} of {len(steps)} steps at least two components vary within a group and grad_norm > 0; "
            f"{', '.join(NON_ZERO)} are non-zero. Rewards took {100 * share:.2f} % of a step."
        )
        if len(steps) >= LEAST_STEPS:
            found = rises(steps)
            _say(rise_table(found))
            broken += broken_rises(found)
        return broken

    def _looks(self, launch: Launch, device: str) -> list[str]:
        config = launch.config
        found = compare_clips(
            self.export,
            self.rows / "grpo" / "val.parquet",
            scorer_for(config.reward.custom_reward_function.reward_kwargs.spec),
            max_new_tokens=config.data.max_response_length,
            device=device,
        )
        _say(looks_table(found))
        return broken_looks(found)

    def _clear(self) -> None:
        """Remove an earlier demonstration's output, and nobody else's files.

        Raises:
            StageError: The folder holds something and no demonstration wrote there.
        """
        mark = self.out / _MARK
        if self.out.exists() and any(self.out.iterdir()) and not mark.exists():
            raise StageError(
                f"{self.out} is not empty and was not written by a demonstration: name another --out"
            )
        self.out.mkdir(parents=True, exist_ok=True)
        mark.touch()
        for path in (self.rows, self.run_dir, self.out / "model"):
            shutil.rmtree(path, ignore_errors=True)
        for path in (self.rows, self.run_dir, self.out / "model"):
            path.mkdir(parents=True)

    def _cold_start(self, device: str) -> None:
        plan = self.plan
        cold = build_world(self.rows / "cold_start", plan.cold_clips, self.seed + 1, WORLD, workers=_WORKERS)
        build_world(
            self.rows / "grpo", plan.clips, self.seed, WORLD, val_clips=plan.val_clips, workers=_WORKERS
        )
        tiny = make_tiny_qwen2_5_vl(self.out / "model" / "tiny", self.seed)
        command = [sys.executable, "-m", "videostr.train.cold_start", "--rows", str(cold.train)]
        command += ["--model", str(tiny), "--out", str(self.cold_model), "--seed", str(self.seed)]
        command += ["--steps", str(plan.cold_start_steps), "--max-seconds", str(plan.cold_start_seconds)]
        command += ["--batch-size", str(_COLD_START_BATCH), "--learning-rate", str(_COLD_START_RATE)]
        command += ["--device", device]
        log = self.out / "cold_start.log"
        run_stage("the cold start", command, log, seconds=_COLD_START_LIMIT)
        _say(log.read_text(encoding="utf-8").strip().splitlines()[-1])

    def _train(self, device: str) -> Launch:
        plan = self.plan
        launch = prepare(
            "demo",
            [
                f"platform={'gpu' if device == 'cuda' else 'cpu'}",
                f"run_dir={quoted(self.run_dir)}",
                f"seed={self.seed}",
                f"data.train_files={quoted(self.rows / 'grpo' / 'train.parquet')}",
                f"data.val_files={quoted(self.rows / 'grpo' / 'val.parquet')}",
                f"data.train_batch_size={plan.prompts}",
                f"data.train_max_samples={plan.rows}",
                f"actor_rollout_ref.model.path={quoted(self.cold_model)}",
                f"actor_rollout_ref.actor.ppo_mini_batch_size={plan.prompts}",
                f"actor_rollout_ref.rollout.n={plan.group_size}",
                f"reward.custom_reward_function.reward_kwargs.spec={_REWARD}",
                f"trainer.total_training_steps={plan.steps}",
            ],
        )
        run_stage(
            "GRPO",
            launch.command,
            self.out / "grpo.log",
            seconds=plan.train_seconds,
            environment=launch.environment,
            on_line=_show_step,
        )
        return launch

    def _export(self, launch: Launch) -> None:
        checkpoint = self.run_dir / "checkpoints" / f"global_step_{self.plan.steps}" / "actor"
        command = [sys.executable, "-m", "verl.model_merger", "merge", "--backend", "fsdp"]
        command += ["--local_dir", str(checkpoint), "--target_dir", str(self.export)]
        log = self.out / "export.log"
        run_stage("the export", command, log, seconds=_EXPORT_LIMIT, environment=launch.environment)

    def _answer(self, launch: Launch, device: str) -> None:
        config = launch.config
        held_out = self.rows / "grpo" / "val.parquet"
        row = next(read_rows(held_out))
        (answer,) = answer_rows(
            self.export,
            [row],
            scorer_for(config.reward.custom_reward_function.reward_kwargs.spec),
            root=held_out.parent,
            max_new_tokens=config.data.max_response_length,
            device=device,
        )
        report = answer.report
        _say(f"asked: {answer.question}\nreplied:\n{answer.reply}")
        _say(
            f"scored: format {report.format:.2f}, answer {report.answer:.2f}, node {report.node:.2f}, "
            f"edge {report.edge:.2f}, total {report.total:.2f}"
        )

    def _places(self) -> str:
        return "\n".join(
            [
                f"rollouts    {self.run_dir / 'rollouts'} (one file a step, each reply with its components)",
                f"report      {self.run_dir / REPORT_FILE} (one page: curves, best and worst replies with their clips)",
                f"metrics     {self.run_dir / 'metrics.jsonl'}",
                f"checkpoint  {self.run_dir / 'checkpoints' / f'global_step_{self.plan.steps}'}",
                f"model       {self.export} (Hugging Face format)",
                f"logs        {self.out}/*.log",
            ]
        )


def _device() -> str:
    if not accelerator_present():
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    raise StageError(
        "this machine has a GPU that torch cannot use: look at its driver, or install the extra `verl`, "
        "whose torch is built for CUDA"
    )


def _show_step(line: str) -> None:
    """verl's console line of a step, cut down to what is worth watching."""
    found = _STEP.search(line)
    if found:
        metrics: dict[str, str] = dict(part.rsplit(":", 1) for part in found[2].split(" - ") if ":" in part)
        names = {f"videostr/{name}/mean": name for name in NON_ZERO} | {"actor/grad_norm": "grad_norm"}
        shown = [f"{name} {float(metrics[key]):.3f}" for key, name in names.items() if key in metrics]
        _say(f"  step {found[1]}: {', '.join(shown)}")


@contextmanager
def _stage(title: str) -> Iterator[None]:
    _say(f"== {title}")
    start = time.monotonic()
    yield
    _say(f"   {time.monotonic() - start:.0f} s")


def _say(text: str) -> None:
    print(text, flush=True)
