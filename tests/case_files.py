"""Reads the files of cases in tests/golden and tests/attacks, which Rust, Python and the benches share."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import videostr

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
ATTACKS = HERE / "attacks"
ERROR_FILES = ("reference_errors", "spec_errors")

Case = dict[str, Any]


def read(path: Path) -> list[Case]:
    """The cases of one file, each with ``where``, its file and line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [{**json.loads(line), "where": f"{path.stem}:{number}"} for number, line in enumerate(lines, 1)]


@functools.cache
def golden() -> tuple[Case, ...]:
    """All lines that state a score, worked.jsonl first."""
    paths = sorted(GOLDEN.glob("*.jsonl"), key=lambda path: (path.stem != "worked", path.stem))
    return tuple(case for path in paths if path.stem not in ERROR_FILES for case in read(path))


@functools.cache
def attacks() -> tuple[Case, ...]:
    return tuple(case for path in sorted(ATTACKS.glob("*.jsonl")) for case in read(path))


def text_of(case: Case) -> str:
    """The reply: written out, or ``make.repeat`` = [prefix, unit, count, suffix]."""
    if "text" in case:
        return str(case["text"])
    prefix, unit, count, suffix = case["make"]["repeat"]
    return str(prefix + unit * count + suffix)


def ident(case: Case) -> str:
    return str(case["where"])


@functools.lru_cache(maxsize=256)
def _scorer(spec: str) -> videostr.Scorer:
    return videostr.Scorer(videostr.RewardSpec.from_dict(json.loads(spec)))


def scorer_of(case: Case) -> videostr.Scorer:
    return _scorer(json.dumps(case["spec"], sort_keys=True))


def by_spec(cases: Iterable[Case]) -> list[tuple[videostr.Scorer, list[Case]]]:
    """The cases in batches of one spec, in the order of the files."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[json.dumps(case["spec"], sort_keys=True)].append(case)
    return [(_scorer(spec), group) for spec, group in groups.items()]
