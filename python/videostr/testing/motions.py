"""Rigid motions and mirrors: uniform rotations, yaw about any axis, translations; how they act on frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from videostr.testing.scenes import Frame, Frames, Point

__all__ = [
    "Motion",
    "mirror",
    "move",
    "random_motion",
    "reflection",
    "rotation_2d",
    "rotation_about",
    "uniform_rotation",
    "vertical_reflection",
]

Group = Literal["so2", "yaw", "so3"]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """x -> matrix @ x + shift; `matrix` is (d, d), `shift` (d,), in the scene's unit."""

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Moved points, (N, d) in and out."""
        return np.asarray(points @ self.matrix.T + self.shift, dtype=np.float64)


def uniform_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """A rotation in 3-D, (3, 3), uniform (Haar) on SO(3): a normally distributed quaternion, normalised.

    >>> turn = uniform_rotation(np.random.default_rng(0))
    >>> bool(np.allclose(turn @ turn.T, np.eye(3))), round(float(np.linalg.det(turn)), 9)
    (True, 1.0)
    """
    w, x, y, z = _unit(rng.normal(size=4))
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def rotation_about(axis: Sequence[float] | NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """The turn by `angle` radians about `axis` (any length but 0), counter-clockwise seen from its tip."""
    x, y, z = _unit(np.asarray(axis, dtype=np.float64))
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn = np.eye(3) + math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)
    return np.asarray(turn, dtype=np.float64)


def rotation_2d(angle: float) -> NDArray[np.float64]:
    """The counter-clockwise turn of the plane by `angle` radians, (2, 2)."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]])


def reflection(normal: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """The mirror through the origin across the line (2-D) or plane (3-D) with this `normal`."""
    n = _unit(np.asarray(normal, dtype=np.float64))
    return np.asarray(np.eye(len(n)) - 2.0 * np.outer(n, n), dtype=np.float64)


def vertical_reflection(rng: np.random.Generator, up: Point) -> NDArray[np.float64]:
    """A mirror across a random vertical plane: left and right change sides, heights stay."""
    axis = _unit(np.asarray(up, dtype=np.float64))
    level = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    return reflection(rotation_about(axis, rng.uniform(-math.pi, math.pi)) @ level)


def random_motion(
    rng: np.random.Generator, group: Group, *, up: Point | None = None, reach: float = 10.0
) -> Motion:
    """A uniform rotation of `group` and a translation of up to `reach` (scene units) along each axis.

    `so2` is the plane, `yaw` turns about `up` (which it needs), `so3` turns any way.

    >>> motion = random_motion(np.random.default_rng(1), "yaw", up=(0.0, 0.0, 1.0), reach=0.0)
    >>> bool(np.allclose(motion.apply(np.array([[0.0, 0.0, 2.0]])), [[0.0, 0.0, 2.0]]))
    True
    """
    if group == "so2":
        matrix = rotation_2d(rng.uniform(-math.pi, math.pi))
    elif group == "so3":
        matrix = uniform_rotation(rng)
    elif up is None:
        raise ValueError("group 'yaw' turns about `up`: give up=(x, y, z)")
    else:
        matrix = rotation_about(up, rng.uniform(-math.pi, math.pi))
    return Motion(matrix, rng.uniform(-reach, reach, len(matrix)))


def move(frames: Frames, motion: Motion) -> Frames:
    """Every node (and observer) moved; ids, times and stated edges as they were."""
    return tuple(_move_frame(frame, motion) for frame in frames)


def _move_frame(frame: Frame, motion: Motion) -> Frame:
    moved = frame if not frame.nodes else frame.with_centers(motion.apply(frame.centers))
    if frame.observer is None:
        return moved
    observer = motion.apply(np.array([frame.observer]))[0]
    return replace(moved, observer=tuple(float(value) for value in observer))


def mirror(frames: Frames, normal: Sequence[float] | NDArray[np.float64]) -> Frames:
    """The mirror image of all frames across the plane (2-D: line) through the origin with this normal.

    >>> from videostr.testing.scenes import tetrahedron
    >>> image = mirror(tetrahedron().frames, (1.0, 0.0, 0.0))
    >>> image == tetrahedron(mirrored=True).frames
    True
    """
    matrix = reflection(normal)
    return move(frames, Motion(matrix, np.zeros(len(matrix))))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.linalg.norm(vector))
    if length == 0.0:
        raise ValueError("the direction has length 0: give one that points somewhere")
    return np.asarray(vector / length, dtype=np.float64)
