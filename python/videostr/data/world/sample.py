"""Random scenes by a config: nothing touches, nothing leaves its place, the camera keeps clear."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from videostr.data.world.camera import Camera
from videostr.data.world.config import WorldConfig
from videostr.data.world.motion import Floats, Leg, Motion, Point
from videostr.data.world.scene import Room, Scene, Street
from videostr.data.world.solids import SHAPES, Shape, Solid

_TRIES = 60
_STEPS = 4
"""Moments checked per frame."""
_GAP_M, _CAMERA_GAP_M, _WALL_GAP_M = 0.15, 0.8, 0.6


class NoRoomError(Exception):
    """A draw in which something found no place; another draw may do."""


def draw_scene(config: WorldConfig, rng: np.random.Generator, name: str) -> Scene:
    """A random scene. Raises NoRoomError where this draw finds no place for something."""
    maker = _Maker(config, rng)
    return maker.scene(name)


@dataclass
class _Put:
    """A solid that has its place, at all checked moments."""

    solid: Solid
    places: Floats


class _Maker:
    def __init__(self, config: WorldConfig, rng: np.random.Generator) -> None:
        self._config = config
        self._rng = rng
        steps = (config.frames - 1) * _STEPS
        self._moments = np.arange(steps + 1) / (config.fps * _STEPS)
        self._length = config.times[-1]
        self._street = config.places[self._pick(len(config.places))] == "street"
        self._factor = config.street_factor if self._street else 1.0

    def scene(self, name: str) -> Scene:
        place = self._place()
        camera = self._camera(place)
        eye = camera.eye(self._moments)
        put: list[_Put] = []
        config = self._config
        moving = float(self._rng.uniform(*config.moving_share))
        count = int(self._rng.integers(config.objects[0], config.objects[1] + 1))
        grey = int(self._rng.integers(config.clutter[0], config.clutter[1] + 1))
        kinds = self._kinds(count)
        for index in range(count + grey):
            kind = kinds[index] if index < count else None
            moves = kind is not None and self._rng.random() < moving
            for _ in range(_TRIES):
                solid = self._solid(kind, moves, eye.positions, eye.yaws, put)
                places = solid.motion.poses(self._moments)[:, :2]
                if self._fits(solid, places, place, eye.positions[:, :2], put):
                    put.append(_Put(solid, places))
                    break
            else:
                raise NoRoomError
        return Scene(
            name,
            place,
            tuple(item.solid for item in put),
            camera,
            float(self._rng.uniform(0.0, 2.0 * math.pi)),
        )

    def _pick(self, count: int) -> int:
        return int(self._rng.integers(count))

    def _sign(self) -> float:
        return 1.0 if self._rng.random() < 0.5 else -1.0

    def _place(self) -> Room | Street:
        tint = self._pick(3)
        if self._street:
            road = float(self._rng.uniform(3.5, 5.0))
            return Street(road, road + float(self._rng.uniform(2.5, 4.0)), tint)
        length, width = (float(value) for value in self._rng.uniform(8.0, 13.0, size=2))
        return Room(length, width, float(self._rng.uniform(2.8, 3.6)), tint)

    def _camera(self, place: Room | Street) -> Camera:
        kind = self._config.cameras[self._pick(len(self._config.cameras))]
        pitch = math.radians(self._rng.uniform(5.0, 12.0) if self._street else self._rng.uniform(8.0, 20.0))
        height = float(self._rng.uniform(1.4, 2.2)) * (1.2 if self._street else 1.0)
        for _ in range(_TRIES):
            motion, look = self._camera_motion(kind, place)
            if place.holds(motion.poses(self._moments)[:, :2], _WALL_GAP_M):
                return Camera(motion, look, height, pitch)
        raise NoRoomError

    def _camera_motion(self, kind: str, place: Room | Street) -> tuple[Motion, float]:
        """A way for the camera, and the angle from its heading to where it looks."""
        rng, config, length = self._rng, self._config, self._length
        start, ahead = self._stand(place)
        turn = math.radians(rng.uniform(*config.camera_turn)) * self._sign() / length
        if kind == "still":
            return Motion(start, ahead), 0.0
        if kind == "pan":
            return Motion(start, ahead - turn * length / 2.0, (Leg(length, 0.0, turn),)), 0.0
        if kind == "orbit":
            radius = float(rng.uniform(2.0, 4.0)) * self._factor
            side = math.copysign(
                math.pi / 2.0, turn
            )  # the middle lies to the left when it goes counter-clockwise
            return Motion(start, ahead - side, (Leg(length, abs(turn) * radius, turn),)), side
        speed = float(rng.uniform(*config.camera_speed)) * self._factor**2
        straight = float(rng.uniform(0.3, 0.7)) * length
        bend = (
            math.radians(rng.uniform(5.0, 15.0 if self._street else 45.0))
            * self._sign()
            / (length - straight)
        )
        return Motion(start, ahead, (Leg(straight, speed), Leg(length - straight, speed, bend))), 0.0

    def _stand(self, place: Room | Street) -> tuple[Point, float]:
        """A place for the camera and the way to the middle."""
        rng = self._rng
        if isinstance(place, Street):
            ahead = (0.0 if rng.random() < 0.5 else math.pi) + math.radians(rng.uniform(-20.0, 20.0))
            return (0.0, float(rng.uniform(-1.0, 1.0)) * (place.width - 1.5)), ahead
        angle = float(rng.uniform(0.0, 2.0 * math.pi))
        x = math.cos(angle) * (place.length / 2.0 - _WALL_GAP_M) * float(rng.uniform(0.6, 1.0))
        y = math.sin(angle) * (place.width / 2.0 - _WALL_GAP_M) * float(rng.uniform(0.6, 1.0))
        return (x, y), math.atan2(-y, -x) + math.radians(rng.uniform(-15.0, 15.0))

    def _kinds(self, count: int) -> list[tuple[str, str]]:
        """Colour and shape of each named object; some repeat an earlier one."""
        known = [(colour, shape) for colour in self._config.colours for shape in self._config.shapes]
        fresh = [known[int(place)] for place in self._rng.permutation(len(known))]
        kinds: list[tuple[str, str]] = []
        for _ in range(count):
            if len(kinds) > 1 and (not fresh or self._rng.random() < self._config.repeats):
                kinds.append(kinds[self._pick(len(kinds))])
            else:
                kinds.append(fresh.pop())
        return kinds

    def _solid(
        self, kind: tuple[str, str] | None, moves: bool, positions: Floats, yaws: Floats, put: list[_Put]
    ) -> Solid:
        """A solid with a way, somewhere in the camera's view at some moment."""
        rng = self._rng
        low, high = (value * self._factor for value in self._config.object_size)
        length, width, height = (float(value) for value in rng.uniform(low, high, size=3))
        colour, name = kind or (None, ("box", "cylinder")[self._pick(2)])
        shape: Shape = next(shape for shape in SHAPES if shape == name)
        if shape != "box":
            width = length
        if shape == "ball":
            height = length
        moment = self._pick(len(self._moments))
        motion = self._motion() if moves else Motion((0.0, 0.0), float(rng.uniform(-math.pi, math.pi)))
        size = (length, width, height)
        if moves and put and rng.random() < 1.0 / 3.0 and "passing" in self._config.motions:
            other = put[self._pick(len(put))]
            place, motion = self._behind(size, other, positions[moment], moment)
        else:
            distance = float(rng.uniform(*self._config.depth)) * self._factor
            bearing = float(yaws[moment]) + math.radians(
                rng.uniform(-0.45, 0.45) * self._config.field_of_view
            )
            place = (
                float(positions[moment, 0]) + distance * math.cos(bearing),
                float(positions[moment, 1]) + distance * math.sin(bearing),
            )
        return Solid(shape, colour, size, motion.through(place, float(self._moments[moment])))

    def _motion(self) -> Motion:
        rng, length = self._rng, self._length
        kinds = [kind for kind in self._config.motions if kind != "passing"] or ["straight"]
        kind = kinds[self._pick(len(kinds))]
        speed = float(rng.uniform(*self._config.object_speed)) * self._factor**2
        heading = float(rng.uniform(-math.pi, math.pi))
        if self._street and rng.random() < 0.7:  # most of the traffic keeps to the street
            heading = (0.0 if rng.random() < 0.5 else math.pi) + math.radians(rng.uniform(-8.0, 8.0))
        first = float(rng.uniform(0.25, 0.6)) * length
        if kind == "turning":
            bend = float(rng.uniform(0.2, 0.35)) * length
            turn = math.radians(rng.uniform(50.0, 130.0)) * self._sign() / bend
            legs: tuple[Leg, ...] = (
                Leg(first, speed),
                Leg(bend, speed, turn),
                Leg(length - first - bend, speed),
            )
        elif kind == "stopping":
            legs = (Leg(first, speed),)
            if rng.random() < 0.4:  # and goes on
                rest = float(rng.uniform(0.2, 0.35)) * length
                legs = (*legs, Leg(rest, 0.0), Leg(length - first - rest, speed))
        else:
            legs = (Leg(length, speed),)
        return Motion((0.0, 0.0), heading, legs)

    def _behind(
        self, size: tuple[float, float, float], other: _Put, camera: Floats, moment: int
    ) -> tuple[Point, Motion]:
        """A way straight across the view, behind another object at that moment."""
        rng = self._rng
        towards = other.places[moment] - camera[:2]
        bearing = math.atan2(towards[1], towards[0])
        gap = (
            math.hypot(size[0], size[1]) / 2.0
            + other.solid.footprint
            + float(rng.uniform(0.2, 1.0)) * self._factor
        )
        across = bearing + self._sign() * math.pi / 2.0 + math.radians(rng.uniform(-25.0, 25.0))
        speed = float(rng.uniform(*self._config.object_speed)) * self._factor**2
        place = (
            float(other.places[moment, 0]) + gap * math.cos(bearing),
            float(other.places[moment, 1]) + gap * math.sin(bearing),
        )
        return place, Motion((0.0, 0.0), across, (Leg(self._length, speed),))

    def _fits(
        self, solid: Solid, places: Floats, place: Room | Street, camera: Floats, put: list[_Put]
    ) -> bool:
        if not place.holds(places, solid.footprint + 0.05):
            return False
        if np.linalg.norm(places - camera, axis=1).min() < solid.footprint + _CAMERA_GAP_M:
            return False
        return all(
            np.linalg.norm(places - item.places, axis=1).min()
            >= solid.footprint + item.solid.footprint + _GAP_M
            for item in put
        )
