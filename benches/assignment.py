"""Assignment on costs like those of scenes: labelled places against the same places, moved, mixed and with strangers.

A pair costs its distance in parts of five metres, at most one, and one more where labels differ. The same goals are
asked of distances alone, which are harder, and which the scorer's own problems are: it never pairs different labels.

Compared are whole batches of one shape: `videostr._core.assign_batch` (one call), scipy's `linear_sum_assignment` (a
call a matrix, it has no batch), and the batch calls of lapx, laprust and lapcpp (one thread), of which the fastest at
each size counts.
"""

from __future__ import annotations

import statistics
from typing import Any

import lap  # lapx
import lapcpp
import laprust
import numpy as np
from scipy.optimize import linear_sum_assignment

import goals
from measure import interleaved
from videostr import _core
from whole import case

SIZES = {"small": (3, 8, 16), "large": (30, 64, 128)}
BATCHES = {
    "lapx.lapjvh_batch": lambda costs: lap.lapjvh_batch(costs, n_threads=1),
    "lapx.lapjvr_batch": lambda costs: lap.lapjvr_batch(costs, n_threads=1),
    "laprust.lapjv_batch": lambda costs: laprust.lapjv_batch(costs, n_threads=1),
    "lapcpp.lapjv_batch": lambda costs: lapcpp.lapjv_batch(costs, n_threads=1),
}


LABELS = 30
FARTHEST = 5.0  # metres
#: Costs of a batch at most: what a core keeps at hand, as it does those that scoring has just computed.
CACHED = 2**17


def costs_of(rng: np.random.Generator, count: int, n: int, labelled: bool) -> np.ndarray:
    """Of 8 % of the places the reply has another one instead."""
    places, labels = rng.uniform(0, 6, (count, n, 3)), rng.integers(0, LABELS, (count, n))
    moved = places + rng.normal(0, 0.3, places.shape)
    stranger, mixed = rng.random((count, n)) < 0.08, rng.permutation(n)
    reply = np.where(stranger[:, :, None], rng.uniform(0, 6, places.shape), moved)[:, mixed]
    distance = np.linalg.norm(places[:, :, None] - reply[:, None], axis=-1)
    if not labelled:
        return np.ascontiguousarray(distance)
    named = np.where(stranger, rng.integers(0, LABELS, labels.shape), labels)[:, mixed]
    return np.ascontiguousarray(np.minimum(distance / FARTHEST, 1) + (labels[:, :, None] != named[:, None]))


def total(costs: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.take_along_axis(costs, columns[:, :, None], axis=2).sum(axis=(1, 2))


def rows(rounds: int) -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(0)
    cases: dict[str, list[dict[str, Any]]] = {}
    kinds = [
        (size, n, labelled) for labelled in (True, False) for size, shapes in SIZES.items() for n in shapes
    ]
    for size, n, labelled in kinds:
        count = max(8, min(4000 // n, CACHED // n**2))
        costs = costs_of(rng, count, n, labelled)
        best = np.array([cost[linear_sum_assignment(cost)].sum() for cost in costs])
        if not np.allclose(total(costs, _core.assign_batch(costs)), best, rtol=0, atol=1e-9 * n):
            raise SystemExit(f"assignment of {n} x {n}: not optimal")
        works = {name: (lambda b=batch, c=costs: b(c)) for name, batch in BATCHES.items()}
        works["scipy"] = lambda c=costs: [linear_sum_assignment(cost) for cost in c]
        works["ours"] = lambda c=costs: _core.assign_batch(c)
        times = interleaved(works, rounds)
        fastest = min(BATCHES, key=lambda name: statistics.median(times[name]))
        for against, name in (("scipy", "scipy"), ("batch", fastest)):
            pair = {"ours": times["ours"], "theirs": times[name]}
            of_size = case(f"{n} x {n}, {name}", pair, len(costs), "matrices")
            key = f"{size}_{against}" if labelled else f"{size}_distances_{against}"
            cases.setdefault(key, []).append(of_size)
    return {key: goals.row(key, of_key) for key, of_key in cases.items()}
