"""A pinhole camera that stands upright: it moves, turns about the vertical and keeps its pitch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Where a camera stands and looks at one time.

    position: metres in the world (x right, y forward as the first camera looks, z up). yaw: radians
    counter-clockwise seen from above, 0 looks along +y. pitch: radians below the horizon.
    """

    position: tuple[float, float, float]
    yaw: float
    pitch: float

    def axes(self) -> Floats:
        """(3, 3): rows are the camera's x (right), y (down) and z (forward) in world coordinates."""
        sin_yaw, cos_yaw = math.sin(self.yaw), math.cos(self.yaw)
        sin_pitch, cos_pitch = math.sin(self.pitch), math.cos(self.pitch)
        right = np.array([cos_yaw, sin_yaw, 0.0])
        forward = np.array([-sin_yaw * cos_pitch, cos_yaw * cos_pitch, -sin_pitch])
        return np.stack([right, np.cross(forward, right), forward])

    def to_camera(self, points: Floats) -> Floats:
        """World points (..., 3) in camera coordinates."""
        placed: Floats = (points - np.array(self.position)) @ self.axes().T
        return placed

    def up(self) -> tuple[float, float, float]:
        """The world's up in camera coordinates; it depends on the pitch alone."""
        return (0.0, -math.cos(self.pitch), -math.sin(self.pitch))


@dataclass(frozen=True)
class Lens:
    """A square image with the principal point in its middle and square pixels."""

    size: int
    field_of_view: float
    """Radians from the left edge to the right edge."""

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return self.size / (2.0 * math.tan(self.field_of_view / 2.0))

    def project(self, points: Floats) -> Floats:
        """Camera points (..., 3) with z > 0 as pixels (..., 2), x right and y down."""
        return self.focal * points[..., :2] / points[..., 2:3] + self.size / 2.0

    def rays(self, supersampling: int) -> Floats:
        """(H, W, 3): camera directions with z = 1 through the middle of each sample, row by row."""
        count = self.size * supersampling
        steps = ((np.arange(count) + 0.5) / supersampling - self.size / 2.0) / self.focal
        x, y = np.meshgrid(steps, steps)
        return np.stack([x, y, np.ones_like(x)], axis=-1)
