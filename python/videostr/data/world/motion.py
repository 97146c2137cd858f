"""Motion on the floor in legs of steady speed and turn: every place and every length of way is exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float]


@dataclass(frozen=True)
class Leg:
    """A stretch of time with one speed (m/s) and one rate of turn (rad/s, counter-clockwise)."""

    seconds: float
    speed: float
    turn: float = 0.0


@dataclass(frozen=True)
class Motion:
    """A start, a heading (radians, 0 along +x, counter-clockwise) and legs; after the last it stands still."""

    start: Point
    heading: float
    legs: tuple[Leg, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether it changes place at any time."""
        return any(leg.speed > 0.0 for leg in self.legs)

    def poses(self, times: Sequence[float] | Floats) -> Floats:
        """x, y and heading at each of T times, (T, 3).

        >>> quarter = Motion((0.0, 0.0), 0.0, (Leg(2.0, math.pi / 4, math.pi / 4),))  # a circle of radius 1
        >>> quarter.poses([0.0, 2.0]).round(9).tolist()
        [[0.0, 0.0, 0.0], [1.0, 1.0, 1.570796327]]
        """
        when = np.asarray(times, dtype=np.float64)
        x, y, heading = (
            np.full(when.shape, value, dtype=np.float64) for value in (*self.start, self.heading)
        )
        begin, before = 0.0, self.heading
        for leg in self.legs:
            spent = np.clip(when - begin, 0.0, leg.seconds)
            if leg.turn == 0.0:
                x += leg.speed * math.cos(before) * spent
                y += leg.speed * math.sin(before) * spent
            else:
                radius, after = leg.speed / leg.turn, before + leg.turn * spent
                x += radius * (np.sin(after) - math.sin(before))
                y += radius * (math.cos(before) - np.cos(after))
            heading += leg.turn * spent
            before += leg.turn * leg.seconds
            begin += leg.seconds
        return np.stack([x, y, heading], axis=-1)

    def travelled(self, times: Sequence[float] | Floats) -> Floats:
        """Length of the way gone since time 0, (T,)."""
        when = np.asarray(times, dtype=np.float64)
        way, begin = np.zeros(when.shape), 0.0
        for leg in self.legs:
            way += leg.speed * np.clip(when - begin, 0.0, leg.seconds)
            begin += leg.seconds
        return way

    def through(self, place: Point, time: float) -> Motion:
        """The same motion shifted so that it is at `place` at `time`."""
        x, y, _ = self.poses([time])[0]
        return replace(self, start=(self.start[0] + place[0] - float(x), self.start[1] + place[1] - float(y)))

    def turned(self, angle: float, about: Point) -> Motion:
        """The same motion turned by `angle` about a point."""
        cos, sin = math.cos(angle), math.sin(angle)
        x, y = self.start[0] - about[0], self.start[1] - about[1]
        start = (about[0] + cos * x - sin * y, about[1] + sin * x + cos * y)
        return replace(self, start=start, heading=self.heading + angle)
