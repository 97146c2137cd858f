"""Rooms and streets as pictures: depth, colour and which samples show the floor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from videostr.data.world.cast import View
from videostr.data.world.scene import Room, Street
from videostr.data.world.solids import Floats

_Colours = NDArray[np.float32]
_Index = NDArray[np.uint8]
SKY = np.array([0.70, 0.80, 0.92], dtype=np.float32)
_WALLS = np.array(
    [
        [[0.86, 0.82, 0.74], [0.80, 0.77, 0.70], [0.83, 0.84, 0.80], [0.76, 0.79, 0.77]],
        [[0.77, 0.82, 0.86], [0.71, 0.76, 0.80], [0.84, 0.83, 0.86], [0.76, 0.75, 0.80]],
        [[0.86, 0.80, 0.80], [0.80, 0.74, 0.74], [0.82, 0.86, 0.80], [0.75, 0.80, 0.74]],
    ],
    dtype=np.float32,
)
_FLOORS = np.array(
    [
        [[0.56, 0.50, 0.44], [0.62, 0.56, 0.50]],
        [[0.52, 0.53, 0.55], [0.59, 0.60, 0.62]],
        [[0.50, 0.46, 0.42], [0.57, 0.53, 0.48]],
    ],
    dtype=np.float32,
)
_CEILING = np.array([0.93, 0.93, 0.92], dtype=np.float32)
_SKIRTING_M = 0.12
_FRONTS = np.array(
    [[0.66, 0.48, 0.40], [0.72, 0.68, 0.58], [0.58, 0.60, 0.64], [0.70, 0.58, 0.48], [0.62, 0.66, 0.58]],
    dtype=np.float32,
)
_GLASS = np.array([0.30, 0.36, 0.44], dtype=np.float32)
_ROAD = np.array([0.30, 0.30, 0.32], dtype=np.float32)
_PAINT = np.array([0.88, 0.88, 0.84], dtype=np.float32)
_PAVEMENT = np.array([[0.56, 0.55, 0.53], [0.62, 0.61, 0.59]], dtype=np.float32)
_HOUSE_M, _STOREY_M, _DASH_M = 9.0, 3.2, 6.0


@dataclass(frozen=True)
class Backdrop:
    """Depth along the camera's z (inf in the sky), colour (3, rows, columns), whether it is floor."""

    depth: Floats
    colour: _Colours
    floor: NDArray[np.bool_]

    def copy(self) -> Backdrop:
        """One to draw on."""
        return Backdrop(self.depth.copy(), self.colour.copy(), self.floor.copy())


_BAND = 64
"""Rows worked on at a time, so that a band's arrays stay in the processor's cache."""


def backdrop(place: Room | Street, view: View) -> Backdrop:
    """The empty place in a view. Colours need no more than float32, which halves the time."""
    height, width = view.shape
    whole = Backdrop(
        np.empty((height, width)),
        np.empty((3, height, width), dtype=np.float32),
        np.empty((height, width), dtype=np.bool_),
    )
    ox, oy, oz = (np.float32(value) for value in view.position)
    # A ray's direction is a sum of what its column and its row give.
    across, down = (
        [
            (view.axes[part, axis] * slope + (0.0, view.axes[2, axis])[part]).astype(np.float32)
            for axis in range(3)
        ]
        for part, slope in enumerate(view.rays)
    )
    for first in range(0, height, _BAND):
        rows = slice(first, min(first + _BAND, height))
        x, y, z = (across[axis][None, :] + down[axis][rows][:, None] for axis in range(3))
        with np.errstate(divide="ignore", invalid="ignore"):
            depth, paints, index, floor = (
                _room(place, (ox, oy, oz), (x, y, z))
                if isinstance(place, Room)
                else _street(place, (ox, oy, oz), (x, y, z))
            )
        whole.depth[rows], whole.floor[rows] = depth, floor
        for channel, plane in enumerate(whole.colour):
            np.take(paints[:, channel], index, out=plane[rows])
    return whole


_Band = tuple[_Colours, _Colours, _Index, NDArray[np.bool_]]
"""Depth, paints, which paint, whether it is floor."""
_Origin = tuple[np.float32, np.float32, np.float32]
_Ray = tuple[_Colours, _Colours, _Colours]


def _odd(values: _Colours) -> _Index:
    """Whether the floor of each value is odd."""
    odd: _Index = (np.floor(values).astype(np.int32) & 1).astype(np.uint8)
    return odd


def _part(values: _Colours) -> _Colours:
    """What is left of each value above its floor; many times faster than `%`."""
    part: _Colours = values - np.floor(values)
    return part


def _room(room: Room, origin: _Origin, ray: _Ray) -> _Band:
    (ox, oy, oz), (dx, dy, dz) = origin, ray
    x = (np.copysign(np.float32(room.length / 2.0), dx) - ox) / dx
    y = (np.copysign(np.float32(room.width / 2.0), dy) - oy) / dy
    z = np.where(dz > 0.0, np.float32(room.height) - oz, -oz) / dz
    depth = np.minimum(np.minimum(x, y), z)
    flat = depth == z
    floor = flat & (dz < 0.0)
    ends = depth == x
    along = np.where(ends, oy + depth * dy, ox + depth * dx)
    # Panels a metre wide and a skirting board give the walls a measure.
    index = np.where(ends, dx > 0.0, np.uint8(2) + (dy > 0.0)).astype(np.uint8) * np.uint8(4)
    index += _odd(along)
    index += np.uint8(2) * ((oz + depth * dz) < np.float32(_SKIRTING_M))
    index[flat] = 16
    reach = depth[floor]
    index[floor] = 17 + (_odd(ox + reach * dx[floor]) ^ _odd(oy + reach * dy[floor]))
    return depth, _room_paints(room.tint), index, floor


def _room_paints(tint: int) -> _Colours:
    walls = _WALLS[tint % len(_WALLS)]
    paints = [
        wall * np.float32(panel * skirting)
        for wall in walls
        for skirting in (1.0, 0.6)
        for panel in (1.0, 0.96)
    ]
    return np.stack([*paints, _CEILING, *_FLOORS[tint % len(_FLOORS)]])


def _street(street: Street, origin: _Origin, ray: _Ray) -> _Band:
    (ox, oy, oz), (dx, dy, dz) = origin, ray
    ground = np.where(dz < 0.0, -oz / dz, np.float32(np.inf))
    front = (np.copysign(np.float32(street.width), dy) - oy) / dy
    front[~(front > 0.0)] = np.inf
    floor = ground < front
    beside = ~floor
    depth = np.where(floor, ground, front)
    index = np.empty(depth.shape, dtype=np.uint8)

    reach = ground[floor]
    x, y = ox + reach * dx[floor], np.abs(oy + reach * dy[floor])
    on = np.uint8(_FLOOR_PAINTS) + (_odd(x) ^ _odd(y))
    road = y < street.road
    on[road] = _FLOOR_PAINTS + 2
    dash = (y < 0.08) & (_part(x / np.float32(_DASH_M)) < 0.5)
    on[dash | (road & (np.abs(y - street.road + 0.2) < 0.07))] = _FLOOR_PAINTS + 3
    on[np.abs(y - street.road - 0.1) < 0.1] = _FLOOR_PAINTS + 4
    index[floor] = on

    reach = front[beside]
    x, z = ox + reach * dx[beside], oz + reach * dz[beside]
    built = np.isfinite(reach)
    x, z = np.where(built, x, np.float32(0.0)), np.where(built, z, np.float32(1e6))
    house = x / np.float32(_HOUSE_M)
    number = (np.floor(house).astype(np.int32) * 2 + (dy[beside] > 0.0)) & (_HOUSES - 1)
    kinds, heights = _houses(street.tint)
    across, up = _part(x / np.float32(3.0)), _part(z / np.float32(_STOREY_M))
    glass = (np.abs(across - 0.5) < 0.2) & (np.abs(up - 0.52) < 0.22)
    on = kinds[number] * np.uint8(3) + glass
    on[_part(house) < 0.02] += np.uint8(2)
    built &= z < heights[number]
    on[~built] = _SKY_PAINT
    index[beside] = on
    depth[beside] = np.where(built, reach, np.float32(np.inf))
    return depth, _STREET_PAINTS, index, floor


_HOUSES = 64
"""After so many, counted on both sides, the row begins anew."""


@lru_cache(maxsize=16)
def _houses(tint: int) -> tuple[_Index, _Colours]:
    """Kind of paint and height by number."""
    rng = np.random.default_rng(tint)
    kinds: _Index = (2 * rng.integers(len(_FRONTS), size=_HOUSES) + np.arange(_HOUSES) % 2).astype(np.uint8)
    heights: _Colours = (_STOREY_M * rng.integers(2, 5, size=_HOUSES)).astype(np.float32)
    return kinds, heights


def _street_paints() -> _Colours:
    """Of each front its wall, its windows and its seam, on the darker side and the brighter; ground; sky."""
    paints: list[_Colours] = []
    for front in _FRONTS:
        for light in (np.float32(0.9), np.float32(1.0)):
            paints += [front * light, _GLASS * light, front * light * np.float32(0.7)]
    return np.stack([*paints, *_PAVEMENT, _ROAD, _PAINT, _PAVEMENT[1] * np.float32(1.15), SKY])


_FLOOR_PAINTS = 6 * len(_FRONTS)
_SKY_PAINT = _FLOOR_PAINTS + 5
_STREET_PAINTS = _street_paints()
