"""Where rays meet solids: depth along the ray and the surface normal, exact for each kind of solid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from videostr.data.synth.scene import Solid

Floats = NDArray[np.float64]
MISS = np.inf


def hit(solid: Solid, time: float, origin: Floats, rays: Floats) -> tuple[Floats, Floats]:
    """Depth (...,) in units of the ray (inf where it misses) and normal (..., 3) of the first hit.

    origin: (3,). rays: (..., 3) of any length. World coordinates; the origin lies outside the solid.
    """
    local = origin - solid.centre(time)
    if solid.shape == "ball":
        return _ball(local, rays, solid.radius)
    if solid.shape == "cube":
        return _cube(local, rays, solid.radius, solid.yaw)
    if solid.shape == "cylinder":
        return _cylinder(local, rays, solid.radius)
    return _cone(local, rays, solid.radius)


def _nearest_root(a: Floats, b: Floats, c: Floats | float) -> Floats:
    """Smaller positive root of a·t² + 2·b·t + c, inf where there is none."""
    square = b * b - a * c
    with np.errstate(invalid="ignore", divide="ignore"):
        root = (-b - np.sqrt(square)) / a
    return np.where((square >= 0.0) & (root > 0.0), root, MISS)


def _points(origin: Floats, rays: Floats, depth: Floats) -> Floats:
    points: Floats = origin + rays * np.where(np.isfinite(depth), depth, 0.0)[..., None]
    return points


def _ball(origin: Floats, rays: Floats, radius: float) -> tuple[Floats, Floats]:
    depth = _nearest_root((rays * rays).sum(-1), rays @ origin, float(origin @ origin) - radius * radius)
    return depth, _points(origin, rays, depth) / radius


def _cube(origin: Floats, rays: Floats, half: float, yaw: float) -> tuple[Floats, Floats]:
    cos, sin = math.cos(yaw), math.sin(yaw)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    start, direction = turn @ origin, rays @ turn.T
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (-half - start) / direction
        second = (half - start) / direction
    near, far = np.fmin(first, second), np.fmax(first, second)
    axis = near.argmax(-1)
    enter, leave = near.max(-1), far.min(-1)
    depth = np.where((enter > 0.0) & (enter <= leave), enter, MISS)
    normal = np.eye(3)[axis] * -np.sign(np.take_along_axis(direction, axis[..., None], -1))
    return depth, normal @ turn


def _cylinder(origin: Floats, rays: Floats, radius: float) -> tuple[Floats, Floats]:
    flat = rays[..., :2]
    side = _nearest_root(
        (flat * flat).sum(-1), flat @ origin[:2], float(origin[:2] @ origin[:2]) - radius * radius
    )
    on_side = _points(origin, rays, side)
    side = np.where(np.abs(on_side[..., 2]) <= radius, side, MISS)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = (radius - origin[2]) / rays[..., 2]
    on_top = _points(origin, rays, top)
    top = np.where((top > 0.0) & ((on_top[..., :2] ** 2).sum(-1) <= radius * radius), top, MISS)
    normal = np.concatenate([on_side[..., :2] / radius, np.zeros_like(side)[..., None]], axis=-1)
    return np.minimum(side, top), np.where((top < side)[..., None], np.array([0.0, 0.0, 1.0]), normal)


def _cone(origin: Floats, rays: Floats, radius: float) -> tuple[Floats, Floats]:
    # Half width is half of the distance below the apex: x² + y² = (apex - z)² / 4, apex at z = radius.
    below, fall = radius - origin[2], rays[..., 2]
    flat = rays[..., :2]
    a = (flat * flat).sum(-1) - fall * fall / 4.0
    b = flat @ origin[:2] + below * fall / 4.0
    c = float(origin[:2] @ origin[:2]) - below * below / 4.0
    square = b * b - a * c
    best = np.full(fall.shape, MISS)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(square)
        for depth in ((-b - root) / a, (-b + root) / a):
            height = origin[2] + fall * depth
            good = (square >= 0.0) & (depth > 0.0) & (np.abs(height) <= radius)
            best = np.where(good & (depth < best), depth, best)
    point = _points(origin, rays, best)
    normal = np.concatenate([point[..., :2], ((radius - point[..., 2]) / 4.0)[..., None]], axis=-1)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    return best, normal / np.where(length > 0.0, length, 1.0)
