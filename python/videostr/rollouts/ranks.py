"""Ranks and rank correlation of totals, where equal means equal to nine decimals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Decimals to which totals count as equal: sums in another order differ in the last bits.
DECIMALS = 9


def ranks(values: npt.ArrayLike) -> Floats:
    """Ranks from 1 for the largest value, equals sharing the mean of theirs; float64, the shape of `values`.

    >>> ranks([0.5, 2.0, 0.5]).tolist()
    [2.5, 1.0, 2.5]
    """
    rounded = np.round(np.asarray(values, dtype=np.float64), DECIMALS)
    _, places, counts = np.unique(-rounded, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places], dtype=np.float64)


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float | None:
    """Spearman's rank correlation, -1..1; None where one side is constant or has fewer than two values.

    >>> spearman([1, 2, 3], [10, 20, 15])
    0.5
    """
    x, y = ranks(a), ranks(b)
    if len(x) < 2:
        return None
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm > 0 else None


def best(values: npt.ArrayLike) -> frozenset[int]:
    """Positions of the largest values."""
    rounded = np.round(np.asarray(values, dtype=np.float64), DECIMALS)
    return frozenset(np.flatnonzero(rounded == rounded.max()).tolist())
