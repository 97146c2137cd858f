"""Wrong options for numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from videostr.data.questions.base import Answer, Dropped, Kind
from videostr.data.questions.filters import Filters

WRONG = 3


def number_answer(
    task: str,
    value: float,
    unit: str,
    kind: Kind,
    *,
    filters: Filters,
    rng: np.random.Generator,
    decimals: int,
    factors: tuple[float, float] | None = None,
) -> Answer | Dropped:
    """`value`, rounded, as a number, or as a choice among numbers."""
    right = round(value, decimals)
    if kind == "number":
        return Answer("number", right if decimals else int(right), fields=(("unit", unit),))
    wrong = _near_numbers(right, decimals, filters, rng, factors or filters.option_range)
    if wrong is None:
        return Dropped(task, "option_gap")
    options = [f"{number:.{decimals}f} {unit_word(unit)}" for number in (right, *wrong)]
    return Answer("choice", options[0], wrong=tuple(options[1:]))


def _near_numbers(
    right: float, decimals: int, filters: Filters, rng: np.random.Generator, factors: tuple[float, float]
) -> Sequence[float] | None:
    """Three that keep the gap from the right one and from each other at the printed precision.

    The right one is equally often the least, the second, the third and the greatest of the four where there is room:
    drawn freely it would mostly stand in the middle, and the middle would be a good guess.
    """
    unit = 10.0**-decimals
    gap = max(math.ceil(filters.option_gap * abs(right) / unit - 1e-9), 1) * unit - 1e-9
    low, high = (factor * right for factor in factors)
    for rank in rng.permutation(WRONG + 1):
        for _ in range(filters.option_draws):
            below = _spread(int(rank), low, right - gap, gap, rng)
            above = _spread(WRONG - int(rank), right + gap, high, gap, rng)
            if below is None or above is None:
                break
            drawn = [round(number, decimals) for number in (*below, *above)]
            if all(b - a >= gap for a, b in pairwise(sorted([right, *drawn]))):
                return drawn
    return None


def _spread(
    count: int, low: float, high: float, gap: float, rng: np.random.Generator
) -> Sequence[float] | None:
    """`count` random numbers that rise by at least `gap`; None where there is no room."""
    room = high - low - (count - 1) * gap
    if count and room < 0.0:
        return None
    return [
        low + place * gap + float(part)
        for place, part in enumerate(np.sort(rng.uniform(0.0, max(room, 0.0), count)))
    ]


def count_options(right: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Three other counts at most 3 away, none negative."""
    others = [right + offset for offset in range(-3, 4) if offset and right + offset >= 0]
    return tuple(str(others[int(place)]) for place in rng.permutation(len(others))[:WRONG])


def unit_word(unit: str) -> str:
    """How options write a unit."""
    return "degrees" if unit == "deg" else unit
