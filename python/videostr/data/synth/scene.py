"""A scene: solids on a floor, each still or in straight motion, and a camera that moves and turns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from videostr.data.synth.camera import Camera

Shape = Literal["cube", "ball", "cone", "cylinder"]
SHAPES: tuple[Shape, ...] = ("cube", "ball", "cone", "cylinder")
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.85, 0.12, 0.10),
    "green": (0.10, 0.65, 0.20),
    "blue": (0.10, 0.25, 0.90),
    "yellow": (0.95, 0.85, 0.10),
    "purple": (0.60, 0.15, 0.75),
    "white": (0.97, 0.97, 0.97),
}


@dataclass(frozen=True)
class Solid:
    """One object. Lengths in metres, world coordinates; `centre` is the middle of its bounding box."""

    colour: str
    shape: Shape
    radius: float
    """Half width: of the ball, of the base of cone and cylinder, of the side of the cube."""
    start: tuple[float, float]
    """Place on the floor at time 0."""
    velocity: tuple[float, float]
    yaw: float
    """Heading of the cube's sides, radians."""

    @property
    def label(self) -> str:
        """Category in references, such as `red cube`."""
        return f"{self.colour} {self.shape}"

    @property
    def height(self) -> float:
        """Every solid is as high as wide."""
        return 2.0 * self.radius

    @property
    def footprint(self) -> float:
        """Radius of the circle on the floor that holds the solid."""
        return self.radius * (math.sqrt(2.0) if self.shape == "cube" else 1.0)

    @property
    def moves(self) -> bool:
        """Whether it is in motion."""
        return self.velocity != (0.0, 0.0)

    def centre(self, time: float) -> NDArray[np.float64]:
        """World coordinates (3,) of the centre."""
        x, y = self.start
        vx, vy = self.velocity
        return np.array([x + vx * time, y + vy * time, self.radius])


@dataclass(frozen=True)
class Scene:
    """The world of one clip: origin on the floor under the first camera, which looks along +y; z up."""

    index: int
    seed: int
    solids: tuple[Solid, ...]
    camera_height: float
    camera_pitch: float
    camera_velocity: tuple[float, float]
    camera_turn: float
    """Radians per second, counter-clockwise seen from above."""

    @property
    def name(self) -> str:
        """Name in rows and files."""
        return f"synth-{self.seed}-{self.index:06d}"

    def camera(self, time: float) -> Camera:
        """The camera at `time`."""
        vx, vy = self.camera_velocity
        return Camera((vx * time, vy * time, self.camera_height), self.camera_turn * time, self.camera_pitch)

    def centres(self, time: float) -> NDArray[np.float64]:
        """World coordinates (N, 3) of all centres."""
        return np.stack([solid.centre(time) for solid in self.solids])
