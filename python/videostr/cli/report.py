"""`videostr report`: a training run as one page."""

from __future__ import annotations

import argparse
from pathlib import Path

from videostr.cli._common import OK, Subcommands, add_command, print_json
from videostr.cli._progress import Progress
from videostr.view import write_report
from videostr.view.folder import open_run

EXAMPLE = """\
  videostr report runs/one
  videostr report runs/one --rows train.parquet --out one.html

The page stands alone: it opens from a file and asks for nothing. It shows curves by component and task with
chance levels, what could be read, groups, lengths, the trainer's log, the best, worst and oddest rollouts beside
their references with frames of their clips, and the configuration. What the run did not leave is named."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(commands, "report", run, help="show a training run as one page", example=EXAMPLE)
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="folder of the run, or its rollouts")
    parser.add_argument(
        "--out", type=Path, metavar="FILE.html", help="default: report.html in the run's folder"
    )
    parser.add_argument(
        "--rows",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.parquet",
        help="rows that it was trained on, for frames of the clips (default: those of its configuration)",
    )
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    size = open_run(args.run_dir).size
    with Progress(size, args.run_dir.name) as progress:
        written = write_report(args.run_dir, args.out, rows=args.rows, progress=progress.update)
    if args.json:
        print_json(
            {
                "path": str(written.path),
                "bytes": written.bytes,
                "steps": written.steps,
                "rollouts": written.rollouts,
                "missing": list(written.missing),
            }
        )
        return OK
    print(f"{written.path}: {written.steps} steps, {written.rollouts} rollouts, {written.bytes / 1e6:.1f} MB")
    for each in written.missing:
        print(f"not there: {each}")
    return OK
