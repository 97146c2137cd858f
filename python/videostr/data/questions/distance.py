"""How far apart things are: which is nearest, and how many metres. Distances are between centres, and say so."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from videostr.data.questions.base import Answer, Dropped, Kind, Question, Sight, capital, joined
from videostr.data.questions.options import number_answer

_CAMERA = 0.3
"""Share of questions that measure from the camera."""


def relative_distance(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """Which of some objects is nearest to another one, or to the camera."""
    task = "relative_distance"
    company = sight.company(rng, 3)
    if company is None:
        return Dropped(task, "not_together")
    words, frame, found = company
    eye = sight.eye
    if eye is not None and rng.random() < _CAMERA:
        base, origin, among = "the camera", eye.positions[frame], found[: sight.filters.choices]
        words = f"At {sight.facts.times[frame]:g} s, "
        among = [index for index in among if sight.clear[index, frame]]
        if len(among) < 2:
            return Dropped(task, "not_together")
    else:
        base, origin = f"the {sight.thing(found[0]).label}", sight.thing(found[0]).places[frame]
        among = found[1 : 1 + sight.filters.choices]
    distances = [float(np.linalg.norm(sight.thing(index).places[frame] - origin)) for index in among]
    gap = sight.filters.distance_gap
    if min(distances) < gap or any(abs(a - b) <= gap for a, b in combinations(distances, 2)):
        return Dropped(task, "distance_gap")
    names = [sight.thing(index).label for index in among]
    nearest = names[int(np.argmin(distances))]
    text = capital(
        f"{words}measured between centres, which of these is closest to {base}: {joined(names)}?"
        if kind == "text"
        else f"{words}measured between centres, which of these objects is closest to {base}?"
    )
    if kind == "text":
        return Question(task, "static", text, Answer("text", nearest))
    wrong = tuple(name for name in names if name != nearest)
    return Question(task, "static", text, Answer("choice", nearest, wrong=wrong))


def absolute_distance(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """Metres between two objects, or from the camera to one."""
    task = "absolute_distance"
    company = sight.company(rng, 2)
    if company is None:
        return Dropped(task, "not_together")
    words, frame, found = company
    eye, filters = sight.eye, sight.filters
    a, b = (sight.thing(index) for index in found[:2])
    if eye is not None and rng.random() < _CAMERA:
        if not sight.clear[found[0], frame]:
            return Dropped(task, "not_together")
        length = float(np.linalg.norm(a.places[frame] - eye.positions[frame]))
        low, high = filters.camera_distance
        words, ends = (
            f"At {sight.facts.times[frame]:g} s, ",
            f"between the camera and the centre of the {a.label}",
        )
    else:
        length = float(np.linalg.norm(a.places[frame] - b.places[frame]))
        low, high = filters.distance_least, np.inf
        ends = f"between the centres of the {a.label} and the {b.label}"
    if not low <= length <= high:
        return Dropped(task, "distance_range")
    answer = number_answer(task, length, "m", kind, filters=filters, rng=rng, decimals=1)
    if isinstance(answer, Dropped):
        return answer
    return Question(task, "static", capital(f"{words}what is the distance {ends}, in metres?"), answer)
