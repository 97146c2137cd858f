"""`videostr score`: rollouts to components."""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from videostr.cli._output import Record, open_output
from videostr.cli._progress import Progress
from videostr.cli._rollouts import LineError, Rollout, chunks, lines, read_rollout
from videostr.cli._summary import Summary
from videostr.report import BatchReport
from videostr.scoring import Scorer

EXAMPLE = """\
  videostr score rollouts.jsonl --spec pose-free --set max_starts=32 --out scores.jsonl

A line is {"text": ..., "ground_truth": {...} or "...", "tokens": ..., "group": ...}, the last two optional,
or one of verl's dumped rollouts. Replies of one group stand on adjacent lines (at most 4,096 of them); the
length rule looks at the whole group. Rows count from 0 by line. A JSONL output that a killed run left is
continued where it ends."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(commands, "score", run, help="score rollouts of any number", example=EXAMPLE)
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="rollouts, one JSON object a line")
    add_spec_options(parser)
    parser.add_argument("--out", type=Path, help="write a row each to this .jsonl or .parquet file")
    parser.add_argument("--overwrite", action="store_true", help="start --out anew instead of continuing it")
    parser.add_argument(
        "--strict", action="store_true", help="stop at the first malformed line, with exit code 1"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


class _Reader:
    """Rollouts of a file from a row on; malformed lines are named and counted, or end the command."""

    def __init__(self, path: Path, scorer: Scorer, progress: Progress, *, strict: bool) -> None:
        self.skipped = 0
        self._path = path
        self._scorer = scorer
        self._progress = progress
        self._strict = strict

    def __call__(self, done: tuple[int, int] | None) -> Iterator[Rollout]:
        first = done[0] if done else 0
        checked = done is None
        for row, end, raw in lines(self._path, first):
            if done and not checked:
                if (row, zlib.crc32(raw)) != done:
                    break
                checked = True
                continue
            try:
                yield read_rollout(self._path, row, end, raw, self._scorer)
            except LineError as error:
                if self._strict:
                    raise CommandError(str(error), FOUND) from None
                self.skipped += 1
                self._progress.clear()
                print(f"skipped {error}", file=sys.stderr)
        if not checked:
            raise CommandError(
                f"{self._path} is not the file that --out was begun with: its line {first + 1} is another; "
                "name another --out, or give --overwrite"
            )


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    spec = read_spec(args)
    scorer = Scorer(spec)
    summary = Summary()
    if args.out is not None and args.out.resolve() == args.file.resolve():
        raise CommandError(f"--out {args.out} is the input itself")
    size = args.file.stat().st_size
    with (
        Progress(size, args.file.name) as progress,
        open_output(args.out, spec, summary, overwrite=args.overwrite) as output,
    ):
        resumed = summary.rows
        reader = _Reader(args.file, scorer, progress, strict=args.strict)
        for chunk in chunks(reader(output.done)):
            records = _records(chunk, _score(scorer, chunk), spec.fingerprint)
            output.write(records)
            for record in records:
                summary.add(record)
            progress.update(chunk[-1].end, f"{summary.rows} rows")
    _print(args, summary, {"fingerprint": spec.fingerprint, "skipped": reader.skipped, "resumed": resumed})
    return OK


def _score(scorer: Scorer, chunk: list[Rollout]) -> BatchReport:
    return scorer.score_batch(
        [rollout.text for rollout in chunk],
        [rollout.reference for rollout in chunk],
        tokens=[rollout.tokens for rollout in chunk],
        group_ids=[rollout.group for rollout in chunk],
    )


def _records(chunk: list[Rollout], batch: BatchReport, fingerprint: str) -> list[Record]:
    return [
        {
            "row": rollout.row,
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
