"""How far and how fast a thing goes, over the ground."""

from __future__ import annotations

import numpy as np

from videostr.data.questions.base import Dropped, Kind, Question, Sight, pick
from videostr.data.questions.options import number_answer


def displacement(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """Metres in a straight line from where it is to where it gets."""
    task = "displacement"
    found = _found(task, sight, rng)
    if isinstance(found, Dropped):
        return found
    index, first, last = found
    thing = sight.thing(index)
    length = float(np.linalg.norm(thing.places[last] - thing.places[first]))
    low, high = sight.filters.moved
    if not low <= length <= high:
        return Dropped(task, "moved")
    answer = number_answer(task, length, "m", kind, filters=sight.filters, rng=rng, decimals=1)
    if isinstance(answer, Dropped):
        return answer
    text = (
        f"How far in a straight line is the place of the {thing.label} at {sight.facts.times[last]:g} s from its "
        f"place at {sight.facts.times[first]:g} s, in metres over the ground?"
    )
    return Question(task, "dynamic", text, answer)


def path_length(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """Metres along the way it takes."""
    return _along("path_length", sight, rng, kind)


def speed(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """Way by time, in metres per second."""
    return _along("speed", sight, rng, kind)


def _found(task: str, sight: Sight, rng: np.random.Generator) -> tuple[int, int, int] | Dropped:
    """A moving object and two frames."""
    moving = [index for index in sight.unique if sight.thing(index).moves]
    if not moving:
        return Dropped(task, "nothing_moves")
    index = moving[pick(rng, len(moving))]
    span = sight.span(index, rng)
    return Dropped(task, "not_seen") if span is None else (index, *span)


def _along(task: str, sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    found = _found(task, sight, rng)
    if isinstance(found, Dropped):
        return found
    index, first, last = found
    thing, filters, times = sight.thing(index), sight.filters, sight.facts.times
    if sight.clear[index, first : last + 1].mean() < filters.path_seen:
        return Dropped(task, "path_seen")
    way = float(thing.travelled[last] - thing.travelled[first])
    low, high = filters.moved
    if not low <= way <= high:
        return Dropped(task, "moved")
    steps = np.linalg.norm(np.diff(thing.places[first : last + 1], axis=0), axis=1).sum()
    if way - steps > filters.path_error * way:
        return Dropped(task, "path_error")
    span = f"from {times[first]:g} s to {times[last]:g} s"
    if task == "path_length":
        answer = number_answer(task, way, "m", kind, filters=filters, rng=rng, decimals=1)
        text = f"How long is the way that the {thing.label} goes {span}, in metres over the ground?"
    else:
        rate = way / float(times[last] - times[first])
        if rate < filters.speed_least:
            return Dropped(task, "speed_least")
        answer = number_answer(task, rate, "m/s", kind, filters=filters, rng=rng, decimals=2)
        text = f"What is the average speed of the {thing.label} {span}, in metres per second over the ground?"
    return answer if isinstance(answer, Dropped) else Question(task, "dynamic", text, answer)
