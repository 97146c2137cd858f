"""Pictures of a scene: exact perspective, light and shadow, haze with distance, occlusion by depth."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from videostr.data.world.camera import Lens
from videostr.data.world.cast import Meeting, View, meet
from videostr.data.world.scene import Room, Scene, Street
from videostr.data.world.solids import COLOURS, Floats, Solid, Triple, faces, hit, normal, span, unit_frame
from videostr.data.world.surroundings import SKY, Backdrop, backdrop

_AMBIENT, _FROM_ABOVE, _DIRECT = 0.60, 0.10, 0.36
_SHADE = np.float32(0.55)
_LIGHT_SLOPE = 1.5
"""Tangent of the light's height: shadows are shorter than things are high."""
_NEAR_M = 0.05
_Numbers = tuple[float, ...]
_CLUTTER = (0.52, 0.52, 0.52)
_HAZE_PER_M = {"room": 0.012, "street": 0.014}
_FOG = np.array([0.80, 0.82, 0.85], dtype=np.float32)


def light_direction(azimuth: float) -> Floats:
    """Unit vector towards the light."""
    towards = np.array([math.cos(azimuth), math.sin(azimuth), _LIGHT_SLOPE])
    unit: Floats = towards / np.linalg.norm(towards)
    return unit


def render(scene: Scene, time: float, lens: Lens, samples: int = 2) -> NDArray[np.uint8]:
    """The picture at `time`, (height, width, 3) RGB, each pixel the mean of samples² rays."""
    eye = scene.camera.eye([time])
    view = View(lens, samples, eye.positions[0], eye.axes[0])
    poses = np.stack([solid.motion.poses([time])[0] for solid in scene.solids])
    light = light_direction(scene.light)
    picture = _empty(
        scene.place, lens, samples, tuple(view.position.tolist()), tuple(view.axes.ravel().tolist())
    ).copy()
    for solid, pose in zip(scene.solids, poses, strict=True):
        _cast_shadow(solid, pose, light, view, picture)
    for solid, pose in zip(scene.solids, poses, strict=True):
        meeting = meet(solid, pose, view)
        if meeting is not None:
            _paint(solid, meeting, light, view, picture)
    _add_haze(scene, view, picture)
    colour = picture.colour
    parts = [colour[:, i::samples, j::samples] for i in range(samples) for j in range(samples)]
    total: NDArray[np.float32] = parts[0].copy()
    for part in parts[1:]:
        total += part
    levels = np.rint(np.clip(total * np.float32(255.0 / len(parts)), 0.0, 255.0)).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


@lru_cache(maxsize=1)
def _empty(place: Room | Street, lens: Lens, samples: int, position: _Numbers, axes: _Numbers) -> Backdrop:
    """The empty place; drawn once for all frames of a camera that stands still."""
    return backdrop(place, View(lens, samples, np.array(position), np.array(axes).reshape(3, 3)))


def _paint(solid: Solid, meeting: Meeting, light: Floats, view: View, picture: Backdrop) -> None:
    window = (meeting.rows, meeting.columns)
    nearer = meeting.depth < picture.depth[window]
    reach = meeting.depth[nearer]
    lines = meeting.frame @ view.axes.T
    row, column = np.nonzero(nearer)
    x, y = view.rays[0][meeting.columns][column], view.rays[1][meeting.rows][row]
    on: list[Floats] = [
        origin + reach * (line[0] * x + line[1] * y + line[2])
        for origin, line in zip(meeting.origin, lines, strict=True)
    ]
    lit = _lit(solid, meeting, (on[0], on[1], on[2]), light)
    paint = np.array(_CLUTTER if solid.colour is None else COLOURS[solid.colour])
    for plane, part in zip(picture.colour, paint, strict=True):
        plane[window][nearer] = (part * lit).astype(np.float32)
    picture.depth[window][nearer] = reach


def _lit(solid: Solid, meeting: Meeting, point: Triple, light: Floats) -> Floats:
    """How bright the surface is at its points (unit frame)."""
    flat = faces(solid.shape)
    if flat is None:
        normals = normal(solid.shape, point)
        x, y, z = (
            line[0] * normals[0] + line[1] * normals[1] + line[2] * normals[2] for line in meeting.frame.T
        )
        return _brightness(x, y, z, light)
    bright: Floats = np.zeros_like(point[0])
    best: Floats = np.full_like(point[0], -np.inf)
    for a, b, c, d in flat:
        face = np.array([a, b, c])
        if face @ meeting.origin <= d:
            continue  # turned away from the camera
        above = a * point[0] + b * point[1] + c * point[2] - d
        x, y, z = face @ meeting.frame
        bright = np.where(above > best, _brightness(x, y, z, light), bright)
        best = np.maximum(above, best)
    return bright


def _brightness(x: Floats, y: Floats, z: Floats, light: Floats) -> Floats:
    length = np.sqrt(x * x + y * y + z * z)
    towards = (light[0] * x + light[1] * y + light[2] * z) / length
    bright: Floats = _AMBIENT + _FROM_ABOVE * z / length + _DIRECT * np.maximum(towards, 0.0)
    return bright


def _cast_shadow(solid: Solid, pose: Floats, light: Floats, view: View, behind: Backdrop) -> None:
    """Darkens the floor where a solid stands between it and the light."""
    x, y, yaw = (float(value) for value in pose)
    tip = np.array([x, y]) - light[:2] / light[2] * solid.size[2]
    low = np.minimum([x, y], tip) - solid.footprint
    high = np.maximum([x, y], tip) + solid.footprint
    bounds = _floor_bounds(low, high, view)
    if bounds is None:
        return
    rows, columns = view.window(bounds)
    reach = behind.depth[rows, columns]
    across, along, _ = view.directions(view.axes.T, rows, columns)
    with np.errstate(invalid="ignore"):  # the sky is at no place
        x_there = view.position[0] + reach * across
        y_there = view.position[1] + reach * along
    near = (x_there > low[0]) & (x_there < high[0]) & (y_there > low[1]) & (y_there < high[1])
    row, column = np.nonzero(near & behind.floor[rows, columns])
    frame = unit_frame(solid, yaw)
    origin: Triple = _mapped(frame, x_there[row, column] - x, y_there[row, column] - y, -solid.size[2] / 2.0)
    towards = frame @ light
    ray: Triple = (np.asarray(towards[0]), np.asarray(towards[1]), np.asarray(towards[2]))
    dark = np.isfinite(hit(solid.shape, origin, ray))
    for plane in behind.colour:
        plane[rows, columns][row[dark], column[dark]] *= _SHADE
    behind.floor[rows, columns][row[dark], column[dark]] = False  # darkened once


def _floor_bounds(low: Floats, high: Floats, view: View) -> Floats | None:
    """Bounds in slopes of the part of a rectangle on the floor that lies before the camera; None where none does."""
    ends = np.array(
        [[a, b, 0.0] for a, b in ((low[0], low[1]), (low[0], high[1]), (high[0], high[1]), (high[0], low[1]))]
    )
    placed = (ends - view.position) @ view.axes.T
    points: list[Floats] = []
    for a, b in zip(placed, np.roll(placed, -1, axis=0), strict=True):
        if a[2] >= _NEAR_M:
            points.append(a)
        if (a[2] >= _NEAR_M) != (b[2] >= _NEAR_M):
            points.append(a + (b - a) * ((_NEAR_M - a[2]) / (b[2] - a[2])))
    if not points:
        return None
    return span(np.array(points)[:, :2] / np.array(points)[:, 2:])


def _mapped(frame: Floats, x: Floats, y: Floats, z: float) -> Triple:
    first, second, third = (line[0] * x + line[1] * y + line[2] * z for line in frame)
    return first, second, third


def _add_haze(scene: Scene, view: View, picture: Backdrop) -> None:
    indoors = isinstance(scene.place, Room)
    x, y = (part.astype(np.float32) for part in view.rays)
    rate = np.float32(-_HAZE_PER_M["room" if indoors else "street"])
    far = picture.depth.astype(np.float32) * np.sqrt(1 + (x * x)[None, :] + (y * y)[:, None])
    clear = np.exp(rate * far)
    for channel, fog in enumerate(_FOG if indoors else SKY):
        picture.colour[channel] -= fog
        picture.colour[channel] *= clear
        picture.colour[channel] += fog
