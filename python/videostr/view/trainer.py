"""The trainer's own log, ``metrics.jsonl``: one value a key and point."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from videostr.view.curves import points_of, rounded
from videostr.view.lines import finite

#: Keys that a page holds, at most, and characters of a key; those of `SHOWN_FIRST` are always kept.
KEYS, KEY = 300, 120
#: Results on validation rows that are shown first.
VALIDATION, VALIDATION_KEYS = "val-core/", 6
#: What is worth a look in any run, in this order.
SHOWN_FIRST = (
    "actor/grad_norm",
    "actor/pg_loss",
    "actor/kl_loss",
    "actor/ppo_kl",
    "actor/pg_clipfrac",
    "actor/entropy",
    "actor/lr",
    "critic/score/mean",
    "training/rollout_probs_diff_mean",
    "response_length/mean",
    "response_length/clip_ratio",
    "videostr/prompts_failed",
    "timing_s/step",
    "timing_s/gen",
    "timing_s/update_actor",
    "perf/throughput",
    "perf/max_memory_allocated_gb",
)


def read_metrics(path: Path) -> dict[str, Any]:
    """The numbers of a log.

    Of two lines of one step (it was made again after a crash) the later one counts. Steps that share a point
    are averaged.

    Returns:
        ``points`` as in the curves; ``values``: by key one number a point, None where there is none;
        ``shown_first``: those of the keys that are worth a look first; ``bad``: lines that could not be read;
        ``left_out``: keys that were too many.
    """
    counts_of_step: dict[int, int] = {}  # step -> number of the line that counts
    bad = 0
    for number, raw in enumerate(_lines(path)):
        line = _read(raw)
        if line is None:
            bad += not raw.isspace()
        else:
            counts_of_step[line[0]] = number
    order = sorted(counts_of_step)
    points = points_of(len(order))
    point_of = {order[place]: number for number, point in enumerate(points) for place in point}
    means = _Means(len(points))
    for number, raw in enumerate(_lines(path)):
        line = _read(raw)
        if line is not None and counts_of_step[line[0]] == number:
            means.add(point_of[line[0]], line[1])
    values = means.values()
    return {
        "points": [{"first": order[point.start], "last": order[point.stop - 1]} for point in points],
        "values": values,
        "shown_first": [
            *(key for key in SHOWN_FIRST if key in values),
            *[key for key in values if key.startswith(VALIDATION)][:VALIDATION_KEYS],
        ],
        "bad": bad,
        "left_out": len(means.left_out),
    }


class _Means:
    """Means of each key at each point."""

    def __init__(self, points: int) -> None:
        self.left_out: set[str] = set()
        self._points = points
        self._cells: dict[str, Any] = {}

    def add(self, point: int, data: Mapping[str, Any]) -> None:
        for key, value in data.items():
            found = finite(value)
            if found is None:
                continue
            if key not in self._cells:
                if (len(self._cells) >= KEYS and key not in SHOWN_FIRST) or len(key) > KEY:
                    self.left_out.add(key)
                    continue
                self._cells[key] = np.zeros((2, self._points))
            self._cells[key][:, point] += (found, 1)

    def values(self) -> dict[str, list[float | None]]:
        found = {}
        for key in sorted(self._cells):
            sums, counts = self._cells[key].tolist()
            found[key] = [
                rounded(total / count) if count else None for total, count in zip(sums, counts, strict=True)
            ]
        return found


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _read(raw: bytes) -> tuple[int, dict[str, Any]] | None:
    try:
        line = json.loads(raw)
        step, data = line["step"], line["data"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    if isinstance(step, bool) or not isinstance(step, int) or not isinstance(data, dict):
        return None
    return step, data
