"""Times: CPU seconds of interleaved rounds, so that what else the machine does weighs little; medians of ratios."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Work = Callable[[], object]


def cpu_seconds(work: Work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def interleaved(works: Mapping[str, Work], rounds: int, at_least: float = 0.01) -> dict[str, list[float]]:
    """CPU seconds of each work in each round; a short one is repeated in its round until `at_least` has passed.

    What exists before is hidden from the garbage collector: a bench's own corpora must not make its baselines slow.
    """
    gc.collect()
    gc.freeze()
    try:
        return _interleaved(works, rounds, at_least)
    finally:
        gc.unfreeze()


def _interleaved(works: Mapping[str, Work], rounds: int, at_least: float) -> dict[str, list[float]]:
    repeats = {
        name: max(1, math.ceil(at_least / max(1e-7, cpu_seconds(work)))) for name, work in works.items()
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            count = repeats[name]
            times[name].append(cpu_seconds(lambda w=work, c=count: [w() for _ in range(c)]) / count)
    return times


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    return statistics.median(s / f for s, f in zip(slow, fast, strict=True))


def check(ours: Any, theirs: Any, what: str) -> None:
    """Ends the program when both differ by more than 1e-9: only what is equal is timed."""
    if not np.allclose(ours, theirs, rtol=0, atol=1e-9, equal_nan=True):
        worst = float(np.nanmax(np.abs(np.asarray(ours) - np.asarray(theirs))))
        raise SystemExit(f"{what}: scores differ by up to {worst:g}; they must agree before they are timed")
