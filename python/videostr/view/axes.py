"""How a space is looked at: its right, away and up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def axes_of(space: str, up: Sequence[float] | None) -> tuple[Floats, tuple[str, str, str]]:
    """Unit vectors to the right, away and up, float64 (3, 3) row by row, and their names.

    Where `up` is not given it is z in the world and against y for a camera (x right, y down, z forward).

    >>> axes_of("camera", None)[1]
    ('x', 'z', '-y')
    """
    above = np.array(up if up is not None else ([0, -1, 0] if space == "camera" else [0, 0, 1]), dtype=float)
    above /= np.linalg.norm(above)
    right = np.array([0.0, 1.0, 0.0] if abs(above[0]) > 0.9 else [1.0, 0.0, 0.0])
    right -= (right @ above) * above
    right /= np.linalg.norm(right)
    rows = np.stack([right, np.cross(above, right), above])
    first, second, third = (
        _name(row, other) for row, other in zip(rows, ("right", "away", "up"), strict=True)
    )
    return rows, (first, second, third)


def _name(row: Floats, otherwise: str) -> str:
    axis = int(np.abs(row).argmax())
    if abs(row[axis]) < 1 - 1e-9:
        return otherwise
    return ("-" if row[axis] < 0 else "") + "xyz"[axis]
