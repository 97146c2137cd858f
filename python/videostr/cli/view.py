"""`videostr view`: one rollout beside its reference."""

from __future__ import annotations

import argparse
from pathlib import Path

from videostr.cli._common import (
    FOUND,
    OK,
    CommandError,
    Subcommands,
    add_command,
    add_spec_options,
    spec_of,
)
from videostr.cli._rollouts import LineError, lines, read_rollout
from videostr.cli._sources import Source
from videostr.scoring import Scorer
from videostr.view import view_rollout

EXAMPLE = """\
  videostr view rollouts.jsonl --row 17
  videostr view runs/one/rollouts/12.jsonl --row 3 --out scene.png

Rows count from 0 by line, as in the output of `videostr score`. The reply is drawn where it was compared with the
reference: matched pairs joined, the rest marked. Without --spec the spec.json beside the file is used, else
pose-free. A picture (.png) needs matplotlib, frames of the clip need the extra view."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(commands, "view", run, help="draw one reply beside its reference", example=EXAMPLE)
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="rollouts, as for score")
    parser.add_argument("--row", type=int, required=True, metavar="N", help="which reply, from 0")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.html|FILE.png",
        help="a page or a picture (default: FILE-rowN.html in the working directory)",
    )
    add_spec_options(parser)
    parser.set_defaults(spec=None)
    parser.add_argument(
        "--rows",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.parquet",
        help="rows that it was trained on, for frames of the clip (default: those of the run's configuration)",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    if args.row < 0:
        raise CommandError(f"--row {args.row}: rows count from 0")
    spec = spec_of(args.spec or Source(args.file).recorded_spec(), args.settings)
    found = next(lines(args.file, args.row), None)
    if found is None or found[0] != args.row:
        raise CommandError(f"{args.file} has no row {args.row} (line {args.row + 1})")
    try:
        read_rollout(args.file, *found, Scorer(spec))
    except LineError as error:
        raise CommandError(str(error), FOUND) from None
    print(view_rollout(args.file, args.row, args.out, spec=spec, rows=args.rows))
    return OK
