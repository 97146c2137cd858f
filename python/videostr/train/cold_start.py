"""Supervised warm-up: a Qwen2.5-VL learns to write the reply format from rendered references.

    python -m videostr.train.cold_start --rows train.parquet --model MODEL_DIR --out OUT_DIR --max-seconds 240

The target of a row is its own reference, rendered in the form that its prompt asks for. Use other scenes
than those of the reinforcement learning that follows: a model that knows a clip by heart writes the same
reply each time, and a group of equal replies teaches nothing. Needs the extra `verl-cpu` or `verl`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from videostr.data.rows import RowError, read_rows
from videostr.errors import VideostrError
from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators
from videostr.prompts.notation import FORMS, Form
from videostr.train.packages import LEARNING, require_packages
from videostr.train.targets import target_text


@dataclass(frozen=True)
class ColdStartConfig:
    """How long and how fast to learn. The defaults suit the tiny model; a large one wants about 1e-5."""

    seed: int = 0
    steps: int = 500
    max_seconds: float = 240.0
    """Learning stops here even if steps are left; loading, reading clips and saving come on top."""
    batch_size: int = 16
    learning_rate: float = 2e-3
    warmup: float = 0.05
    """Share of the run in which the rate rises; then it falls along a cosine to a tenth."""
    weight_decay: float = 0.01
    max_rows: int | None = None
    form: Form | None = None
    """Form of the target graphs; None: the one whose shape the prompt shows."""
    decimals: int = 1
    """Digits of coordinates in the targets; numeric answers are written as the reference has them."""
    device: str = "cpu"
    data_root: str | None = None
    """Where relative paths of media start; None: the folder of the parquet file."""


@dataclass
class ColdStartReport:
    """What a cold start did."""

    model: str
    rows: int
    steps: int = 0
    seconds: float = 0.0
    """Of learning alone."""
    stopped_by: str = "steps"
    """`steps` or `max_seconds`."""
    losses: list[float] = field(default_factory=list)
    """Mean cross-entropy per target token, each step."""


Progress = Callable[[int, float], None]


def cold_start(
    rows: str | Path,
    model: str | Path,
    out: str | Path,
    config: ColdStartConfig | None = None,
    *,
    progress: Progress | None = None,
) -> ColdStartReport:
    """Fine-tune `model` on the rows' own references and save it, with its processor, as `out`.

    rows: parquet of training rows. model: folder that transformers loads, a Qwen2.5-VL. progress: called with
    (step, loss). `out/cold_start.json` holds config, steps, seconds and losses. With `steps` as the bound the
    same arguments on the same machine give the same weights. Raises MissingPackageError without the training
    stack.
    """
    require_packages("the cold start", LEARNING)
    declare_missing_operators()
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from videostr.train.vision_rows import RowEncoder, training_batch

    config = config or ColdStartConfig()
    torch.manual_seed(config.seed)
    shuffler = random.Random(config.seed)
    processor = AutoProcessor.from_pretrained(model)
    network = AutoModelForImageTextToText.from_pretrained(model).to(config.device)
    encoder = RowEncoder(processor, config.data_root or Path(rows).resolve().parent)
    examples = [
        encoder.encode(
            row, target_text(row, form=config.form, decimals=config.decimals), f"{rows}: row {number}"
        )
        for number, row in enumerate(_read(rows, config.max_rows))
    ]
    if not examples:
        raise RowError(str(rows), "file", "holds no rows")
    report = ColdStartReport(model=str(out), rows=len(examples))
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.95)
    )
    network.train()
    order: list[int] = []
    start = time.monotonic()
    for step in range(config.steps):
        elapsed = time.monotonic() - start
        if elapsed >= config.max_seconds:
            report.stopped_by = "max_seconds"
            break
        for group in optimizer.param_groups:
            done = max(step / config.steps, elapsed / config.max_seconds)
            group["lr"] = config.learning_rate * _rate(done, config.warmup)
        while len(order) < config.batch_size:
            order += shuffler.sample(range(len(examples)), len(examples))
        chosen, order = order[: config.batch_size], order[config.batch_size :]
        batch = training_batch(
            [examples[index] for index in chosen], processor.tokenizer.pad_token_id, config.device
        )
        loss = network(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        report.losses.append(float(loss.detach()))
        report.steps = step + 1
        if progress is not None:
            progress(report.steps, report.losses[-1])
    report.seconds = round(time.monotonic() - start, 3)
    network.eval()
    network.save_pretrained(out)
    processor.save_pretrained(out)
    record = {"config": asdict(config), **asdict(report)}
    (Path(out) / "cold_start.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return report


def _read(rows: str | Path, limit: int | None) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = []
    for row in read_rows(rows):
        if limit is not None and len(read) == limit:
            break
        read.append(row)
    return read


def _rate(done: float, warmup: float) -> float:
    if done < warmup:
        return max(done / warmup, 0.02)
    return 0.1 + 0.45 * (1.0 + math.cos(math.pi * (done - warmup) / (1.0 - warmup)))


def _bar(config: ColdStartConfig) -> Progress:
    start = time.monotonic()
    interactive = sys.stderr.isatty()

    def show(step: int, loss: float) -> None:
        if not interactive and step % 25 and step != config.steps:
            return
        done = max(step / config.steps, (time.monotonic() - start) / config.max_seconds)
        filled = min(30, int(30 * done))
        line = f"cold start [{'#' * filled}{'.' * (30 - filled)}] step {step}/{config.steps} loss {loss:.3f}"
        sys.stderr.write(f"\r{line} " if interactive else f"{line}\n")
        sys.stderr.flush()

    return show


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of this module: 0, or 2 when what it was given or what is installed will not do."""
    default = ColdStartConfig()
    parser = argparse.ArgumentParser(
        prog="python -m videostr.train.cold_start", description=str(__doc__).split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--rows", required=True, help="parquet of training rows")
    parser.add_argument("--model", required=True, help="folder of a Qwen2.5-VL")
    parser.add_argument("--out", required=True, help="folder to write")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--max-seconds", type=float, default=default.max_seconds)
    parser.add_argument("--batch-size", type=int, default=default.batch_size)
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--max-rows", type=int, default=None)
    parser.add_argument("--form", choices=FORMS, default=None)
    parser.add_argument("--decimals", type=int, default=default.decimals)
    parser.add_argument("--device", default=default.device)
    parser.add_argument("--data-root", default=None, help="where relative paths of media start")
    options = vars(parser.parse_args(arguments))
    # Threads of torch's OpenMP spin at barriers by default: with another busy process a step takes 30 times
    # as long. Read when torch is first imported, which is later than here.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    places = {name: options.pop(name) for name in ("rows", "model", "out")}
    config = ColdStartConfig(**options)
    try:
        report = cold_start(**places, config=config, progress=_bar(config))
    except (VideostrError, OSError) as error:
        sys.stderr.write(f"videostr.train.cold_start: {error}\n")
        return 2
    last = report.losses[-25:] or [math.nan]
    sys.stderr.write(
        f"\n{report.steps} steps on {report.rows} rows in {report.seconds:.0f} s, stopped by "
        f"{report.stopped_by}, loss {sum(last) / len(last):.3f}; model in {report.model}\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
