"""The tasks, each with its asker and its kinds of answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from videostr.data.questions.base import Dropped, Kind, Question, Sight
from videostr.data.questions.boxes import localisation, tracking
from videostr.data.questions.counting import counting
from videostr.data.questions.direction import relative_direction
from videostr.data.questions.distance import absolute_distance, relative_distance
from videostr.data.questions.ego import ego_motion
from videostr.data.questions.motion import displacement, path_length, speed
from videostr.data.questions.order import appearance_order
from videostr.data.questions.size import size

Asker: TypeAlias = Callable[[Sight, np.random.Generator, Kind], "Question | Dropped"]
_ASKERS: Mapping[str, tuple[Asker, tuple[Kind, ...]]] = {
    "counting": (counting, ("number", "choice")),
    "relative_distance": (relative_distance, ("choice", "text")),
    "relative_direction": (relative_direction, ("choice",)),
    "absolute_distance": (absolute_distance, ("number", "choice")),
    "appearance_order": (appearance_order, ("choice",)),
    "size": (size, ("number", "choice")),
    "localisation": (localisation, ("box2d", "choice", "interval")),
    "tracking": (tracking, ("box2d", "choice")),
    "displacement": (displacement, ("number", "choice")),
    "path_length": (path_length, ("number", "choice")),
    "speed": (speed, ("number", "choice")),
    "ego_motion": (ego_motion, ("number", "choice")),
}
#: The answer kinds of each task.
TASKS: Mapping[str, tuple[Kind, ...]] = {task: kinds for task, (_, kinds) in _ASKERS.items()}
#: Tasks whose answer can be the same from wherever the camera looks.
ANYWHERE = (
    "counting",
    "relative_distance",
    "relative_direction",
    "absolute_distance",
    "size",
    "displacement",
    "path_length",
    "speed",
)


def ask(
    task: str, sight: Sight, rng: np.random.Generator, kind: Kind, *, tries: int = 8
) -> Question | Dropped:
    """A question of a task with an answer of that kind, or why the last of `tries` draws gave none."""
    asker, kinds = _ASKERS[task]
    if kind not in kinds:
        raise ValueError(f"{task}: has no answer of kind {kind!r}; known: {', '.join(kinds)}")
    result: Question | Dropped = Dropped(task, "not_tried")
    for _ in range(tries):
        result = asker(sight, rng, kind)
        if isinstance(result, Question):
            break
    return result
