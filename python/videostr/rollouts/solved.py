"""When a reply counts as having solved its question."""

from __future__ import annotations

import math

#: An answer, or where none is asked for a graph, of this much is a solved question.
SOLVED = 0.5


def is_solved(answer: float, graph: float) -> bool:
    """Whether a reply solves its question; NaN where a component is not defined.

    >>> is_solved(0.7, 0.1), is_solved(float("nan"), 0.1)
    (True, False)
    """
    return (answer if not math.isnan(answer) else graph) >= SOLVED
