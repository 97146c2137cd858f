"""Questions about a scene, each with the filter that drops it where its answer would be ambiguous."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from videostr.data.synth.config import SynthConfig
from videostr.data.synth.scene import Scene, Solid


@dataclass(frozen=True)
class ChoiceAnswer:
    """The right option and the wrong ones; letters are given when rows are built."""

    right: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class NumberAnswer:
    """A number and its unit (None for a count)."""

    value: float
    unit: str | None


@dataclass(frozen=True)
class Question:
    """A question that has one answer."""

    task: str
    ability: Literal["static", "dynamic", "spatio-temporal"]
    text: str
    answer: ChoiceAnswer | NumberAnswer


@dataclass(frozen=True)
class Dropped:
    """A question that was not asked, and why."""

    task: str
    reason: str


Asker = Callable[[Scene, SynthConfig, np.random.Generator], Question | Dropped]


def ask(task: str, scene: Scene, config: SynthConfig, rng: np.random.Generator) -> Question | Dropped:
    """A question of kind `task` about `scene`, or why there is none."""
    return ASKERS[task](scene, config, rng)


def _moment(config: SynthConfig, rng: np.random.Generator) -> tuple[str, float]:
    times = config.reader_times
    return ("At the start", times[0]) if rng.random() < 0.5 else ("At the end", times[-1])


def _travelled(solid: Solid, config: SynthConfig) -> float:
    times = config.reader_times
    return float(np.linalg.norm(solid.centre(times[-1]) - solid.centre(times[0])))


def _counting(scene: Scene, config: SynthConfig, _rng: np.random.Generator) -> Question | Dropped:
    """How many objects move. Every object either stands still or goes far enough to be seen to."""
    lengths = [_travelled(solid, config) for solid in scene.solids]
    if any(0.0 < length < config.displacement_range[0] for length in lengths):
        return Dropped("counting", "motion_too_small")
    moving = sum(length > 0.0 for length in lengths)
    return Question("counting", "dynamic", "How many objects move?", NumberAnswer(moving, None))


def _relative_distance(scene: Scene, config: SynthConfig, rng: np.random.Generator) -> Question | Dropped:
    """Which object is nearest to the camera, when all compared distances differ clearly."""
    words, time = _moment(config, rng)
    camera = scene.camera(time)
    count = min(config.choices, len(scene.solids))
    chosen = [scene.solids[int(index)] for index in rng.permutation(len(scene.solids))[:count]]
    distances = {solid.label: float(np.linalg.norm(camera.to_camera(solid.centre(time)))) for solid in chosen}
    if any(abs(a - b) < config.distance_gap for a, b in combinations(distances.values(), 2)):
        return Dropped("relative_distance", "distance_gap")
    right = min(distances, key=lambda label: distances[label])
    wrong = tuple(label for label in distances if label != right)
    text = f"{words}, which object is nearest to the camera?"
    return Question("relative_distance", "static", text, ChoiceAnswer(right, wrong))


def _relative_direction(scene: Scene, config: SynthConfig, rng: np.random.Generator) -> Question | Dropped:
    """Left or right of another object as the camera sees them, when their bearings differ clearly."""
    words, time = _moment(config, rng)
    camera = scene.camera(time)
    first, second = (scene.solids[int(index)] for index in rng.permutation(len(scene.solids))[:2])
    bearings: list[float] = []
    for solid in (first, second):
        x, _, z = camera.to_camera(solid.centre(time))
        bearings.append(math.degrees(math.atan2(float(x), float(z))))
    turn = bearings[0] - bearings[1]
    if abs(turn) < config.direction_margin:
        return Dropped("relative_direction", "direction_margin")
    right, wrong = ("left", "right") if turn < 0 else ("right", "left")
    text = f"{words}, is the {first.label} left or right of the {second.label}?"
    return Question("relative_direction", "static", text, ChoiceAnswer(right, (wrong,)))


def _displacement(scene: Scene, config: SynthConfig, rng: np.random.Generator) -> Question | Dropped:
    """How far an object gets from its first to its last place in the world, one decimal."""
    moving = [solid for solid in scene.solids if solid.moves]
    if not moving:
        return Dropped("displacement", "nothing_moves")
    solid = moving[int(rng.integers(len(moving)))]
    length = _travelled(solid, config)
    low, high = config.displacement_range
    if not low <= length <= high:
        return Dropped("displacement", "displacement_range")
    text = f"How far does the {solid.label} move from start to end?"
    return Question("displacement", "spatio-temporal", text, NumberAnswer(round(length, 1), "m"))


ASKERS: Mapping[str, Asker] = {
    "counting": _counting,
    "relative_distance": _relative_distance,
    "relative_direction": _relative_direction,
    "displacement": _displacement,
}
