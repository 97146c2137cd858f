"""What the commands share: options of a spec, errors with an exit code, output."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from videostr.errors import SpecError
from videostr.spec import PRESETS, RewardSpec

Subcommands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

#: Exit codes: all well, something wrong in the data, called wrongly.
OK, FOUND, USAGE = 0, 1, 2


class CommandError(Exception):
    """Ends a command with a message and an exit code."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def add_command(
    commands: Subcommands, name: str, run: Callable[[argparse.Namespace], int], *, help: str, example: str
) -> argparse.ArgumentParser:
    """A subcommand whose help ends with an example."""
    parser = commands.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=f"example:\n{example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_spec_options(parser: argparse.ArgumentParser) -> None:
    """``--spec`` and ``--set``."""
    parser.add_argument(
        "--spec",
        default=PRESETS[0],
        metavar="PRESET|FILE",
        help=f"a preset ({', '.join(PRESETS)}) or a .yaml, .json or .toml file (default: {PRESETS[0]})",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="change a field of the spec, e.g. max_starts=32 or weights.node=0.5; may be repeated",
    )


def read_spec(args: argparse.Namespace) -> RewardSpec:
    """The spec that the options name."""
    return spec_of(str(args.spec), args.settings)


def spec_of(source: str, settings: Sequence[str]) -> RewardSpec:
    """A preset or the spec of a file, changed by ``KEY=VALUE`` settings."""
    is_file = Path(source).suffix in {".yaml", ".yml", ".json", ".toml"} or Path(source).is_file()
    spec = RewardSpec.from_yaml(source) if is_file and source not in PRESETS else RewardSpec.preset(source)
    for setting in settings:
        spec = spec.replace(**_setting(setting))
    return spec


def _setting(text: str) -> dict[str, Any]:
    key, equals, written = text.partition("=")
    if not equals or not key:
        raise CommandError(f"--set {text}: expected KEY=VALUE, e.g. --set max_starts=32")
    try:
        value = json.loads(written)
    except ValueError:
        value = written
    field, dot, inner = key.strip().partition(".")
    if dot and field != "weights":
        raise SpecError("only weights has parts, e.g. weights.node=0.5", key)
    return {field: {inner: value} if dot else value}


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    plain = (sys.stdout.encoding or "utf-8").lower() not in {"utf-8", "utf8"}
    json.dump(value, sys.stdout, indent=2, ensure_ascii=plain, allow_nan=False)
    sys.stdout.write("\n")


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        first = row[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        print("  ".join([first, *rest]).rstrip())


def short(value: float | None) -> str:
    """A number for a table; ``-`` where there is none."""
    return "-" if value is None else f"{value:.4f}"
