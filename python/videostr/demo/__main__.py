"""Command line of the demonstration."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from videostr.demo.pipeline import Demo
from videostr.demo.plan import LEARN, LONG, SHORT
from videostr.errors import VideostrError
from videostr.train.packages import TRAINING, MissingPackageError, require_packages


def main() -> int:
    """Run the demonstration; 0 when all that it claims holds, 2 when the training stack is not installed, else
    1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m videostr.demo",
        description="Train a tiny video model on this machine: real verl, rewards from the Rust core.",
        epilog="example: python -m videostr.demo --out runs/demo",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for everything that is written")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--short", action="store_true", help="fewer clips and steps, for tests")
    much.add_argument(
        "--learn",
        action="store_true",
        help="more of both, and at the end rewards on held-out clips against those with other scenes' clips",
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.monotonic()
    try:
        require_packages("the demonstration", TRAINING)
        plan = SHORT if options.short else LEARN if options.learn else LONG
        Demo(options.out, plan, options.seed).run()
    except VideostrError as error:
        print(f"videostr.demo: {error}", file=sys.stderr)
        return 2 if isinstance(error, MissingPackageError) else 1
    print(f"done in {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
