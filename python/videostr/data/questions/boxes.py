"""Where a thing is in the picture, when it is in view, and where it goes."""

from __future__ import annotations

import numpy as np

from videostr.data.facts import Floats
from videostr.data.questions.base import Answer, Dropped, Kind, Question, Sight, pick

_OPTIONS = 4
_BOX = "pixels: left, top, right, bottom"


def iou(a: Floats, b: Floats) -> float:
    """Overlap of two boxes `[x1, y1, x2, y2]`, from 0 to 1."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    common = float(np.prod(np.maximum(high - low, 0.0)))
    return common / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common)


def localisation(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """The box of an object at a time, or the time in which it is in view."""
    if sight.facts.size is None:
        return Dropped("localisation", "no_boxes")
    if kind == "interval":
        return _in_view(sight, rng)
    found = [
        (index, frame)
        for index in sight.unique
        for frame in range(len(sight.facts.times))
        if sight.good_box(index, frame)
    ]
    if not found:
        return Dropped("localisation", "not_seen_whole")
    index, frame = found[pick(rng, len(found))]
    text = f"At {sight.facts.times[frame]:g} s, where in the picture is the {sight.thing(index).label}{_hint(kind)}?"
    answer = _box_answer("localisation", sight, rng, kind, place=(index, frame), traps=[])
    return answer if isinstance(answer, Dropped) else Question("localisation", "static", text, answer)


def tracking(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """The box at one time of the object that is in a given box at another; the label may be that of several."""
    if sight.facts.size is None:
        return Dropped("tracking", "no_boxes")
    things = sight.facts.things
    if not things:
        return Dropped("tracking", "nothing_there")
    several = [index for index in range(len(things)) if index not in sight.unique]
    pool = several if several and rng.random() < 0.7 else list(range(len(things)))
    index = pool[pick(rng, len(pool))]
    span = sight.span(index, rng)
    if span is None or not all(sight.good_box(index, frame) for frame in span):
        return Dropped("tracking", "not_seen_whole")
    first, last = span
    thing, times = things[index], sight.facts.times
    if iou(_printed(thing.boxes[first]), _printed(thing.boxes[last])) > sight.filters.box_iou:
        return Dropped("tracking", "box_iou")
    text = (
        f"At {times[first]:g} s there is a {thing.label} in the box {_words(thing.boxes[first])} "
        f"({_BOX}). Where in the picture is it at {times[last]:g} s?"
    )
    answer = _box_answer("tracking", sight, rng, kind, place=(index, last), traps=[thing.boxes[first]])
    return answer if isinstance(answer, Dropped) else Question("tracking", "spatio-temporal", text, answer)


def _box_answer(
    task: str,
    sight: Sight,
    rng: np.random.Generator,
    kind: Kind,
    *,
    place: tuple[int, int],
    traps: list[Floats],
) -> Answer | Dropped:
    """An object's box at a frame as it is, or as a choice among boxes: `traps`, other objects', shifted ones."""
    index, frame = place
    assert sight.facts.size is not None
    box = _printed(sight.thing(index).boxes[frame])
    if kind == "box2d":
        fields = (("size", list(sight.facts.size)), ("box_space", "pixel"))
        return Answer("box2d", [float(value) for value in box], fields=fields)
    others = [
        sight.thing(other).boxes[frame]
        for other in range(len(sight.facts.things))
        if other != index and sight.clear[other, frame]
    ]
    width, height = box[2] - box[0], box[3] - box[1]
    room = np.maximum(np.array(sight.facts.size) - (width, height), 1.0)
    shifted = [np.tile(rng.uniform(0.0, 1.0, size=2) * room, 2) for _ in range(12)]
    shifted = [place + np.array([0.0, 0.0, width, height]) for place in shifted]
    taken = [box]
    candidates = [*traps, *(others[int(place)] for place in rng.permutation(len(others))), *shifted]
    for candidate in candidates:
        wrong = _printed(candidate)
        if (
            len(taken) < _OPTIONS
            and not np.isnan(wrong).any()
            and (wrong[2:] > wrong[:2]).all()
            and all(iou(wrong, other) <= sight.filters.box_iou for other in taken)
        ):
            taken.append(wrong)
    if len(taken) < 2:
        return Dropped(task, "box_iou")
    words = [_words(each) for each in taken]
    return Answer("choice", words[0], wrong=tuple(words[1:]))


def _hint(kind: Kind) -> str:
    """What the numbers of boxes among options are; of a box to be given the prompt says it."""
    return f" ({_BOX})" if kind == "choice" else ""


def _printed(box: Floats) -> Floats:
    rounded: Floats = np.round(box)
    return rounded


def _words(box: Floats) -> str:
    return "[" + ", ".join(f"{value:.0f}" for value in _printed(box)) + "]"


def _in_view(sight: Sight, rng: np.random.Generator) -> Question | Dropped:
    found = [index for index in sight.unique if sight.clear[index].any()]
    if not found:
        return Dropped("localisation", "nothing_there")
    index = found[pick(rng, len(found))]
    frames = np.flatnonzero(sight.clear[index])
    filters, times = sight.filters, sight.facts.times
    first, last = int(frames[0]), int(frames[-1])
    outside = len(times) - len(frames)
    if len(frames) != last - first + 1:
        return Dropped("localisation", "seen_twice")
    if len(frames) < filters.interval_least or outside < filters.interval_least:
        return Dropped("localisation", "interval_least")
    if (sight.glimpsed[index] & ~sight.clear[index]).sum() > filters.interval_doubt:
        return Dropped("localisation", "barely_seen")
    text = f"From when to when is the {sight.thing(index).label} in view?"
    answer = Answer("interval", [float(times[first]), float(times[last])])
    return Question("localisation", "spatio-temporal", text, answer)
