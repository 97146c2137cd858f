"""Cold start by supervised fine-tuning: rows' own references as replies, through verl's SFT trainer or transformers."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from videostr.data.row_check import RowError, validate_row
from videostr.data.rows import read_rows
from videostr.errors import VideostrError
from videostr.integrations.verl_cpu.gate import (
    REQUEST_VARIABLE,
    PlatformError,
    accelerator_present,
    require_tested_versions,
)
from videostr.integrations.verl_version import WrongVerlError, require_tested_verl
from videostr.prompts import PromptError
from videostr.prompts.notation import Form
from videostr.train.launch import compose
from videostr.train.model_files import ModelFileError, read_json, require_whole_weights
from videostr.train.overrides import quoted
from videostr.train.packages import LAUNCH, LEARNING, MissingPackageError, require_packages
from videostr.train.process import run_stage
from videostr.train.targets import target_text

TRAINERS = ("auto", "verl", "transformers")
_MODEL_TYPE = "qwen2_5_vl"
_RECIPE = "sft/verl"
_STEP = re.compile(r"\bstep:(\d+) - .*\btrain/loss:([-+.\w]+)")


class SFTError(VideostrError, ValueError):
    """A fine-tuning that cannot be begun; the message says what to do."""


@dataclass(frozen=True)
class SFTSettings:
    """How to learn.

    Attributes:
        steps: Steps of the optimizer; None: once over the rows.
        batch_size: Rows a step, over all GPUs.
        learning_rate: The highest; it rises over a twentieth of the steps and falls to a tenth.
        max_rows: Only the first so many rows.
        form, decimals: Of the targets, as :func:`videostr.train.targets.target_text` takes them.
        data_root: Where relative paths of media start; None: the folder of the rows.
        gpus: GPUs of this machine that verl uses.
        seed: Of the trainer.

    Raises:
        SFTError: A value is out of its range.

    Example:
        >>> SFTSettings(steps=200, batch_size=8).learning_rate
        1e-05
    """

    steps: int | None = None
    batch_size: int = 16
    learning_rate: float = 1e-5
    max_rows: int | None = None
    form: Form | None = None
    decimals: int = 1
    data_root: str | None = None
    gpus: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "max_rows", "gpus"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SFTError(f"{name}: {value} is less than 1")
        for name in ("decimals", "seed"):
            if getattr(self, name) < 0:
                raise SFTError(f"{name}: {getattr(self, name)} is less than 0")
        if not 0 < self.learning_rate < math.inf:
            raise SFTError(f"learning_rate: {self.learning_rate} is not over 0")
        if self.batch_size % self.gpus:
            raise SFTError(
                f"batch_size: {self.batch_size} rows cannot be dealt out evenly to {self.gpus} GPUs"
            )


@dataclass
class SFTReport:
    """What a fine-tuning did.

    Attributes:
        model: Folder of the tuned model, in Hugging Face format.
        trainer, because: ``verl`` or ``transformers``, and why that one.
        rows, steps: Rows that were learned from, and steps.
        losses: Mean cross-entropy of a target token, each step.
    """

    model: str
    trainer: str
    because: str
    rows: int
    steps: int
    losses: list[float] = field(default_factory=list)


def choose_trainer(wanted: str = "auto") -> tuple[str, str]:
    """The trainer that will be used, and why.

    Args:
        wanted: One of `TRAINERS`; ``auto`` takes verl's where it can run.

    Raises:
        MissingPackageError, WrongVerlError, PlatformError: verl's trainer is wanted and cannot run.
    """
    if wanted == "transformers":
        return wanted, "it was asked for"
    try:
        require_packages("verl's SFT trainer", LAUNCH)
        require_tested_verl()
        if not accelerator_present():
            require_tested_versions()
    except (MissingPackageError, WrongVerlError, PlatformError) as error:
        if wanted == "verl":
            raise
        return "transformers", str(error)
    return "verl", "it was asked for" if wanted == "verl" else "it can run here"


def sft(
    rows: str | os.PathLike[str],
    model: str | os.PathLike[str],
    out: str | os.PathLike[str],
    settings: SFTSettings | None = None,
    *,
    trainer: str = "auto",
    overrides: Sequence[str] = (),
    progress: Callable[[int, int, float], None] | None = None,
) -> SFTReport:
    """Fine-tune a Qwen2.5-VL on the rows' own references, rendered in the form that their prompts ask for.

    Args:
        rows: Parquet of training rows.
        model: Folder in Hugging Face format.
        out: Folder of the tuned model; also gets ``sft.json`` (the report) and, from verl, ``sft.log`` and
            ``metrics.jsonl``.
        trainer: One of `TRAINERS`.
        overrides: Hydra overrides of the recipe ``sft/verl``, for verl's trainer only.
        progress: Called with step, steps and loss.

    Raises:
        SFTError: Model, `out` or a setting will not do.
        RowError: A row breaks the contract, has no reply that could be rendered, or a medium cannot be read.
        MissingPackageError: The training stack is not installed.
        StageError: verl's trainer failed; shows the end of its log.
    """
    rows, model, out, settings = Path(rows), Path(model), Path(out), settings or SFTSettings()
    chosen, because = choose_trainer(trainer)
    require_packages("supervised fine-tuning", LEARNING)
    if overrides and chosen != "verl":
        raise SFTError(
            f"{overrides[0]}: KEY=VALUE is for verl's trainer, and transformers is used: {because}"
        )
    _check_places(model, out)
    count = _check_rows(rows, settings)
    if settings.batch_size > count:
        raise SFTError(f"batch_size: {settings.batch_size} is more than the {count} rows")
    steps = settings.steps or count // settings.batch_size
    report = SFTReport(str(out), chosen, because, count, steps)

    def step(done: int, loss: float) -> None:
        report.losses.append(loss)
        if progress is not None:
            progress(done, steps, loss)

    out.mkdir(parents=True, exist_ok=True)
    task = _Task(rows, model, out, steps, settings, overrides, step)
    (_with_verl if chosen == "verl" else _with_transformers)(task)
    (out / "sft.json").write_text(
        json.dumps({"settings": asdict(settings), **asdict(report)}, indent=2) + "\n", encoding="utf-8"
    )
    return report


def _check_places(model: Path, out: Path) -> None:
    try:
        kind = read_json(model / "config.json").get("model_type")
        require_whole_weights(model)
    except ModelFileError as error:
        raise SFTError(f"{model}: {error}") from None
    if kind != _MODEL_TYPE:
        raise SFTError(f"{model}: its model_type is {kind!r}; only {_MODEL_TYPE} is supported")
    if (out / "config.json").exists():
        raise SFTError(f"{out} holds a model: name another --out")


def _check_rows(path: Path, settings: SFTSettings) -> int:
    """How many rows are learned from, each sound and with a reply."""
    count = 0
    for row in read_rows(path):
        if count == settings.max_rows:
            break
        where = f"{path}: row {count}"
        validate_row(row, where)
        try:
            target_text(row, form=settings.form, decimals=settings.decimals)
        except PromptError as error:
            raise RowError(where, "reward_model.ground_truth", str(error)) from None
        count += 1
    return count


@dataclass(frozen=True)
class _Task:
    """What either trainer needs to know."""

    rows: Path
    model: Path
    out: Path
    steps: int
    settings: SFTSettings
    overrides: Sequence[str]
    step: Callable[[int, float], None]


def _recipe_overrides(task: _Task) -> list[str]:
    settings = task.settings
    given = {
        "sft/platform": "gpu" if accelerator_present() else "cpu",
        "out": quoted(task.out.resolve()),
        "rows": quoted(task.rows.resolve()),
        "model.path": quoted(task.model.resolve()),
        "data.train_batch_size": settings.batch_size,
        "data.micro_batch_size_per_gpu": math.gcd(settings.batch_size // settings.gpus, 2),  # must divide it
        "data.train_max_samples": settings.max_rows or -1,
        "data.form": settings.form or "null",
        "data.decimals": settings.decimals,
        "data.data_root": "null" if settings.data_root is None else quoted(settings.data_root),
        "optim.lr": settings.learning_rate,
        "engine.seed": settings.seed,
        "trainer.seed": settings.seed,
        "trainer.total_training_steps": task.steps,
        "trainer.n_gpus_per_node": settings.gpus,
    }
    return [*(f"{key}={value}" for key, value in given.items()), *task.overrides]


def _with_verl(task: _Task) -> None:
    overrides = _recipe_overrides(task)
    compose(_RECIPE, overrides)  # refuses in words what hydra does not know
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc_per_node={task.settings.gpus}", "-m", "videostr.integrations.verl_sft"]
    command += ["--config-path=pkg://videostr.recipes", f"--config-name={_RECIPE}"]
    command += ["hydra.searchpath=[pkg://verl.trainer.config]", *overrides]
    environment = {
        # verl's file logger reads its path from the environment only (verl/utils/tracking.py:534).
        "VERL_FILE_LOGGER_PATH": str(task.out.resolve() / "metrics.jsonl"),
        "HF_HUB_OFFLINE": "1",
    }
    if not accelerator_present():
        environment |= {REQUEST_VARIABLE: "1", "OMP_WAIT_POLICY": "PASSIVE", "TORCHDYNAMO_DISABLE": "1"}

    def on_line(line: str) -> None:
        if found := _STEP.search(line):
            task.step(int(found[1]), float(found[2]))

    run_stage(
        "verl's SFT trainer",
        command,
        task.out / "sft.log",
        seconds=threading.TIMEOUT_MAX,
        environment=environment,
        on_line=on_line,
    )
    saved = task.out / "checkpoints"
    for file in (saved / f"global_step_{task.steps}" / "huggingface").iterdir():
        os.replace(file, task.out / file.name)
    shutil.rmtree(saved)


def _with_transformers(task: _Task) -> None:
    from videostr.train.cold_start import ColdStartConfig, cold_start

    settings = task.settings
    config = ColdStartConfig(
        seed=settings.seed,
        steps=task.steps,
        max_seconds=math.inf,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        max_rows=settings.max_rows,
        form=settings.form,
        decimals=settings.decimals,
        device="cuda" if accelerator_present() else "cpu",
        data_root=settings.data_root,
    )
    cold_start(task.rows, task.model, task.out, config, progress=task.step)
