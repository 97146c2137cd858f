"""What each sample of a picture meets first: rays cast at each solid inside the box of its outline alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from videostr.data.world.camera import Lens
from videostr.data.world.solids import MISS, Floats, Solid, Triple, hit, outline, unit_frame


@dataclass(frozen=True)
class View:
    """One picture's samples.

    Attributes:
        lens: Of the camera.
        samples: Per pixel side.
        position: Of the camera in the world, (3,).
        axes: Rows are the camera's x, y and z in the world, (3, 3).
    """

    lens: Lens
    samples: int
    position: Floats
    axes: Floats

    @cached_property
    def rays(self) -> tuple[Floats, Floats]:
        """x (W,) and y (H,) of the camera directions (x, y, 1)."""
        return self.lens.rays(self.samples)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of samples."""
        return self.lens.height * self.samples, self.lens.width * self.samples

    def directions(self, to: Floats, rows: slice, columns: slice) -> Triple:
        """Ray directions in a window after the map `to` (3, 3) of camera directions."""
        x, y = self.rays[0][columns][None, :], self.rays[1][rows][:, None]
        first, second, third = ((line[0] * x + line[2]) + line[1] * y for line in to)
        return first, second, third

    def window(self, bounds: Floats | None) -> tuple[slice, slice]:
        """Rows and columns of the samples inside `[x0, y0, x1, y1]` (slopes); all of them for None."""
        height, width = self.shape
        if bounds is None:
            return slice(0, height), slice(0, width)
        (left, top), (right, bottom) = (self.lens.pixels(bounds.reshape(2, 2)) * self.samples).tolist()
        return _samples(top, bottom, height), _samples(left, right, width)


def _samples(first: float, last: float, count: int) -> slice:
    """Those from `first` to `last`, and one more on each side, of `count`."""
    return slice(int(max(first - 1.0, 0.0)), int(max(min(last + 2.0, count), 0.0)))


@dataclass(frozen=True)
class Meeting:
    """A solid in a view.

    Attributes:
        rows, columns: The window that holds all of it.
        depth: Along the ray (x, y, 1) in the window, so along the camera's z; inf beside the solid.
        frame: (3, 3), world directions to the solid's unit frame.
        origin: The camera in the unit frame, (3,).
        bounds: Exact slopes of its outline; None when a part of it is not in front of the camera.
    """

    rows: slice
    columns: slice
    depth: Floats
    frame: Floats
    origin: Floats
    bounds: Floats | None


def meet(solid: Solid, pose: Floats, view: View) -> Meeting | None:
    """Where the view's rays meet a solid that stands at a pose (x, y, heading); None if it is out of the picture."""
    x, y, yaw = (float(value) for value in pose)
    centre = np.array([x, y, solid.size[2] / 2.0])
    frame = unit_frame(solid, yaw)
    placed = view.axes @ (centre - view.position)
    if placed[2] < -np.linalg.norm(solid.size) / 2.0:
        return None
    half = np.array(solid.size) / 2.0
    bounds = outline(solid.shape, (view.axes @ frame.T) * (half * half), placed)
    rows, columns = view.window(bounds)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    origin = frame @ (view.position - centre)
    ox, oy, oz = (np.asarray(value) for value in origin)
    ray = view.directions(frame @ view.axes.T, rows, columns)
    return Meeting(rows, columns, hit(solid.shape, (ox, oy, oz), ray), frame, origin, bounds)


@dataclass(frozen=True)
class Count:
    """Samples of N solids in a view: seen, and that would be if each stood alone; and their outlines.

    Attributes:
        seen, alone: (N,)
        bounds: `[x0, y0, x1, y1]` slopes, (N, 4); NaN for a solid that is not wholly in front.
    """

    seen: Floats
    alone: Floats
    bounds: Floats


def count(solids: Sequence[Solid], poses: Floats, view: View) -> Count:
    """How much of each solid is seen; poses: (N, 3)."""
    nearest = np.full(view.shape, MISS)
    owner = np.full(view.shape, -1, dtype=np.int16)
    alone, bounds = np.zeros(len(solids)), np.full((len(solids), 4), np.nan)
    for index, (solid, pose) in enumerate(zip(solids, poses, strict=True)):
        meeting = meet(solid, pose, view)
        if meeting is None:
            continue
        if meeting.bounds is not None:
            bounds[index] = meeting.bounds
        alone[index] = np.isfinite(meeting.depth).sum()
        window = (meeting.rows, meeting.columns)
        nearer = meeting.depth < nearest[window]
        nearest[window] = np.where(nearer, meeting.depth, nearest[window])
        owner[window] = np.where(nearer, np.int16(index), owner[window])
    seen = np.bincount(owner.ravel() + 1, minlength=len(solids) + 1)[1:]
    return Count(seen.astype(np.float64), alone, bounds)
