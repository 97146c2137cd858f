"""Starts of real verl that go wrong on purpose, with a tiny model and eight rows."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr.data.rows import read_rows, write_rows
from videostr.data.synth import SynthConfig, build_rows
from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
from videostr.train.launch import Launch, prepare, quoted

ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "HF_HUB_OFFLINE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "PYTHONWARNINGS": "ignore",
    "PYTHONUNBUFFERED": "1",
    "TQDM_DISABLE": "1",
}
PROMPTS = 4
LONG = "word " * 400


@dataclass
class Rows:
    """Eight rows, two a clip; row 2 has a prompt of over 400 tokens, and `cut_clip` is that of rows 0 and 1."""

    train: Path
    val: Path
    model: Path
    cut_clip: Path


def make_rows(folder: Path) -> Rows:
    declare_missing_operators()
    built = build_rows(folder / "rows", PROMPTS + 2, 0, SynthConfig(), val_clips=1)
    assert built.val is not None
    rows = [dict(row) for row in read_rows(built.train)][: 2 * PROMPTS]
    (message,) = rows[2]["prompt"]
    rows[2]["prompt"] = [{**message, "content": message["content"] + LONG}]
    write_rows(built.train, rows)
    model = make_tiny_qwen2_5_vl(folder / "tiny", 0)
    return Rows(built.train, built.val, model, Path(rows[0]["videos"][0]["video"].removeprefix("file://")))


def launch(rows: Rows, run_dir: Path, *overrides: str) -> Launch:
    return prepare(
        "demo",
        [
            f"run_dir={quoted(run_dir)}",
            f"data.train_files={quoted(rows.train)}",
            f"data.val_files={quoted(rows.val)}",
            f"actor_rollout_ref.model.path={quoted(rows.model)}",
            f"data.train_batch_size={PROMPTS}",
            f"actor_rollout_ref.actor.ppo_mini_batch_size={PROMPTS}",
            "actor_rollout_ref.rollout.n=2",
            f"actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu={PROMPTS}",
            f"actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu={PROMPTS}",
            "data.max_response_length=32",
            "data.shuffle=false",
            *overrides,
        ],
    )


def cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@dataclass
class Ended:
    """A run that is over: its exit status, all that it said, its metrics by step, seconds since `then`."""

    status: int
    said: str
    metrics: list[dict[str, Any]]
    seconds_after: float


def run(start: Launch, then: Callable[[str, int], bool] | None = None, *, seconds: float = 900) -> Ended:
    """Runs to the end.

    then: called with each line and the driver's process id until it returns True; what it does is what goes
    wrong.
    """
    process = subprocess.Popen(
        start.command,
        env={**os.environ, **ENVIRONMENT, **start.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    lines: list[str] = []
    done = 0.0
    timer = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
    timer.daemon = True
    timer.start()
    try:
        for line in process.stdout or ():
            lines.append(line)
            if then is not None and not done and then(line, process.pid):
                done = time.monotonic()
        status = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout:
            process.stdout.close()
    file = Path(start.environment["VERL_FILE_LOGGER_PATH"])
    logged = file.read_text().splitlines() if file.is_file() else []
    after = time.monotonic() - done if done else 0.0
    return Ended(status, "".join(lines), [json.loads(line)["data"] for line in logged], after)


_STEP = re.compile(r"\bstep:1 - ")


def kill_at_step_1(title: str) -> Callable[[str, int], bool]:
    """Kills, as the kernel does for memory, the processes of the run whose title begins with `title`."""

    def then(line: str, driver: int) -> bool:
        if not _STEP.search(line):
            return False
        import psutil

        for process in psutil.Process(driver).children(recursive=True):
            if " ".join(process.cmdline()).startswith(title):
                process.kill()
        return True

    return then
