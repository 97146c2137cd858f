"""Advantages of the replies of a step, with no trainer in sight: EMA-GRPO and normalised components.

Both start from GRPO's comparison within the group of replies to one prompt (a group's mean is taken off), and
differ in what a difference is divided by. Everything is numpy, float64, in the order of the replies.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from videostr.errors import VideostrError

__all__ = ["EmaStds", "StateError", "component_advantages", "ema_advantages"]

Floats = npt.NDArray[np.float64]

#: Added to a moving standard deviation before it divides, as verl's GRPO does to a group's.
EPSILON = 1e-6
#: Values that differ by no more are the same: what rounding leaves is no difference between replies.
_SAME = 1e-9


class StateError(VideostrError, ValueError):
    """A saved state of the moving standard deviations cannot be used."""


@dataclass
class EmaStds:
    """Moving standard deviations of the scores of each task.

    For each task an exponential moving average of the mean of its scores and of that of their squares; the first
    step in which a task occurs sets both. The standard deviation is that of all scores of the task, over prompts
    and replies.

    Attributes:
        decay: Weight of what was before, in [0, 1).
        moments: Task -> (mean, mean of squares).
    """

    decay: float = 0.99
    moments: dict[str, tuple[float, float]] = field(default_factory=dict)

    def update(self, scores: Floats, tasks: Sequence[str]) -> None:
        """Take in the scores of a step, one task each."""
        for task in dict.fromkeys(tasks):
            own = scores[[other == task for other in tasks]]
            new = (float(own.mean()), float((own * own).mean()))
            mean, square = self.moments.get(task, new)
            keep, add = self.decay, 1.0 - self.decay
            self.moments[task] = (keep * mean + add * new[0], keep * square + add * new[1])

    def std(self, task: str) -> float:
        """The standard deviation of a task's scores so far; 0 where they were all the same.

        >>> stds = EmaStds()
        >>> stds.update(np.array([0.0, 1.0]), ["count", "count"])
        >>> stds.std("count")
        0.5
        """
        mean, square = self.moments[task]
        return math.sqrt(max(square - mean * mean, 0.0))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, from which `from_dict` makes the same to the last bit."""
        return {"moments": {task: list(pair) for task, pair in self.moments.items()}}

    @classmethod
    def from_dict(cls, state: Any, *, decay: float) -> EmaStds:
        """What `to_dict` gave.

        Raises:
            StateError: It is something else.
        """
        moments = state.get("moments") if isinstance(state, Mapping) else None
        if not isinstance(moments, Mapping):
            raise StateError("expected a mapping with `moments`")
        read = {}
        for task, pair in moments.items():
            if not (
                isinstance(pair, Sequence) and len(pair) == 2 and all(_is_finite(value) for value in pair)
            ):
                raise StateError(f"moments.{task}: expected two finite numbers")
            read[str(task)] = (float(pair[0]), float(pair[1]))
        return cls(decay, read)


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def ema_advantages(
    scores: Floats, groups: Sequence[Hashable], tasks: Sequence[str], stds: EmaStds, *, largest: float = 5.0
) -> Floats:
    """EMA-GRPO: the score less the group's mean, over the moving standard deviation of the task.

    Tasks whose rewards differ little within a group (a near miss of a number) are not blown up to the size of
    those whose rewards are 0 or 1, as a group's own standard deviation does. `stds` takes in this step's scores
    first. A group in which any advantage would be over `largest` in size is divided by its own standard
    deviation instead.

    After OneThinker (arXiv 2512.03043); the treatment of a task's first step is ours.

    Args:
        scores: (N,) of the replies.
        groups, tasks: (N,) names of the prompt and the task of each reply; a group is of one task.
        stds: Changed in place.
        largest: Of an advantage, before the group falls back.

    Returns:
        (N,) advantages. A group of one reply, or of equal scores, has 0.

    Example:
        >>> scores = np.array([0.0, 1.0, 0.5, 0.6])
        >>> ema_advantages(scores, ["a", "a", "b", "b"], ["count"] * 2 + ["size"] * 2, EmaStds()).round(3).tolist()
        [-1.0, 1.0, -1.0, 1.0]
    """
    stds.update(scores, tasks)
    advantages = np.zeros(len(scores))
    for rows in _groups(groups):
        centred = scores[rows] - scores[rows].mean()
        scaled = centred / (stds.std(tasks[rows[0]]) + EPSILON)
        if np.abs(scaled).max() > largest:
            scaled = _normalised(scores[rows])
        advantages[rows] = scaled
    return advantages


def component_advantages(components: Floats, weights: Sequence[float], groups: Sequence[Hashable]) -> Floats:
    """Each component normalised within its group, then weighted and added, then normalised over the step.

    A component of large spread does not drown the others: two replies that differ in one component alone are
    told apart by it, whatever its scale. After GDPO (group reward-decoupled normalisation, arXiv 2601.05242).

    Args:
        components: (N, K); NaN where undefined, which adds nothing.
        weights: (K,); a component of weight 0 is not used.
        groups: (N,) names of the prompt of each reply.

    Returns:
        (N,) advantages of mean 0 over the step, and of standard deviation 1 unless all are 0. A component adds
        nothing in a group in which fewer than two replies have it, or all that have it the same.

    Example:
        >>> parts = np.array([[0.0, 0.2], [1.0, 0.2], [0.0, 0.3], [0.0, 0.1]])
        >>> component_advantages(parts, [1.0, 1.0], ["a", "a", "b", "b"]).round(3).tolist()
        [-0.866, 0.866, 0.866, -0.866]
    """
    sums = np.zeros(len(components))
    for rows in _groups(groups):
        for column, weight in enumerate(weights):
            values = components[rows, column]
            known = rows[~np.isnan(values)]
            if weight and len(known):
                sums[known] += weight * _normalised(components[known, column])
    return _normalised(sums)


def _normalised(values: Floats) -> Floats:
    """Values less their mean over their standard deviation; 0 where they are all the same."""
    if values.max() - values.min() <= _SAME:
        return np.zeros(len(values))
    centred: Floats = values - values.mean()
    return centred / float(values.std(ddof=1))


def _groups(groups: Sequence[Hashable]) -> list[npt.NDArray[np.intp]]:
    """Places of the replies of each group, in the order in which groups first occur."""
    places: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        places.setdefault(group, []).append(place)
    return [np.array(rows) for rows in places.values()]
