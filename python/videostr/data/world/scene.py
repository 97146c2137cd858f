"""A scene: what stands and moves in a room or on a street, and the camera that sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from videostr.data.world.camera import Camera
from videostr.data.world.motion import Floats, Point
from videostr.data.world.solids import Solid


@dataclass(frozen=True)
class Room:
    """A room about the origin.

    Attributes:
        length, width, height: Along x, y and z.
        tint: Which of the wall paints it has.
    """

    length: float
    width: float
    height: float
    tint: int

    def holds(self, places: Floats, margin: Floats | float) -> bool:
        """Whether places (..., 2) keep `margin` from the walls."""
        half = np.array([self.length, self.width]) / 2.0
        return bool((np.abs(places) <= half - np.asarray(margin)[..., None]).all())


@dataclass(frozen=True)
class Street:
    """A straight street along x, with house fronts on both sides.

    Attributes:
        road: Half the width of the road.
        width: From the middle of the road to the house fronts.
        tint: Which row of houses it has.
    """

    road: float
    width: float
    tint: int

    def holds(self, places: Floats, margin: Floats | float) -> bool:
        """Whether places (..., 2) keep `margin` from the house fronts."""
        return bool((np.abs(places[..., 1]) <= self.width - np.asarray(margin)).all())


@dataclass(frozen=True)
class Scene:
    """The world of one clip: z up, the floor at 0. Clutter comes after the named solids.

    Attributes:
        name: In rows and files.
        place: Where it is.
        solids: What stands and moves in it.
        camera: What sees it.
        light: Azimuth of the light in radians.
    """

    name: str
    place: Room | Street
    solids: tuple[Solid, ...]
    camera: Camera
    light: float

    @property
    def named(self) -> tuple[Solid, ...]:
        """The solids that references name."""
        return tuple(solid for solid in self.solids if solid.colour is not None)

    def seen_from(self, angle: float, about: Point) -> Scene:
        """The same scene with its camera turned about a point on the floor."""
        return replace(self, camera=replace(self.camera, motion=self.camera.motion.turned(angle, about)))

    def rolled(self, roll: float) -> Scene:
        """The same scene with its camera rolled further."""
        return replace(self, camera=replace(self.camera, roll=self.camera.roll + roll))
