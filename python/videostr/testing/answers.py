"""Questions' answers: one reference of each kind, and the text that earns full marks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["ANSWER_KINDS", "random_answer", "right_answer"]

ANSWER_KINDS: tuple[str, ...] = ("choice", "number", "box2d", "interval", "text")
"""The kinds that `random_answer` makes."""


def random_answer(rng: np.random.Generator, kind: str) -> dict[str, Any]:
    """A reference answer of this kind, as it stands in a ground truth.

    >>> random_answer(np.random.default_rng(0), "choice")["options"]
    ['left', 'right', 'in front', 'behind']
    """
    if kind == "choice":
        value = "ABCD"[int(rng.integers(4))]
        return {"kind": "choice", "value": value, "options": ["left", "right", "in front", "behind"]}
    if kind == "number":
        return {"kind": "number", "value": round(float(rng.uniform(0.5, 9.0)), 2), "unit": "m"}
    if kind == "box2d":
        x, y = (round(float(v), 1) for v in rng.uniform(0.0, 300.0, 2))
        return {
            "kind": "box2d",
            "value": [x, y, x + 120.5, y + 80.0],
            "size": [640, 480],
            "box_space": "pixel",
        }
    if kind == "interval":
        start = round(float(rng.uniform(0.0, 5.0)), 1)
        return {"kind": "interval", "value": [start, start + 2.5]}
    if kind == "text":
        return {"kind": "text", "value": "the red chair"}
    raise ValueError(f"kind {kind!r} is not one of {', '.join(ANSWER_KINDS)}")


def right_answer(answer: Mapping[str, Any] | None) -> str:
    """What to write between the answer tags so that it is right; `none` when there is no question.

    >>> right_answer({"kind": "interval", "value": [1.5, 4.0]})
    '[1.5, 4.0]'
    """
    if answer is None:
        return "none"
    value, unit = answer["value"], answer.get("unit")
    if answer["kind"] in ("choice", "text"):
        return str(value)
    return f"{value!r} {unit}" if unit else repr(value)
