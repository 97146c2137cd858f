"""The solids: where rays meet them, which way they face there, and the exact box of their outline in a picture.

Each is described in its own unit frame, in which it fills the cube from -1 to 1 on every axis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from videostr.data.world.motion import Motion

Floats = NDArray[np.float64]
#: x, y and z, each of any shape that broadcasts with the others.
Triple = tuple[Floats, Floats, Floats]
Shape = Literal["box", "ball", "cylinder", "cone", "pyramid"]
SHAPES: tuple[Shape, ...] = ("box", "ball", "cylinder", "cone", "pyramid")
COLOURS: Mapping[str, tuple[float, float, float]] = {
    "red": (0.85, 0.10, 0.10),
    "green": (0.08, 0.58, 0.16),
    "blue": (0.10, 0.25, 0.90),
    "yellow": (0.95, 0.84, 0.08),
    "purple": (0.52, 0.14, 0.72),
    "orange": (0.96, 0.50, 0.05),
    "cyan": (0.05, 0.75, 0.82),
    "pink": (0.98, 0.52, 0.74),
}
MISS = np.inf


@dataclass(frozen=True)
class Solid:
    """A solid that stands on the floor.

    Attributes:
        shape: Which one.
        colour: A name of COLOURS; None for grey clutter, which no reference names.
        size: Length, width, height in metres; round and pyramid solids are as long as wide.
        motion: Its way over the floor; it keeps its front to its heading.
    """

    shape: Shape
    colour: str | None
    size: tuple[float, float, float]
    motion: Motion

    @property
    def label(self) -> str:
        """Its category, such as `red ball`."""
        return f"{self.colour or 'grey'} {self.shape}"

    @property
    def footprint(self) -> float:
        """Radius of the circle on the floor that holds it."""
        length, width, _ = self.size
        return math.hypot(length, width) / 2.0 if self.shape in ("box", "pyramid") else length / 2.0


def unit_frame(solid: Solid, yaw: float) -> Floats:
    """(3, 3): takes world directions into the unit frame of the solid at a heading."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    frame: Floats = turn * (2.0 / np.array(solid.size))[:, None]
    return frame


def hit(shape: Shape, origin: Triple, ray: Triple) -> Floats:
    """Depth along rays of the first hit, inf where there is none; unit frame, the origins lie outside."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if shape == "ball":
            return _ball(origin, ray)
        if shape == "cylinder":
            return _cylinder(origin, ray)
        if shape == "cone":
            return _cone(origin, ray)
        return _box(origin, ray) if shape == "box" else _flat(_PYRAMID, origin, ray)


def normal(shape: Shape, point: Triple) -> Triple:
    """Which way the surface of a round solid faces at its points; unit frame, of any length."""
    x, y, z = point
    if shape == "ball":
        return point
    if shape == "cone":
        return x, y, (1.0 - z) / 4.0
    top = z > x * x + y * y  # on the top z is 1, on the side the square is
    zero = np.asarray(0.0)
    return np.where(top, zero, x), np.where(top, zero, y), np.where(top, 1.0, zero)


def faces(shape: Shape) -> tuple[_Face, ...] | None:
    """(a, b, c, d) of the half spaces a·x + b·y + c·z <= d that bound a solid with flat faces; None for a round one."""
    return {"box": _BOX, "pyramid": _PYRAMID}.get(shape)


_Face = tuple[float, float, float, float]
_BOX: tuple[_Face, ...] = (
    (1.0, 0.0, 0.0, 1.0),
    (-1.0, 0.0, 0.0, 1.0),
    (0.0, 1.0, 0.0, 1.0),
    (0.0, -1.0, 0.0, 1.0),
    (0.0, 0.0, 1.0, 1.0),
    (0.0, 0.0, -1.0, 1.0),
)
_PYRAMID: tuple[_Face, ...] = (
    (2.0, 0.0, 1.0, 1.0),
    (-2.0, 0.0, 1.0, 1.0),
    (0.0, 2.0, 1.0, 1.0),
    (0.0, -2.0, 1.0, 1.0),
    (0.0, 0.0, -1.0, 1.0),
)


def _box(origin: Triple, ray: Triple) -> Floats:
    enter: Floats = np.asarray(-MISS)
    leave: Floats = np.asarray(MISS)
    for start, rise in zip(origin, ray, strict=True):
        first, second = (-1.0 - start) / rise, (1.0 - start) / rise
        enter = np.maximum(enter, np.minimum(first, second))
        leave = np.minimum(leave, np.maximum(first, second))
    return np.where((enter > 0.0) & (enter <= leave), enter, MISS)


def _flat(bounds: tuple[_Face, ...], origin: Triple, ray: Triple) -> Floats:
    enter: Floats = np.asarray(-MISS)
    leave: Floats = np.asarray(MISS)
    for a, b, c, d in bounds:
        room = d - _dot((a, b, c), origin)
        rise = _dot((a, b, c), ray)
        depth = room / rise
        enter = np.where(rise < 0.0, np.maximum(enter, depth), enter)
        leave = np.where(rise > 0.0, np.minimum(leave, depth), leave)
    return np.where((enter > 0.0) & (enter <= leave), enter, MISS)


def _dot(face: tuple[float, float, float], vector: Triple) -> Floats:
    total: Floats = np.asarray(0.0)
    for factor, value in zip(face, vector, strict=True):
        if factor:
            total = total + (value if factor == 1.0 else factor * value)
    return total


def _ball(origin: Triple, ray: Triple) -> Floats:
    (ox, oy, oz), (dx, dy, dz) = origin, ray
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    root = b * b - a * (ox * ox + oy * oy + oz * oz - 1.0)
    depth = (-b - np.sqrt(root)) / a
    return np.where((root >= 0.0) & (depth > 0.0), depth, MISS)


def _cylinder(origin: Triple, ray: Triple) -> Floats:
    (ox, oy, oz), (dx, dy, dz) = origin, ray
    a = dx * dx + dy * dy
    b = ox * dx + oy * dy
    root = b * b - a * (ox * ox + oy * oy - 1.0)
    side = (-b - np.sqrt(root)) / a
    side = np.where((root >= 0.0) & (side > 0.0) & (np.abs(oz + side * dz) <= 1.0), side, MISS)
    top = (1.0 - oz) / dz
    x, y = ox + top * dx, oy + top * dy
    top = np.where((top > 0.0) & (x * x + y * y <= 1.0), top, MISS)
    first: Floats = np.minimum(side, top)
    return first


def _cone(origin: Triple, ray: Triple) -> Floats:
    # Half width is half the distance below the apex at z = 1: x² + y² = (1 - z)² / 4. The base lies on the floor.
    (ox, oy, oz), (dx, dy, dz) = origin, ray
    below = 1.0 - oz
    a = dx * dx + dy * dy - dz * dz / 4.0
    b = ox * dx + oy * dy + below * dz / 4.0
    square = b * b - a * (ox * ox + oy * oy - below * below / 4.0)
    root = np.sqrt(square)
    best: Floats = np.asarray(MISS)
    for depth in ((-b - root) / a, (-b + root) / a):
        good = (square >= 0.0) & (depth > 0.0) & (np.abs(oz + depth * dz) <= 1.0)
        best = np.minimum(best, np.where(good, depth, MISS))
    return best


def outline(shape: Shape, to_camera: Floats, centre: Floats) -> Floats | None:
    """Least and greatest x/z and y/z of a solid: `[x0, y0, x1, y1]`; None when a part of it is not in front.

    to_camera: (3, 3), takes the unit frame into camera directions; centre: the solid's, in camera coordinates.
    """
    if shape == "ball":
        # Camera distances scale all axes of a ball alike.
        return _ellipse_bounds(centre, list(to_camera.T))
    if shape in ("box", "pyramid"):
        points = _BOX_POINTS if shape == "box" else _PYRAMID_POINTS
        return _bounds([centre + to_camera @ np.array(point) for point in points])
    x, y, z = to_camera.T
    base = _ellipse_bounds(centre - z, [x, y])
    top = _ellipse_bounds(centre + z, [x, y]) if shape == "cylinder" else _bounds([centre + z])
    if base is None or top is None:
        return None
    both: Floats = np.concatenate([np.minimum(base[:2], top[:2]), np.maximum(base[2:], top[2:])])
    return both


_BOX_POINTS = tuple(product((-1.0, 1.0), repeat=3))
_PYRAMID_POINTS = (*((x, y, -1.0) for x, y in product((-1.0, 1.0), repeat=2)), (0.0, 0.0, 1.0))
_NEAR = 1e-3


def _bounds(points: list[Floats]) -> Floats | None:
    placed = np.stack(points)
    if (placed[:, 2] < _NEAR).any():
        return None
    return span(placed[:, :2] / placed[:, 2:])


def span(points: Floats) -> Floats:
    span: Floats = np.concatenate([points.min(axis=0), points.max(axis=0)])
    return span


def _ellipse_bounds(centre: Floats, radii: list[Floats]) -> Floats | None:
    """Of the ellipse (or ellipsoid) with these half axes: where planes through the camera touch it."""
    place, axes = centre.tolist(), [radius.tolist() for radius in radii]
    a = place[2] ** 2 - sum(axis[2] ** 2 for axis in axes)
    if place[2] - math.sqrt(max(place[2] ** 2 - a, 0.0)) < _NEAR:
        return None
    found: list[tuple[float, float]] = []
    for k in (0, 1):
        b = place[k] * place[2] - sum(axis[k] * axis[2] for axis in axes)
        c = place[k] ** 2 - sum(axis[k] ** 2 for axis in axes)
        root = math.sqrt(max(b * b - a * c, 0.0))
        found.append(((b - root) / a, (b + root) / a))
    (x0, x1), (y0, y1) = found
    return np.array([x0, y0, x1, y1])
