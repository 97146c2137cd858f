"""A run whose driver was killed goes on where it was saved: same rows in the same steps, none twice."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from videostr.data.rows import count_rows
from videostr.data.synth import SynthConfig, build_rows
from videostr.integrations.step_metrics import task_of
from videostr.train.advantages import EmaStds

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(
        importlib.util.find_spec("verl") is None or importlib.util.find_spec("vllm") is None,
        reason="verl and vLLM are not installed (`make demo` installs them)",
    ),
]

STEPS, SAVE_FREQ, KILLED_IN = 6, 2, 4
BATCH = 2
ROWS = (
    5  # two steps an epoch and one row left over: the saved steps are the ends of epochs, and one lies inside
)
MARK = "VIDEOSTR_TEST_RUN"
#: Two small processes of Ray that hold no model and end a minute after the driver that was killed.
AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")


@dataclass(frozen=True)
class Runs:
    unbroken: Path
    broken: Path
    left_after_kill: list[str]
    left_after_resume: list[str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """An unbroken run, and one that was killed in step KILLED_IN and started again by the same command."""
    out = tmp_path_factory.mktemp("resume")
    config = SynthConfig(questions_per_clip=1)
    build = build_rows(out / "rows", ROWS, 0, config, val_clips=2)
    assert count_rows(build.train) == ROWS
    model = _tiny_model(out / "model")
    _run(out / "unbroken", out / "rows", model)
    _run(out / "broken", out / "rows", model, kill_when=lambda run: _logged(run) >= KILLED_IN - 1)
    soon = _processes_of(out / "broken", but=AGENTS)
    assert (out / "broken" / "checkpoints" / f"global_step_{SAVE_FREQ}").is_dir()
    assert not (out / "broken" / "rollouts" / f"{STEPS}.jsonl").exists()
    _run(out / "broken", out / "rows", model)
    return Runs(out / "unbroken", out / "broken", soon, _processes_of(out / "broken"))


def test_every_step_sees_the_rows_of_the_unbroken_run(runs: Runs) -> None:
    for step in range(1, STEPS + 1):
        seen = _rows_of(runs.broken / "rollouts" / f"{step}.jsonl")
        assert seen == _rows_of(runs.unbroken / "rollouts" / f"{step}.jsonl"), step
        assert seen.total() == BATCH * 2, "a step was written twice"
    assert len({str(_rows_of(runs.unbroken / "rollouts" / f"{step}.jsonl")) for step in (1, 3, 5)}) > 1


def test_at_most_save_freq_steps_are_done_again(runs: Runs) -> None:
    log = (runs.broken / "2.log").read_text()
    again = min(step for step in range(1, STEPS + 1) if f"step:{step} - " in log)
    assert again % SAVE_FREQ == 1, "it did not start from a saved step"
    assert 1 < again <= KILLED_IN
    assert KILLED_IN - again <= SAVE_FREQ


def test_the_held_out_rows_are_the_same(runs: Runs) -> None:
    held = _held_out(runs.unbroken)
    assert held
    assert held == _held_out(runs.broken)


def test_the_killed_driver_leaves_no_process(runs: Runs) -> None:
    assert runs.left_after_kill == [], "\n".join(runs.left_after_kill)
    assert runs.left_after_resume == [], "\n".join(runs.left_after_resume)


def test_the_estimators_state_went_on_from_the_checkpoint(runs: Runs) -> None:
    """What is saved at the end is what all six steps make, of which some came before the kill."""
    for run in (runs.unbroken, runs.broken):
        stds = EmaStds()
        for step in range(1, STEPS + 1):
            lines = [
                json.loads(line) for line in (run / "rollouts" / f"{step}.jsonl").read_text().splitlines()
            ]
            scores = np.array([line["score"] for line in lines])
            stds.update(scores, [task_of(line["data_source"]) for line in lines])
        saved = json.loads(
            (run / "checkpoints" / f"global_step_{STEPS}" / "videostr_advantages.json").read_text()
        )
        assert set(saved["moments"]) == set(stds.moments)
        for task, moments in stds.moments.items():
            assert saved["moments"][task] == pytest.approx(moments, rel=1e-12)


def _rows_of(shard: Path, prompt: str = "prompt", truth: str = "ground_truth") -> Counter[tuple[str, str]]:
    """Each reply's row, known by its prompt and its ground truth."""
    lines = [json.loads(line) for line in shard.read_text(encoding="utf-8").splitlines()]
    return Counter((line[prompt], line[truth]) for line in lines)


def _held_out(run: Path) -> Counter[tuple[str, str]]:
    """Of the last validation, which verl dumps itself."""
    return _rows_of(run / "val" / f"{STEPS}.jsonl", "input", "gts")


def _logged(run: Path) -> int:
    path = run / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def _tiny_model(folder: Path) -> Path:
    """In a process of its own: transformers warns, and a warning fails a test."""
    code = "import sys; from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators as d"
    code += "; d(); from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl as m; print(m(sys.argv[1], 0))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(folder)], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


def _run(run_dir: Path, rows: Path, model: Path, kill_when: Callable[[Path], bool] | None = None) -> None:
    """The command that a user gives; kill_when: asked all the time, kill -9 of the driver alone once it is so."""
    run_dir.mkdir(exist_ok=True)
    settings = {
        "run_dir": run_dir,
        "data.train_files": rows / "train.parquet",
        "data.val_files": rows / "val.parquet",
        "data.train_batch_size": BATCH,
        "data.max_response_length": 12,
        "algorithm.adv_estimator": "videostr_ema",
        "actor_rollout_ref.model.path": model,
        "actor_rollout_ref.actor.ppo_mini_batch_size": BATCH,
        "actor_rollout_ref.rollout.n": 2,
        "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu": BATCH,
        "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu": BATCH,
        "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu": BATCH,
        "trainer.total_training_steps": STEPS,
        "trainer.save_freq": SAVE_FREQ,
        "trainer.test_freq": STEPS,
        "trainer.validation_data_dir": run_dir / "val",
    }
    command = [sys.executable, "-m", "videostr.train.launch", "demo"]
    command += [f"{key}={value}" for key, value in settings.items()]
    inherited = {name: value for name, value in os.environ.items() if name != "VIDEOSTR_VERL_CPU"}
    quiet = {"HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0", "VLLM_NO_USAGE_STATS": "1"}
    quiet |= {
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        MARK: str(run_dir),
    }
    quiet |= {"RAY_raylet_start_wait_time_s": "300"}  # Ray's 30 s are few where other work goes on
    log = run_dir / f"{len(list(run_dir.glob('*.log'))) + 1}.log"
    with log.open("w") as out:
        driver = subprocess.Popen(
            command,
            env={**inherited, **quiet},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            while driver.poll() is None:
                if kill_when is not None and kill_when(run_dir):
                    driver.kill()
                    driver.wait()
                    return
                time.sleep(0.1)
        finally:
            if driver.poll() is None:
                os.killpg(driver.pid, signal.SIGKILL)
                driver.wait()
    assert driver.returncode == 0, log.read_text()[-6000:]
    assert kill_when is None, "it ended before it was killed"


def _processes_of(run_dir: Path, but: tuple[str, ...] = ()) -> list[str]:
    """What still runs of a run after two minutes at most: pid and command line."""
    end = time.monotonic() + 120
    while True:
        running = _running(f"{MARK}={run_dir}".encode())
        left = [line for line in running if not line.partition(" ")[2].startswith(but or "\0")]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.5)


def _running(entry: bytes) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (process / "environ").read_bytes().split(b"\0"):
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if line:  # a zombie has none
                    found.append(f"{process.name} {line}")
        except OSError:
            continue
    return found
