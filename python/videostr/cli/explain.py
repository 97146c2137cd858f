"""`videostr explain`: one reply, taken apart."""

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
    print_json,
    read_spec,
)
from videostr.cli._rollouts import LineError, read_rollout
from videostr.cli._sources import FILE_HELP, Source
from videostr.scoring import Scorer

EXAMPLE = """\
  videostr explain rollouts.jsonl --row 17 --spec pose-free

Rows count from 0 by line, through all files of a folder, as in the output of `videostr score`. The reply is
scored by itself: a condition on its group (length) is not looked at."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(commands, "explain", run, help="explain the score of one reply", example=EXAMPLE)
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help=FILE_HELP)
    parser.add_argument("--row", type=int, required=True, metavar="N", help="which reply, from 0")
    add_spec_options(parser)
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    if args.row < 0:
        raise CommandError(f"--row {args.row}: rows count from 0")
    scorer = Scorer(read_spec(args))
    line = next(Source(args.file).lines(args.row), None)
    if line is None or line.row != args.row:
        raise CommandError(f"{args.file} has no row {args.row}, or nothing in its line")
    try:
        rollout = read_rollout(line.path, line.row, line.end, line.raw, scorer, number=line.number)
    except LineError as error:
        raise CommandError(str(error), FOUND) from None
    report = scorer.score(rollout.text, rollout.reference, rollout.tokens)
    if args.json:
        print_json({"row": rollout.row, "fingerprint": scorer.spec.fingerprint, **report.explanation()})
    else:
        print(report.explain())
    return OK
