"""`videostr presets`: the presets, and what tells them apart."""

from __future__ import annotations

import argparse
from typing import Any

from videostr.cli._common import OK, Subcommands, add_command, print_json
from videostr.spec import PRESETS, RewardSpec

EXAMPLE = """\
  videostr presets
  videostr presets video-str --json > my-spec.json"""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(commands, "presets", run, help="list the reward presets", example=EXAMPLE)
    parser.add_argument("name", nargs="?", help="print this preset whole")
    parser.add_argument(
        "--json", action="store_true", help="print as JSON; of one preset, a file that --spec takes"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    if args.name is not None:
        spec = RewardSpec.preset(args.name)
        if args.json:
            print_json(spec.to_dict())
        else:
            _print_fields(f"{args.name} ({spec.fingerprint})", spec.to_dict())
        return OK
    specs = {name: RewardSpec.preset(name) for name in PRESETS}
    if args.json:
        print_json(
            {name: {"fingerprint": spec.fingerprint, **spec.to_dict()} for name, spec in specs.items()}
        )
        return OK
    default = specs[PRESETS[0]].to_dict()
    _print_fields(f"{PRESETS[0]} ({specs[PRESETS[0]].fingerprint}), the default", default)
    for name in PRESETS[1:]:
        fields = {field: value for field, value in specs[name].to_dict().items() if value != default[field]}
        print()
        _print_fields(f"{name} ({specs[name].fingerprint}): {PRESETS[0]} with", fields)
    return OK


def _print_fields(head: str, fields: dict[str, Any]) -> None:
    print(head)
    for field, value in fields.items():
        print(f"  {field:<20}{_written(value)}")


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{component} {weight:g}" for component, weight in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
