"""The assignment solver against scipy's, on matrices made to fool it.

`_core.assign(cost)` takes float64 (n, m) and returns int64 (n,): the column of each row, -1 for none. +inf
forbids a pair. First the number of allowed pairs is the greatest possible, then their sum the least.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from videostr import _core

Matrix = NDArray[np.float64]
INF = np.inf

settings.register_profile("assignment", deadline=None, derandomize=True, database=None, max_examples=300)
ASSIGNMENT = settings.get_profile("assignment")


def solve(cost: Matrix) -> NDArray[np.int64]:
    """The core's columns, checked to be an assignment of allowed pairs that left its input alone."""
    before = cost.tobytes()
    columns = _core.assign(cost)
    assert cost.tobytes() == before, "the input was changed"
    assert columns.dtype == np.int64
    assert columns.shape == (cost.shape[0],)
    taken = columns[columns >= 0]
    assert len(set(taken.tolist())) == len(taken), "a column was given twice"
    assert np.all((columns >= -1) & (columns < max(cost.shape[1], 1)))
    assert np.all(np.isfinite(cost[np.flatnonzero(columns >= 0), taken])), "a forbidden pair was taken"
    return columns


def total(cost: Matrix, columns: NDArray[np.int64]) -> float:
    rows = np.flatnonzero(columns >= 0)
    return float(cost[rows, columns[rows]].sum())


def best(cost: Matrix) -> tuple[int, float]:
    """The greatest number of allowed pairs and its least sum, by scipy.

    Forbidden pairs get a price over any sum of allowed ones, so that scipy takes as few of them as it can.
    """
    if cost.size == 0:
        return 0, 0.0
    allowed = np.isfinite(cost)
    span = float(np.abs(cost[allowed]).sum()) if allowed.any() else 0.0
    rows, columns = linear_sum_assignment(np.where(allowed, cost, 2.0 * span + 1.0))
    kept = allowed[rows, columns]
    return int(kept.sum()), float(cost[rows[kept], columns[kept]].sum())


def agrees(cost: Matrix, solver: Callable[[Matrix], NDArray[np.int64]] = solve) -> None:
    columns = solver(cost)
    pairs, least = best(cost)
    assert int((columns >= 0).sum()) == pairs
    scale = max(1.0, float(np.abs(cost[np.isfinite(cost)]).max(initial=0.0)))
    assert abs(total(cost, columns) - least) <= 1e-9 * scale * max(1, pairs)


def _random(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return rng.random((n, m))


def _scene(rng: np.random.Generator, n: int, m: int) -> Matrix:
    """Distances between two noisy looks at the same places."""
    places = rng.normal(size=(max(n, m), 3))
    return np.linalg.norm(places[:n, None] - (places[:m] + rng.normal(0, 0.1, (m, 3)))[None], axis=2)


def _ties(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return rng.integers(0, 3, (n, m)).astype(np.float64)


def _products(rng: np.random.Generator, n: int, m: int) -> Matrix:
    """(i+1)(j+1): the classic matrix on which augmenting paths are longest."""
    return np.outer(np.arange(1.0, n + 1), np.arange(1.0, m + 1)) + 0.0 * rng.random()


def _low_rank(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return rng.random((n, 1)) + rng.random((1, m))


def _wide_range(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return 10.0 ** rng.uniform(-12, 6, (n, m))


def _negative(rng: np.random.Generator, n: int, m: int) -> Matrix:
    return rng.normal(size=(n, m))


KINDS = {
    f.__name__.strip("_"): f for f in (_random, _scene, _ties, _products, _low_rank, _wide_range, _negative)
}


@ASSIGNMENT
@given(
    kind=st.sampled_from(sorted(KINDS)),
    n=st.integers(0, 24),
    m=st.integers(0, 24),
    seed=st.integers(0, 2**32 - 1),
    forbidden=st.sampled_from([0.0, 0.0, 0.2, 0.6, 0.95, 1.0]),
)
def test_equal_to_scipy(kind: str, n: int, m: int, seed: int, forbidden: float) -> None:
    rng = np.random.default_rng(seed)
    cost = KINDS[kind](rng, n, m)
    cost[rng.random((n, m)) < forbidden] = INF
    agrees(cost)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    ("n", "m"), [(1, 200), (200, 1), (64, 64), (100, 37), (37, 100), (160, 160), (4, 512)]
)
def test_equal_to_scipy_when_large(kind: str, n: int, m: int) -> None:
    rng = np.random.default_rng(n * 1000 + m)
    cost = KINDS[kind](rng, n, m)
    agrees(cost)
    cost[rng.random((n, m)) < 0.3] = INF
    agrees(cost)


@pytest.mark.parametrize("labels", [1, 2, 5, 12])
def test_other_label_is_forbidden(labels: int) -> None:
    """A frame as the scorer sees it: pairs of different labels are forbidden, counts per label differ."""
    for seed in range(50):
        rng = np.random.default_rng(seed)
        ours, theirs = rng.integers(0, labels, 20), rng.integers(0, labels, 26)
        cost = _scene(rng, 20, 26)
        cost[ours[:, None] != theirs[None, :]] = INF
        agrees(cost)
        due = sum(min((ours == c).sum(), (theirs == c).sum()) for c in range(labels))
        assert int((solve(cost) >= 0).sum()) == due


TRAPS: dict[str, tuple[list[list[float]], list[int]]] = {
    "greedy is wrong": ([[0.0, 1.0], [2.0, 10.0]], [1, 0]),
    "greedy is wrong along a chain": ([[1, 2, INF], [INF, 2, 4], [4, INF, 9]], [1, 2, 0]),
    "tall": ([[6, 4], [1, 2], [3, 1.5]], [-1, 0, 1]),
    "wide": ([[6, 1, 3], [4, 2, 1.5]], [1, 2]),
    "one row": ([[3, 1, 2]], [1]),
    "one column": ([[3], [1], [2]], [-1, 0, -1]),
    "forbidden but attractive": ([[INF, 5], [5, INF]], [1, 0]),
    "forbidden, and the rest dear": ([[INF, 1e9], [1e9, INF]], [1, 0]),
    "more pairs before a smaller sum": ([[0, 1000], [INF, INF], [1000, INF]], [1, -1, 0]),
    "a row without an allowed column": ([[INF, INF], [2, 1]], [-1, 1]),
    "a column without an allowed row": ([[1, INF], [2, INF]], [0, -1]),
    "all forbidden": ([[INF, INF], [INF, INF]], [-1, -1]),
    "a pair of one label among strangers": ([[INF, INF, 7], [INF, INF, INF]], [2, -1]),
    "all zero but one": ([[0, 0], [0, 5]], [1, 0]),
    "last columns": ([[9, 9, 9, 1], [9, 9, 1, 9]], [3, 2]),
}


@pytest.mark.parametrize("name", TRAPS)
def test_traps(name: str) -> None:
    cost, due = TRAPS[name]
    matrix = np.array(cost, dtype=np.float64)
    assert solve(matrix).tolist() == due
    agrees(matrix)


@pytest.mark.parametrize(("n", "m"), [(3, 3), (5, 2), (2, 5), (8, 8)])
def test_ties_are_any_optimum_and_always_the_same_one(n: int, m: int) -> None:
    cost = np.ones((n, m))
    agrees(cost)
    assert all(np.array_equal(solve(cost), solve(cost.copy())) for _ in range(5))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_every_small_tie_matrix_is_solved(n: int) -> None:
    """All matrices of 0, 1 and forbidden up to 2 x 3, a sample of larger ones, against every permutation."""
    shapes = [(n, m) for m in range(1, 4)] if n <= 2 else [(n, n)]
    for shape in shapes:
        size = shape[0] * shape[1]
        whole = itertools.product([0.0, 1.0, INF], repeat=size) if size <= 6 else None
        rng = np.random.default_rng(n)
        entries = whole or (rng.choice([0.0, 1.0, INF], size) for _ in range(200))
        for entry in entries:
            cost = np.array(entry, dtype=np.float64).reshape(shape)
            columns = solve(cost)
            got = (-int((columns >= 0).sum()), total(cost, columns))
            assert got == _brute_force(cost)


def _brute_force(cost: Matrix) -> tuple[int, float]:
    """(minus the number of pairs, their sum) of the best of all assignments, tried one by one."""
    n, m = cost.shape
    results = []
    for choice in itertools.permutations(range(max(n, m)), n):
        pairs = [(i, j) for i, j in enumerate(choice) if j < m and np.isfinite(cost[i, j])]
        results.append((-len(pairs), float(sum(cost[i, j] for i, j in pairs))))
    return min(results)


def test_the_number_of_pairs_is_that_of_a_maximum_matching() -> None:
    """The other half of the objective, by another of scipy's solvers."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        cost = rng.random((12, 15))
        cost[rng.random(cost.shape) < 0.85] = INF
        pairs = maximum_bipartite_matching(csr_matrix(np.isfinite(cost)), perm_type="column")
        assert int((solve(cost) >= 0).sum()) == int((pairs >= 0).sum())


@pytest.mark.parametrize("make", [np.asfortranarray, lambda cost: np.repeat(cost, 2, axis=1)[:, ::2]])
def test_any_memory_layout(make: Callable[[Matrix], Matrix]) -> None:
    cost = _scene(np.random.default_rng(3), 9, 7)
    assert np.array_equal(solve(make(cost)), solve(cost))


def test_a_read_only_matrix_is_fine() -> None:
    cost = _scene(np.random.default_rng(4), 6, 6)
    cost.flags.writeable = False
    agrees(cost)


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (4, 0)])
def test_empty(shape: tuple[int, int]) -> None:
    assert solve(np.zeros(shape)).tolist() == [-1] * shape[0]


def test_transposed_costs_the_same() -> None:
    for seed in range(50):
        cost = _scene(np.random.default_rng(seed), 7, 11)
        assert abs(total(cost, solve(cost)) - total(cost.T, solve(np.ascontiguousarray(cost.T)))) <= 1e-12


def _greedy(cost: Matrix) -> NDArray[np.int64]:
    """Closest pair first."""
    columns = np.full(cost.shape[0], -1, dtype=np.int64)
    left = cost.copy()
    while left.size and np.isfinite(left).any():
        i, j = np.unravel_index(np.argmin(left), left.shape)
        columns[i] = j
        left[i, :] = left[:, j] = INF
    return columns


def _price(cost: Matrix) -> NDArray[np.int64]:
    """Forbidden pairs at a price of 100: what a matrix padded with a large number does."""
    columns = np.full(cost.shape[0], -1, dtype=np.int64)
    rows, found = linear_sum_assignment(np.where(np.isfinite(cost), cost, 100.0))
    kept = np.isfinite(cost[rows, found])
    columns[rows[kept]] = found[kept]
    return columns


@pytest.mark.parametrize("solver", [_greedy, _price])
def test_the_traps_catch_other_solvers(solver: Callable[[Matrix], NDArray[np.int64]]) -> None:
    """A check that cannot fail proves nothing."""

    def caught(name: str) -> bool:
        try:
            agrees(np.array(TRAPS[name][0], dtype=np.float64), solver)
        except AssertionError:
            return True
        return False

    assert any(caught(name) for name in TRAPS)
