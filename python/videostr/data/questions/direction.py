"""Where a thing lies for someone who stands by a second and faces a third, or for the camera."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from videostr.data.facts import Floats
from videostr.data.questions.base import Answer, Dropped, Kind, Question, Sight, capital, joined, pick

TASK = "relative_direction"
#: Edges of the sectors in degrees, counter-clockwise from straight ahead, and the name of each up to the next edge.
SECTORS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "easy": ((0.0, "left"), (135.0, ""), (225.0, "right")),
    "medium": ((0.0, "left"), (135.0, "back"), (225.0, "right")),
    "hard": ((0.0, "front-left"), (90.0, "back-left"), (180.0, "back-right"), (270.0, "front-right")),
}
_CAMERA = 0.15
"""Share of questions that look from the camera."""


def relative_direction(sight: Sight, rng: np.random.Generator, _kind: Kind) -> Question | Dropped:
    """Left, right, back: standing by an object, or as the camera sees it."""
    if sight.eye is not None and rng.random() < _CAMERA:
        return _from_camera(sight, rng)
    company = sight.company(rng, 3)
    if company is None:
        return Dropped(TASK, "not_together")
    words, frame, found = company
    stand, face, ask = (sight.thing(index) for index in found[:3])
    places = [thing.places[frame] for thing in (stand, face, ask)]
    low, high = sight.filters.direction_reach
    if not all(low <= float(np.linalg.norm(a - b)) <= high for a, b in combinations(places, 2)):
        return Dropped(TASK, "direction_reach")
    mode = tuple(SECTORS)[pick(rng, len(SECTORS))]
    edges = SECTORS[mode]
    angle = bearing(places[0], places[1], places[2])
    sector = sector_of(angle, edges)
    reason = _doubt(sight, frame, found[:3], angle, edges)
    if reason is not None:
        return Dropped(TASK, reason)
    names = [name for _, name in edges if name]
    text = (
        f"{words}if someone stands by the {stand.label} and faces the {face.label}, "
        f"is the {ask.label} to their {joined(names)}?"
    )
    wrong = tuple(name for name in names if name != sector)
    return Question(TASK, "static", capital(text), Answer("choice", sector, wrong=wrong))


def _doubt(
    sight: Sight, frame: int, who: list[int], angle: float, edges: tuple[tuple[float, str], ...]
) -> str | None:
    """Why the sector of that angle is not clear, if it is not."""
    sector, filters = sector_of(angle, edges), sight.filters
    if not sector:
        return "behind"
    if any(abs(math.remainder(angle - edge, 360.0)) < filters.direction_margin for edge, _ in edges):
        return "direction_margin"
    stand, face, ask = (sight.thing(index) for index in who)
    if ask.size is None:
        return None
    apart = sum(
        sector_of(bearing(stand.places[frame], face.places[frame], corner), edges) != sector
        for corner in ask.corners(frame)
    )
    return "direction_corners" if apart > filters.direction_corners else None


def bearing(stand: Floats, face: Floats, ask: Floats) -> float:
    """Degrees from 0 to 360, counter-clockwise seen from above, from `face` to `ask` about `stand`."""
    ahead, there = face[:2] - stand[:2], ask[:2] - stand[:2]
    turn = math.atan2(ahead[0] * there[1] - ahead[1] * there[0], float(ahead @ there))
    return math.degrees(turn) % 360.0


def sector_of(angle: float, edges: tuple[tuple[float, str], ...]) -> str:
    """The name of the sector that holds an angle from 0 to 360."""
    return [name for edge, name in edges if edge <= angle][-1]


def _from_camera(sight: Sight, rng: np.random.Generator) -> Question | Dropped:
    eye = sight.eye
    assert eye is not None
    company = sight.company(rng, 2)
    if company is None:
        return Dropped(TASK, "not_together")
    _, frame, found = company
    if not sight.clear[found[:2], frame].all():
        return Dropped(TASK, "not_together")
    first, second = (sight.thing(index) for index in found[:2])
    bearings: list[float] = []
    for thing in (first, second):
        x, _, z = eye.to_camera(thing.places[frame], frame)
        bearings.append(math.degrees(math.atan2(float(x), float(z))))
    if abs(bearings[0] - bearings[1]) < sight.filters.direction_margin:
        return Dropped(TASK, "direction_margin")
    side, other = ("left", "right") if bearings[0] < bearings[1] else ("right", "left")
    text = (
        f"At {sight.facts.times[frame]:g} s, seen from the camera, is the {first.label} "
        f"to the left or to the right of the {second.label}?"
    )
    return Question(TASK, "static", text, Answer("choice", side, wrong=(other,)))
