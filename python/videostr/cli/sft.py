"""`videostr sft`: a cold start by supervised fine-tuning."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path

from videostr.cli._common import OK, Subcommands, add_command, print_json
from videostr.cli._progress import Progress
from videostr.prompts.notation import FORMS

EXAMPLE = """\
  videostr sft cold.parquet --model MODEL_DIR --out TUNED_DIR --steps 200 --learning-rate 1e-5

Take other scenes than those of the reinforcement learning that follows. Needs the extra verl, or verl-cpu on a
machine without a GPU; `videostr doctor` tells what is missing."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "sft",
        run,
        help="teach a Qwen2.5-VL the reply format from rendered references",
        example=EXAMPLE,
    )
    parser.add_argument("rows", type=Path, metavar="ROWS.parquet", help="training rows")
    parser.add_argument(
        "--model", type=Path, required=True, metavar="DIR", help="a Qwen2.5-VL in Hugging Face format"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the tuned model")
    parser.add_argument(
        "--trainer",
        choices=("auto", "verl", "transformers"),
        default="auto",
        help="verl's SFT trainer, or a plain loop with transformers; auto: verl's where it can run",
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="optimizer steps (default: once over the rows)"
    )
    parser.add_argument("--batch-size", type=int, default=16, metavar="N", help="rows a step (default: 16)")
    parser.add_argument(
        "--learning-rate", type=float, default=1e-5, metavar="RATE", help="the highest (default: 1e-5)"
    )
    parser.add_argument("--max-rows", type=int, metavar="N", help="only the first N rows")
    parser.add_argument("--form", choices=FORMS, help="of the target graphs (default: that of the prompt)")
    parser.add_argument(
        "--decimals",
        type=int,
        default=1,
        metavar="N",
        help="digits of coordinates in the targets (default: 1)",
    )
    parser.add_argument(
        "--data-root",
        metavar="DIR",
        help="where relative paths of media start (default: the folder of the rows)",
    )
    parser.add_argument(
        "--gpus", type=int, default=1, metavar="N", help="GPUs of this machine that verl uses (default: 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the trainer (default: 0)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="a hydra override, for verl's trainer only, e.g. engine.param_offload=true; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    # Threads of torch's OpenMP spin at barriers by default; read when torch is first imported, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from videostr.train.sft import SFTSettings, choose_trainer, sft

    trainer, because = choose_trainer(args.trainer)
    print(f"trainer: {trainer}, because {because}", file=sys.stderr)
    settings = SFTSettings(
        steps=args.steps,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        max_rows=args.max_rows,
        form=args.form,
        decimals=args.decimals,
        data_root=args.data_root,
        gpus=args.gpus,
        seed=args.seed,
    )
    with Progress(1, "sft") as bar:
        report = sft(
            args.rows,
            args.model,
            args.out,
            settings,
            trainer=args.trainer,
            overrides=args.overrides,
            progress=lambda step, steps, loss: bar.update(
                step / steps, f"step {step} of {steps}, loss {loss:.3f}"
            ),
        )
    if args.json:
        print_json(asdict(report))
    else:
        first, last = report.losses[0], report.losses[-1]
        print(
            f"{report.steps} steps on {report.rows} rows, loss {first:.3f} -> {last:.3f}; model in {report.model}"
        )
    return OK
