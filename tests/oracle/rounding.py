"""Comparisons after rounding to 1e-9 (scoring.md section 3.1): exact on integers, stable under noise."""

from __future__ import annotations

import numpy as np


def steps(value: np.ndarray | float, unit: float = 1.0) -> np.ndarray:
    """How many steps of 1e-9·unit the value has, as whole numbers."""
    return np.rint(np.asarray(value) / unit * 1e9)
