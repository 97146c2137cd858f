"""A pinhole camera carried over the floor at one height, pitch and roll."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from videostr.data.facts import Eye
from videostr.data.world.motion import Floats, Motion


@dataclass(frozen=True)
class Camera:
    """A camera on a path.

    Attributes:
        motion: Its way over the floor.
        look: Angle from its heading to where it looks, radians, counter-clockwise.
        height: In metres.
        pitch: Radians below the horizon.
        roll: Radians about its own forward axis: at a positive one its right side sinks.
    """

    motion: Motion
    look: float
    height: float
    pitch: float
    roll: float = 0.0

    def eye(self, times: Sequence[float] | Floats) -> Eye:
        """Where it stands and looks at each time."""
        poses = self.motion.poses(times)
        yaws = poses[:, 2] + self.look
        positions = np.column_stack([poses[:, :2], np.full(len(poses), self.height)])
        axes = np.stack([self._axes(float(yaw)) for yaw in yaws])
        return Eye(positions, axes, yaws, self.motion.travelled(times))

    def _axes(self, yaw: float) -> Floats:
        cos, sin = math.cos(yaw), math.sin(yaw)
        forward = np.array([cos * math.cos(self.pitch), sin * math.cos(self.pitch), -math.sin(self.pitch)])
        right = np.array([sin, -cos, 0.0])
        down = np.cross(forward, right)
        c, s = math.cos(self.roll), math.sin(self.roll)
        return np.stack([c * right + s * down, c * down - s * right, forward])


@dataclass(frozen=True)
class Lens:
    """A picture with square pixels and the principal point in its middle."""

    width: int
    height: int
    field_of_view: float
    """Radians from the left edge to the right edge."""

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return self.width / (2.0 * math.tan(self.field_of_view / 2.0))

    def rays(self, samples: int) -> tuple[Floats, Floats]:
        """x (W,) and y (H,) of camera directions (x, y, 1) through `samples` points a pixel side."""
        x = (np.arange(self.width * samples) + 0.5) / samples - self.width / 2.0
        y = (np.arange(self.height * samples) + 0.5) / samples - self.height / 2.0
        return x / self.focal, y / self.focal

    def pixels(self, slopes: Floats) -> Floats:
        """Pixel coordinates (..., 2) of the directions (x, y, 1)."""
        found: Floats = slopes[..., :2] * self.focal + np.array([self.width, self.height]) / 2.0
        return found
