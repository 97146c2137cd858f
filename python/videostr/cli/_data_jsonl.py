"""`videostr data jsonl`: rows from a user's own objects per frame."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from videostr.cli._common import FOUND, OK, Subcommands, add_command, print_json, print_table
from videostr.cli._progress import Progress
from videostr.errors import VideostrError

EXAMPLE = """\
  videostr data jsonl clips.jsonl --out rows

A line is a clip:
  {"scene": "kitchen-1", "video": "kitchen-1.mp4", "up": [0, 0, 1], "frames": [
    {"t": 0, "objects": [{"label": "cup", "center": [0.4, 1.2, 0.9]}]}]}"""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(
        commands, "jsonl", jsonl, help="make rows of your own clips and objects per frame", example=EXAMPLE
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", help="one clip a line (.jsonl)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the rows")
    parser.add_argument("--seed", type=int, default=0, help="of the questions (default: 0)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (.yaml or .json)")
    parser.add_argument("--strict", action="store_true", help="end at the first line that is no clip")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def jsonl(args: argparse.Namespace) -> int:
    """Runs `videostr data jsonl`: 0 when every line is a clip, 1 when one is not."""
    from videostr.data.jsonl import JsonlConfig, build_jsonl
    from videostr.data.row_check import RowError

    config = JsonlConfig() if args.config is None else JsonlConfig.from_file(args.config)
    with Progress(2 * args.source.stat().st_size, args.source.name) as bar:

        def told(error: VideostrError) -> None:
            bar.clear()
            print(error, file=sys.stderr)

        try:
            report = build_jsonl(
                args.source,
                args.out,
                config,
                seed=args.seed,
                strict=args.strict,
                on_bad=told,
                progress=bar.update,
            )
        except RowError as error:
            told(error)
            return FOUND
    if args.json:
        print_json(report.to_dict())
    else:
        print_table(["rows", "count"], [[name, str(count)] for name, count in report.rows.items()])
        print(f"\n{', '.join(str(path) for path in report.files.values())}; {report.bad} bad lines")
    return FOUND if report.bad else OK
