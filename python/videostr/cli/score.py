"""`videostr score`: rollouts to components."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from videostr.cli._common import (
    CommandError,
    Subcommands,
    add_command,
    add_spec_options,
    print_json,
    read_spec,
)
from videostr.cli._output import Record, open_output
from videostr.cli._progress import Progress
from videostr.cli._reader import Reader, code_of, score_chunk
from videostr.cli._rollouts import chunks
from videostr.cli._sources import FILE_HELP, Source
from videostr.cli._summary import Summary
from videostr.report import BatchReport
from videostr.rollouts.rollout import Rollout
from videostr.scoring import Scorer

EXAMPLE = """\
  videostr score rollouts.jsonl --spec pose-free --set max_starts=32 --out scores.jsonl

A line is {"text": ..., "ground_truth": {...} or "...", "tokens": ..., "group": ...}, the last two optional,
or one of verl's dumped rollouts. Replies of one group stand on adjacent lines (at most 4,096 of them); the
length rule looks at the whole group. Rows count from 0 by line, through all files of a folder. A JSONL output
that a killed run left is continued where it ends."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(commands, "score", run, help="score rollouts of any number", example=EXAMPLE)
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help=FILE_HELP)
    add_spec_options(parser)
    parser.add_argument("--out", type=Path, help="write a row each to this .jsonl or .parquet file")
    parser.add_argument("--overwrite", action="store_true", help="start --out anew instead of continuing it")
    parser.add_argument(
        "--strict", action="store_true", help="stop at the first malformed line, with exit code 1"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    spec = read_spec(args)
    scorer = Scorer(spec)
    summary = Summary()
    source = Source(args.file)
    if args.out is not None and source.holds(args.out):
        raise CommandError(f"--out {args.out} is the input itself, or would be a part of it")
    with (
        Progress(source.size, args.file.name) as progress,
        open_output(args.out, spec, summary, overwrite=args.overwrite) as output,
    ):
        resumed = summary.rows
        reader = Reader(source, scorer, progress, strict=args.strict)
        for chunk in chunks(reader(output.done)):
            records = _records(chunk, score_chunk(scorer, chunk), spec.fingerprint, files=source.is_folder)
            output.write(records)
            for record in records:
                summary.add(record)
            progress.update(chunk[-1].end, f"{summary.rows} rows")
    _print(args, summary, {"fingerprint": spec.fingerprint, "skipped": reader.skipped, "resumed": resumed})
    return code_of(summary.rows, args.file)


def _records(chunk: list[Rollout], batch: BatchReport, fingerprint: str, *, files: bool) -> list[Record]:
    return [
        {
            "row": rollout.row,
            **({"file": rollout.path.name} if files else {}),
            "group": rollout.group,
            "tokens": rollout.tokens,
            **report.to_dict(),
            "fingerprint": fingerprint,
            "crc32": rollout.crc32,
        }
        for rollout, report in zip(chunk, batch, strict=True)
    ]


def _print(args: argparse.Namespace, summary: Summary, about: dict[str, Any]) -> None:
    if args.json:
        print_json({**about, **summary.to_dict()})
        return
    summary.print()
    again = f", {about['resumed']} of them from an earlier run" if about["resumed"] else ""
    skipped = f"; {about['skipped']} malformed lines skipped" if about["skipped"] else ""
    print(f"{summary.rows} rows{again}{skipped}; spec {about['fingerprint']}")
