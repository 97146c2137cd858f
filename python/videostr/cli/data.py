"""`videostr data`: commands on rows and references."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videostr.cli import _data_jsonl, _data_synth
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
from videostr.cli._progress import Progress
from videostr.cli._references import Checked, check_jsonl, check_parquet
from videostr.scoring import Scorer

EXAMPLE = """\
  videostr data check train.parquet --spec pose-free
  videostr data check references.jsonl

A JSONL line is a reference, or holds one under ground_truth (or verl's gts)."""

#: Problems that are printed and listed; the others are counted.
SHOWN = 50


def register(commands: Subcommands) -> None:
    """Adds the commands."""
    group = commands.add_parser("data", help="make, and look at, training rows and references")
    inner = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _data_synth.register(inner)
    _data_jsonl.register(inner)
    parser = add_command(
        inner, "check", check, help="check rows and their references before training", example=EXAMPLE
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="rows (.parquet) or references (.jsonl)")
    add_spec_options(parser)
    parser.add_argument(
        "--decode",
        action="store_true",
        help="decode every clip and picture, which finds damage after the header",
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")


def check(args: argparse.Namespace) -> int:
    """Runs `videostr data check`: 0 when every row is sound, 1 when one is not, or there is none."""
    scorer = Scorer(read_spec(args))
    rows = bad = 0
    problems: list[dict[str, Any]] = []
    kinds: dict[str, int] = {}
    with Progress(args.file.stat().st_size, args.file.name) as progress:
        for item in _items(args.file, scorer, decode=args.decode):
            rows += 1
            progress.update(item.end, f"{rows} rows")
            if item.problem is None:
                kinds[item.kind] = kinds.get(item.kind, 0) + 1
                continue
            bad += 1
            if bad > SHOWN:
                continue
            problems.append({"row": item.row, "field": item.field, "message": item.problem})
            if not args.json:
                progress.clear()
                named = f"{item.field}: " if item.field else ""
                print(f"{args.file}: row {item.row}: {named}{item.problem}", file=sys.stderr)
    code = FOUND if bad or not rows else OK
    if not rows:
        print(f"videostr: {args.file}: there is no row in it", file=sys.stderr)
    if args.json:
        print_json({"rows": rows, "bad": bad, "answers": kinds, "problems": problems})
        return code
    if bad > SHOWN:
        print(f"... and {bad - SHOWN} more", file=sys.stderr)
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    print(f"{rows} rows: {rows - bad} sound, {bad} bad" + (f"; answers: {told}" if told else ""))
    return code


def _items(path: Path, scorer: Scorer, *, decode: bool) -> Iterator[Checked]:
    if path.suffix == ".parquet":
        return check_parquet(path, scorer, decode=decode)
    if path.suffix in {".jsonl", ".ndjson"}:
        return check_jsonl(path, scorer)
    raise CommandError(f"{path}: expected a name that ends in .parquet or .jsonl")
