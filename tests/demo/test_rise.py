"""How a rise is measured: against the noise of the groups, first quarter to last."""

from __future__ import annotations

import math

import numpy as np
import pytest

from videostr.demo.claims import Step
from videostr.demo.rise import Rise, rise_table, rises


def _steps(count: int, slope: float, noise: float = 0.1, seed: int = 0) -> list[Step]:
    rng = np.random.default_rng(seed)
    steps = []
    for number in range(count):
        level = slope * number / count
        groups = [
            [{"answer": level + shift, "node": 2 * level + shift, "edge": 0.0} for _ in range(8)]
            for shift in rng.normal(0.0, noise, 4)
        ]
        steps.append(Step(number + 1, groups, 1.0, 1.0))
    return steps


def test_a_rise_is_that_between_quarters() -> None:
    found = rises(_steps(40, 0.5))
    assert found["answer"].last - found["answer"].first == pytest.approx(0.5 * 0.75, abs=0.05)
    assert found["graph"].last - found["graph"].first == pytest.approx(0.5 * 0.75, abs=0.05)  # 2 x level / 2
    assert min(rise.errors for rise in found.values()) > 3


def test_its_error_is_that_of_groups_of_their_own() -> None:
    """Over many runs without a rise the difference varies as much as it is said to."""
    found = [rises(_steps(40, 0.0, seed=seed))["answer"] for seed in range(400)]
    varies = np.std([rise.last - rise.first for rise in found])
    assert np.mean([rise.error for rise in found]) == pytest.approx(varies, rel=0.15)
    assert sum(rise.errors >= 3 for rise in found) <= 4


def test_a_fall_is_negative() -> None:
    assert max(rise.errors for rise in rises(_steps(40, -0.5)).values()) < -3


def test_values_without_noise() -> None:
    assert Rise(0.5, 0.5, 0.0).errors == 0.0
    assert Rise(0.5, 0.6, 0.0).errors == math.inf


def test_the_table_has_a_line_each() -> None:
    lines = rise_table(rises(_steps(8, 0.5))).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["answer", "graph"]


def test_too_few_steps_have_no_quarters() -> None:
    with pytest.raises(ValueError, match="7 steps have no quarters"):
        rises(_steps(7, 0.1))
