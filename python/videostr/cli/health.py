"""`videostr health`: what rollouts look like, and alarms of reward hacking and collapse."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from videostr.cli._common import (
    FOUND,
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
from videostr.cli._rollouts import chunks
from videostr.cli._sources import FILE_HELP, Source
from videostr.report import COMPONENTS
from videostr.rollouts.health import Health

EXAMPLE = """\
  videostr health runs/one/rollouts

Exit status: 0 when no alarm rings, 1 when one does, 2 when the command was called wrongly. Without --spec the
spec.json beside the files is used, else pose-free. Of a folder, the first quarter of the files is also
compared with the last. Where lines hold the components of this very spec, they are checked against a new
scoring. docs/cli.md says what each alarm counts, and why its threshold is where it is."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(
        commands, "health", run, help="look rollouts over for reward hacking and collapse", example=EXAMPLE
    )
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help=FILE_HELP)
    add_spec_options(parser)
    parser.set_defaults(spec=None)
    parser.add_argument(
        "--strict", action="store_true", help="stop at the first malformed line, with exit code 1"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    source = Source(args.file)
    named = args.spec or source.recorded_spec()
    spec = spec_of(named, args.settings)
    first, last = _quarters(source)
    health = Health(spec, first=first, last=last)
    with Progress(source.size, args.file.name) as progress:
        reader = Reader(source, health.scorer, progress, strict=args.strict, check=check_fields)
        for chunk in chunks(reader()):
            health.add(chunk, score_chunk(health.scorer, chunk))
            progress.update(chunk[-1].end, f"{health.all.rows} rows")
    numbers = {"spec": named, **health.to_dict(), "skipped": reader.skipped}
    if args.json:
        print_json(numbers)
    else:
        _print(numbers)
    rings = any(alarm["rings"] for alarm in numbers["alarms"])
    return FOUND if rings else code_of(numbers["all"]["rows"], args.file)


def _quarters(source: Source) -> tuple[list[str], list[str]]:
    """Names of the first and of the last quarter of the files of a folder, one at least; none of a file."""
    names = [path.name for path in source.files]
    quarter = max(1, len(names) // 4)
    return (names[:quarter], names[-quarter:]) if len(names) > 1 else ([], [])


def _print(numbers: dict[str, Any]) -> None:
    parts = {"all": numbers["all"]}
    if len(numbers["data_sources"]) > 1:
        parts |= numbers["data_sources"]
    _print_rows(parts)
    print()
    _print_components(parts)
    if numbers["steps"]:
        print("\nfirst quarter of the steps -> last quarter")
        _print_steps(numbers["steps"])
    print()
    _print_alarms(numbers["alarms"])
    skipped = f"; {numbers['skipped']} malformed lines skipped" if numbers["skipped"] else ""
    print(f"\n{numbers['all']['rows']} rows{skipped}; spec {numbers['spec']} ({numbers['fingerprint']})")


def _print_rows(parts: dict[str, Any]) -> None:
    head = ["data source", "rows", "groups", "graph ok", "answer ok", "repaired"]
    head += ["length", "q10", "q50", "q90", "max", "nodes", "reference"]
    rows = []
    for name, part in parts.items():
        statuses = [_share(part[key]["ok"], part["rows"]) for key in ("graph_status", "answer_status")]
        row = [
            name,
            str(part["rows"]),
            str(part["groups"]),
            *statuses,
            _share(part["repaired"], part["rows"]),
        ]
        unit = "tokens" if part["length"]["tokens"] else "characters"
        spread = part["length"][unit] or {}
        row += [unit, *(str(spread.get(key, "-")) for key in ("q10", "q50", "q90", "max"))]
        nodes = (part["nodes"][key] for key in ("said", "reference"))
        rows.append([*row, *("-" if each is None else f"{each['mean']:.1f}" for each in nodes)])
    print_table(head, rows)
    for key in ("graph_status", "answer_status", "repairs"):
        counts = parts["all"][key]
        rows_in_all = parts["all"]["rows"]
        told = ", ".join(f"{name} {_share(count, rows_in_all)}" for name, count in counts.items() if count)
        print(f"{key}: {told or 'none'}")


def _print_components(parts: dict[str, Any]) -> None:
    shown = [name for name in COMPONENTS if parts["all"]["components"][name]["defined"]]
    rows = []
    for name, part in parts.items():
        cells = (part["components"][component] for component in shown)
        rows.append([name, *(f"{_two(cell['mean'])}/{_two(cell['chance'])}" for cell in cells)])
    print_table(["mean/chance", *shown], rows)


def _print_steps(steps: dict[str, Any]) -> None:
    first, last = steps["first"], steps["last"]
    rows = []
    for name in COMPONENTS:
        rows.append([name, *(short(part["components"][name]["mean"]) for part in (first, last))])
    for name in first["rates"]:
        rows.append([name, *(short(part["rates"][name]) for part in (first, last))])
    for unit in ("tokens", "characters"):
        medians = [part["length"][unit] for part in (first, last)]
        rows.append([f"median {unit}", *("-" if each is None else str(each["q50"]) for each in medians)])
    print_table(["", "first", "last"], rows)


def _print_alarms(alarms: list[dict[str, Any]]) -> None:
    rows = []
    for alarm in alarms:
        if alarm["rings"] or alarm["scope"] == "all":
            state = "RINGS" if alarm["rings"] else "-" if alarm["rate"] is None else "quiet"
            count = f"{alarm['hits']} of {alarm['of']}"
            rows.append(
                [alarm["name"], alarm["scope"], state, short(alarm["rate"]), f"{alarm['threshold']:g}", count]
            )
    print_table(["alarm", "in", "", "rate", "over", "count"], rows)
    told = ""
    for alarm in alarms:
        if alarm["rings"]:
            if alarm["name"] != told:
                told = alarm["name"]
                print(f"{told}: {alarm['of_what']}: {alarm['says']}")
            more = ", ..." if alarm["hits"] > len(alarm["rows"]) else ""
            print(f"  {alarm['scope']}: {', '.join(alarm['rows'])}{more}")


def _share(count: int, rows: int) -> str:
    return f"{count / rows:.1%}" if rows else "-"


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
