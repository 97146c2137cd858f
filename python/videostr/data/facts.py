"""What is known of a clip: which objects are where at each time, how they are seen, and where the camera stands.

Builders make it from a rendered scene or from a user's annotations; questions and reference graphs are made from it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Space = Literal["world", "camera"]
_DIGITS = 7
"""After the point, in files."""


@dataclass(frozen=True, eq=False)
class Thing:
    """An object through a clip of T frames; NaN where something is not known.

    Attributes:
        id: Its name in references, alike in all frames.
        label: Its category.
        groups: Other names under which it may be counted, such as `coloured ball` or `red object`.
        size: Length, width, height along its own axes; None when unknown.
        places: Centre in the world, (T, 3).
        yaws: Heading about the vertical in radians, (T,).
        boxes: Left, top, right, bottom in pixels, cut at the picture's edge, (T, 4).
        inside: Share of the uncut box that lies in the picture, (T,).
        pixels: How many of its pixels are seen, (T,).
        share: The same as a share of those that would be seen if it stood alone, (T,).
        travelled: Way gone since the first frame, (T,).
    """

    id: str
    label: str
    groups: tuple[str, ...]
    size: tuple[float, float, float] | None
    places: Floats
    yaws: Floats
    boxes: Floats
    inside: Floats
    pixels: Floats
    share: Floats
    travelled: Floats

    @property
    def moves(self) -> bool:
        """Whether it is in motion at any time."""
        return bool(self.travelled[-1] > 0.0)

    def corners(self, frame: int) -> Floats:
        """The 8 corners of its 3-D box at a frame, (8, 3)."""
        assert self.size is not None
        signs = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
        cos, sin = math.cos(self.yaws[frame]), math.sin(self.yaws[frame])
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        corners: Floats = (signs * np.array(self.size)) @ turn.T + self.places[frame]
        return corners

    def box3d(self, frame: int) -> list[float]:
        """Centre, size and yaw at a frame: `[cx, cy, cz, dx, dy, dz, yaw]`."""
        assert self.size is not None
        return [*map(float, self.places[frame]), *self.size, float(self.yaws[frame])]


@dataclass(frozen=True, eq=False)
class Eye:
    """The camera at each of T times.

    Attributes:
        positions: In the world, (T, 3).
        axes: Rows are its x (right), y (down) and z (forward) in world coordinates, (T, 3, 3).
        yaws: Heading about the vertical in radians, without jumps, (T,).
        travelled: Way gone since the first frame, (T,).
    """

    positions: Floats
    axes: Floats
    yaws: Floats
    travelled: Floats

    def to_camera(self, points: Floats, frame: int) -> Floats:
        """World points (..., 3) in camera coordinates of a frame."""
        placed: Floats = (points - self.positions[frame]) @ self.axes[frame].T
        return placed


@dataclass(frozen=True, eq=False)
class Facts:
    """A clip.

    Attributes:
        scene: Its name.
        times: Seconds from the start of the clip, rising, (T,).
        size: Width and height of the picture in pixels; None where boxes are unknown.
        things: The objects.
        eye: The camera; None when unknown.
        scale: The length against which references measure distances.
    """

    scene: str
    times: Floats
    size: tuple[int, int] | None
    things: tuple[Thing, ...]
    eye: Eye | None
    scale: float

    @cached_property
    def label_counts(self) -> Counter[str]:
        """Objects by category."""
        return Counter(thing.label for thing in self.things)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, seven digits after the point, null for NaN. `from_dict` gives the facts back."""
        return {
            "scene": self.scene,
            "times": _plain(self.times),
            "size": None if self.size is None else list(self.size),
            "scale": _plain(self.scale),
            "things": [{name: _plain(value) for name, value in vars(thing).items()} for thing in self.things],
            "eye": None
            if self.eye is None
            else {name: _plain(value) for name, value in vars(self.eye).items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Facts:
        """The facts that `to_dict` wrote."""
        size, eye = values["size"], values["eye"]
        return cls(
            scene=values["scene"],
            times=_array(values["times"]),
            size=None if size is None else (size[0], size[1]),
            things=tuple(_thing(item) for item in values["things"]),
            eye=None if eye is None else Eye(**{name: _array(value) for name, value in eye.items()}),
            scale=values["scale"],
        )


def _thing(values: Mapping[str, Any]) -> Thing:
    plain = {"id", "label"}
    tuples = {"groups", "size"}
    made: dict[str, Any] = {}
    for name, value in values.items():
        if name in plain:
            made[name] = value
        elif name in tuples:
            made[name] = None if value is None else tuple(value)
        else:
            made[name] = _array(value)
    return Thing(**made)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, _DIGITS)
    return value


def _array(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)
