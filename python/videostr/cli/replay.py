"""`videostr replay`: the same rollouts under two specs."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from videostr.cli._common import (
    CommandError,
    Subcommands,
    add_command,
    add_spec_options,
    print_json,
    print_table,
    short,
    spec_of,
)
from videostr.cli._progress import Progress
from videostr.cli._reader import Reader, check_fields, code_of, score_chunk
from videostr.cli._rollouts import LineError, chunks
from videostr.cli._sources import FILE_HELP, Source
from videostr.errors import SpecError
from videostr.report import COMPONENTS
from videostr.rollouts.replay import TOP, Comparison
from videostr.rollouts.rollout import Rollout
from videostr.scoring import Scorer
from videostr.spec import PRESETS

EXAMPLE = """\
  videostr replay runs/one/rollouts --spec pose-free --against video-str --set max_starts=32

A is --spec (without it the spec.json beside the files, else pose-free), B is --against. A group is a run of
adjacent lines of one `group` (of verl's own files, of one prompt in `uid`). Rank 1 is the best of a group.
Totals of two specs are on two scales: look at the ranks. Kept in memory: two totals a row, and the rows that
are shown."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(
        commands, "replay", run, help="score the same rollouts under two specs and compare", example=EXAMPLE
    )
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help=FILE_HELP)
    add_spec_options(parser)
    parser.set_defaults(spec=None)
    parser.add_argument(
        "--against",
        required=True,
        metavar="PRESET|FILE",
        help=f"the other spec: a preset ({', '.join(PRESETS)}) or a file",
    )
    parser.add_argument(
        "--set-against",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="as --set, for the spec of --against; may be repeated",
    )
    parser.add_argument(
        "--top", type=int, default=TOP, metavar="N", help=f"rows to show of each kind (default: {TOP})"
    )
    parser.add_argument(
        "--strict", action="store_true", help="stop at the first malformed line, with exit code 1"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    if args.top < 0:
        raise CommandError(f"--top {args.top}: expected 0 or more")
    source = Source(args.file)
    named = args.spec or source.recorded_spec()
    specs = (spec_of(named, args.settings), spec_of(args.against, args.set_against))
    a, b = (Scorer(spec.replace(report="all")) for spec in specs)
    comparison = Comparison(*specs, top=args.top)

    def check(rollout: Rollout) -> Rollout:
        try:
            b.prepare(rollout.reference)
        except SpecError as error:
            field = f"ground_truth.{error.field}" if error.field else "ground_truth"
            message = f"{error.message} (spec of --against)"
            raise LineError(rollout.path, rollout.line, field, message) from None
        return check_fields(rollout)

    with Progress(source.size, args.file.name) as progress:
        reader = Reader(source, a, progress, strict=args.strict, check=check)
        for chunk in chunks(reader()):
            other = [
                dataclasses.replace(rollout, reference=b.prepare(rollout.reference)) for rollout in chunk
            ]
            comparison.add(chunk, score_chunk(a, chunk), score_chunk(b, other))
            progress.update(chunk[-1].end, f"{comparison.rows} rows")
    numbers = {**comparison.to_dict(), "skipped": reader.skipped}
    if args.json:
        print_json(numbers)
    else:
        _print(named, args.against, numbers)
    return code_of(numbers["rows"], args.file)


def _print(a: str, b: str, numbers: dict[str, Any]) -> None:
    print(f"A  {a} ({numbers['specs']['a']})\nB  {b} ({numbers['specs']['b']})\n")
    _print_sources(numbers)
    print()
    _print_components(numbers["components"])
    for kind, title in (
        ("total", "largest changes of the total"),
        ("rank", "largest changes of the rank within a group"),
    ):
        if entries := numbers["largest_changes"][kind]:
            print(f"\n{title}")
            for entry in entries:
                print(f"  {_change(entry)}")
    skipped = f"; {numbers['skipped']} malformed lines skipped" if numbers["skipped"] else ""
    print(f"\n{numbers['rows']} rows, {numbers['groups']['count']} groups of two and more{skipped}")


def _print_sources(numbers: dict[str, Any]) -> None:
    sources = {"all": numbers, **numbers["data_sources"]}
    head = ["data source", "rows", "total A", "total B", "Spearman", "groups"]
    head += ["in groups", "best changed", "constant A", "constant B"]
    rows = []
    for name, part in sources.items() if len(sources) > 2 else [("all", numbers)]:
        total, within = part["components"]["total"]["mean"], part["groups"]
        row = [name, str(part["rows"]), short(total["a"]), short(total["b"]), short(part["spearman"])]
        row += [str(within["count"]), short(within["spearman"]), str(within["best_changed"])]
        rows.append([*row, str(within["constant"]["a"]), str(within["constant"]["b"])])
    print_table(head, rows)


def _print_components(components: dict[str, Any]) -> None:
    rows = []
    for name in COMPONENTS:
        part = components[name]
        means = [short(part["mean"][side]) for side in "ab"]
        change = "-" if part["change"] is None else f"{part['change']:+.4f}"
        rows.append(
            [name, str(part["defined"]["a"]), str(part["defined"]["b"]), *means, change, str(part["changed"])]
        )
    print_table(["component", "in A", "in B", "mean A", "mean B", "change", "rows changed"], rows)


def _change(entry: dict[str, Any]) -> str:
    parts = [entry["place"]]
    if entry["group_size"] > 1:
        ranks = " -> ".join(f"{rank:g}" for rank in entry["rank"])
        parts.append(f"group {entry['group']}, rank {ranks} of {entry['group_size']}")
    before, after = entry["total"]
    parts.append(f"total {before:.3f} -> {after:.3f}")
    return "  ".join(
        [*parts, ", ".join(f"{name} {value:+.3f}" for name, value in entry["by_component"].items())]
    )
