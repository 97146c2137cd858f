"""`videostr data synth`: rendered clips and rows of the synthetic world."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostr.cli._common import OK, Subcommands, add_command, print_json, print_table
from videostr.cli._progress import Progress

if TYPE_CHECKING:
    from videostr.data.world import BuildReport, WorldConfig

EXAMPLE = """\
  videostr data synth --out world --clips 2000 --seed 0
  videostr data synth --out hard --clips 500 --val-clips 50 --config hard.yaml --workers 2

Give the same command again after an interruption: it goes on where it stopped."""

#: Clips on the contact sheet.
SHOWN = 12


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(
        commands, "synth", synth, help="render a synthetic world and ask about it", example=EXAMPLE
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for clips and rows")
    parser.add_argument("--clips", type=int, required=True, metavar="N", help="scenes of train.parquet")
    parser.add_argument(
        "--val-clips", type=int, default=0, metavar="N", help="scenes of val.parquet (default: 0)"
    )
    parser.add_argument("--questions-per-clip", type=int, metavar="Q", help="at most so many (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="names the world (default: 0)")
    parser.add_argument("--workers", type=int, metavar="W", help="processes (default: the cores it may use)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings of the world (.yaml or .json)")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def synth(args: argparse.Namespace) -> int:
    """Runs `videostr data synth`."""
    from videostr.data.world import build_world

    total = args.clips + args.val_clips
    config = _config(args)
    with Progress(total, "clips") as bar:
        report = build_world(
            args.out,
            args.clips,
            args.seed,
            config,
            val_clips=args.val_clips,
            workers=args.workers or _cores(),
            progress=lambda done, count: bar.update(done, f"{done} of {count}"),
        )
    _draw_sheet(args, config)
    if args.json:
        print_json(report.to_dict())
    else:
        _print_report(args.out, report)
    return OK


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _config(args: argparse.Namespace) -> WorldConfig:
    from videostr.data.world import WorldConfig

    config = WorldConfig() if args.config is None else WorldConfig.from_file(args.config)
    if args.questions_per_clip is None:
        return config
    return replace(config, questions_per_clip=args.questions_per_clip)


def _draw_sheet(args: argparse.Namespace, config: WorldConfig) -> None:
    from videostr.data.world import contact_sheet, load_clip, record_path

    clips = [
        load_clip(record_path(args.out, config, args.seed, index)) for index in range(min(args.clips, SHOWN))
    ]
    contact_sheet(args.out / "contact_sheet.png", args.out, clips, config.filters)


def _print_report(out: Path, report: BuildReport) -> None:
    print_table(["rows", "count"], [[name, str(count)] for name, count in report.rows.items()])
    print()
    print_table(["not asked", "count"], [[name, str(count)] for name, count in report.dropped.items()])
    print(f"\n{report.train}" + (f", {report.val}" if report.val else "") + f", {out / 'contact_sheet.png'}")
