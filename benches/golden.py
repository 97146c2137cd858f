"""The golden lines that Rust and Python tests share, checked before anything is timed: what is fast must be right."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import videostr

FOLDER = Path(__file__).parent.parent / "tests" / "golden"


def lines() -> list[dict[str, Any]]:
    """Every line that states the components of one reply (lines of a group, and of errors, are left to the tests)."""
    read = (
        json.loads(line) for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text().splitlines()
    )
    return [line for line in read if "components" in line and "group" not in line]


def check() -> int:
    """Scores every golden line and returns how many there are; ends the program at the first that differs."""
    found = lines()
    for line in found:
        spec = dict(line["spec"])
        scorer = videostr.Scorer(videostr.RewardSpec.preset(spec.pop("preset")).replace(**spec))
        report = scorer.score(line["text"], scorer.prepare(line["reference"]), tokens=line["tokens"])
        for name, stated in line["components"].items():
            value = report[name]
            if not (math.isnan(value) if stated is None else abs(value - stated) <= 1e-9):
                raise SystemExit(f"golden line {line['rule']!r}: {name} is {value}, not {stated}")
    return len(found)
