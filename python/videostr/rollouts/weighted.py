"""What each component adds to `total`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from videostr.report import COMPONENTS
from videostr.spec import RewardSpec

#: Components that `total` weighs, in the order of the sum.
WEIGHTED = ("format", "answer", "node", "edge", "chirality", "motion", "length")
GATED = ("node", "edge", "chirality", "motion")
#: The gate `answer` opens over this.
GATE_ANSWER = 0.1


def weighted_parts(
    spec: RewardSpec, components: npt.NDArray[np.float64]
) -> dict[str, npt.NDArray[np.float64]]:
    """What each component adds to the total of each of B replies, 0 where it is undefined or its gate is shut.

    Args:
        components: float64 (B, 13), as in a `BatchReport`.

    Returns:
        float64 (B,) by name; their sum is the total but for the last bits.
    """

    def column(name: str) -> npt.NDArray[np.float64]:
        return components[:, COMPONENTS.index(name)]

    weighted = {name: np.nan_to_num(spec.weights[name] * column(name)) for name in WEIGHTED}
    if spec.gate == "answer":
        shut = column("answer") <= GATE_ANSWER  # an undefined answer opens the gate: NaN compares false
    elif spec.gate == "format":
        shut = column("format") != 1
    else:
        return weighted
    return {name: np.where(shut, 0.0, value) if name in GATED else value for name, value in weighted.items()}
