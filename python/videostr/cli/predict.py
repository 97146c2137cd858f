"""`videostr predict`: a model's replies to rows."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostr.cli._common import FOUND, OK, CommandError, Subcommands, add_command, print_json
from videostr.cli._progress import Progress

if TYPE_CHECKING:
    from videostr.data.row_check import RowError

EXAMPLE = """\
  videostr predict val.parquet --model MODEL_DIR --out predictions.jsonl
  videostr score predictions.jsonl --spec pose-free

  videostr predict val.parquet --model MODEL_DIR --out eight.jsonl --samples 8 --temperature 1 \\
      --engine tensor_parallel_size=2 --engine max_model_len=32768

Give the same command again after a kill: it goes on where it stopped. Needs the extra verl, or verl-cpu on a
machine without a GPU; `videostr doctor` tells what is missing."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(commands, "predict", run, help="write a model's replies to rows", example=EXAMPLE)
    parser.add_argument(
        "places",
        nargs="+",
        metavar="[MODEL] ROWS.parquet",
        help="training rows; the model's folder may stand before them in place of --model",
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="folder in Hugging Face format")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl", help="a line a reply")
    parser.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help="at most N frames of each clip, evenly spaced (default: the frames that the row names, else 32)",
    )
    parser.add_argument("--samples", type=int, default=1, metavar="N", help="replies to a row (default: 1)")
    parser.add_argument(
        "--temperature", type=float, default=0.0, help="of the sampling (default: 0, the likeliest token)"
    )
    parser.add_argument("--top-p", type=float, default=1.0, help="of the sampling (default: 1)")
    parser.add_argument(
        "--max-tokens", type=int, default=1024, metavar="N", help="a reply ends here (default: 1024)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the sampling (default: 0)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N rows")
    parser.add_argument(
        "--batch-rows",
        type=int,
        default=16,
        metavar="N",
        help="rows answered at a time; clips of twice as many are in memory (default: 16)",
    )
    parser.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an argument of vllm.LLM, e.g. tensor_parallel_size=2 or max_model_len=32768; may be repeated",
    )
    parser.add_argument("--overwrite", action="store_true", help="start --out anew instead of continuing it")
    parser.add_argument(
        "--strict", action="store_true", help="stop at the first row that cannot be asked, with exit code 1"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0, or 1 when no row could be asked, or with --strict one could not."""
    from videostr.data.row_check import RowError
    from videostr.predict.run import predict
    from videostr.predict.settings import PredictSettings

    rows, model = _places(args)
    settings = PredictSettings(
        frames=args.frames,
        samples=args.samples,
        temperature=args.temperature,
        top_p=args.top_p,
        max_tokens=args.max_tokens,
        seed=args.seed,
        engine=dict(_engine(text) for text in args.engine),
    )
    with Progress(1, rows.name) as bar:

        def skip(error: RowError) -> None:
            bar.clear()
            print(f"skipped {error}", file=sys.stderr)

        try:
            report = predict(
                rows,
                model,
                args.out,
                settings,
                limit=args.limit,
                batch_rows=args.batch_rows,
                overwrite=args.overwrite,
                strict=args.strict,
                on_skip=skip,
                progress=lambda done, total: bar.update(done / total, f"{done} of {total} rows"),
            )
        except RowError as error:
            if not args.strict:
                raise
            raise CommandError(str(error), FOUND) from None
    if args.json:
        print_json(asdict(report))
    else:
        again = f", {report.resumed} of them from an earlier run" if report.resumed else ""
        skipped = f"; {report.skipped} rows skipped" if report.skipped else ""
        cut = f"; {report.cut} replies cut at {args.max_tokens} tokens" if report.cut else ""
        print(f"{report.out}: {report.rows} rows{again}{skipped}{cut}")
    if report.rows:
        return OK
    print(f"videostr: {rows}: no row of it could be asked", file=sys.stderr)
    return FOUND


def _places(args: argparse.Namespace) -> tuple[Path, Path]:
    """Rows and model."""
    given = [*args.places] if args.model is None else [str(args.model), *args.places]
    if len(given) != 2:
        raise CommandError(
            "expected rows and a model: videostr predict ROWS.parquet --model DIR --out FILE.jsonl"
        )
    model, rows = map(Path, given)
    return rows, model


def _engine(text: str) -> tuple[str, Any]:
    key, equals, written = text.partition("=")
    if not equals or not key:
        raise CommandError(f"--engine {text}: expected KEY=VALUE, e.g. --engine tensor_parallel_size=2")
    try:
        return key, json.loads(written)
    except ValueError:
        return key, written
