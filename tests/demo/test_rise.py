"""How a rise is measured: each prompt against itself, first quarter to last."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from videostr.demo.claims import Step
from videostr.demo.rise import Rise, broken_rises, rise_table, rises


def _steps(count: int, slope: float, noise: float = 0.1, hardness: float = 0.0, seed: int = 0) -> list[Step]:
    """Each quarter sees the same prompts, four a step; some are harder than others, and every group has its noise."""
    rng = np.random.default_rng(seed)
    quarter = count // 4
    hard = rng.normal(0.0, hardness, 4 * quarter)
    steps = []
    for number in range(count):
        level = slope * number / count
        rows = [4 * (number % quarter) + place for place in range(4)]
        shifts = hard[rows] + rng.normal(0.0, noise, 4)
        groups = [
            [{"answer": level + shift, "graph": level / 2 + shift} for _ in range(8)] for shift in shifts
        ]
        steps.append(Step(number + 1, rows, groups, 1.0, 1.0))
    return steps


def test_a_rise_is_that_between_quarters() -> None:
    found = rises(_steps(40, 0.5))
    assert found["answer"].last - found["answer"].first == pytest.approx(0.5 * 0.75, abs=0.05)
    assert found["graph"].last - found["graph"].first == pytest.approx(0.25 * 0.75, abs=0.05)
    assert min(rise.errors for rise in found.values()) > 3


@pytest.mark.parametrize("hardness", [0.0, 1.0])
def test_its_error_is_what_it_varies_by(hardness: float) -> None:
    """Over many runs without a rise, and however much prompts differ."""
    found = [rises(_steps(40, 0.0, hardness=hardness, seed=seed))["answer"] for seed in range(400)]
    varies = np.std([rise.last - rise.first for rise in found])
    assert np.mean([rise.error for rise in found]) == pytest.approx(varies, rel=0.15)
    assert sum(rise.errors >= 3 for rise in found) <= 4


def test_a_fall_is_negative() -> None:
    assert max(rise.errors for rise in rises(_steps(40, -0.5)).values()) < -3


def test_what_does_not_rise_enough_is_said() -> None:
    assert broken_rises(rises(_steps(40, 0.5))) == []
    found = {"answer": Rise(96, 0.25, 0.5, 0.05), "graph": Rise(96, 0.25, 0.3, 0.02)}
    (said,) = broken_rises(found)
    assert said == (
        "graph goes from 0.250 in the first quarter of the steps to 0.300 in the last, "
        "2.5 standard errors; 3 were claimed"
    )


def test_values_without_noise() -> None:
    assert Rise(8, 0.5, 0.5, 0.0).errors == 0.0
    assert Rise(8, 0.5, 0.6, 0.0).errors == math.inf


def test_the_table_has_a_line_each() -> None:
    lines = rise_table(rises(_steps(8, 0.5))).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["answer", "graph"]


def test_too_few_steps_have_no_quarters() -> None:
    with pytest.raises(ValueError, match="7 steps have no quarters"):
        rises(_steps(7, 0.1))


def test_prompts_of_one_quarter_only_are_left_out() -> None:
    steps = _steps(16, 0.0, noise=0.0)
    last = steps[-1]
    steps[-1] = replace(
        last, rows=[100, *last.rows[1:]], groups=[[{"answer": 9.0, "graph": 0.0}], *last.groups[1:]]
    )
    assert rises(steps)["answer"] == Rise(15, 0.0, 0.0, 0.0)


def test_quarters_without_a_prompt_in_common() -> None:
    steps = [replace(step, rows=[10 * step.number + place for place in range(4)]) for step in _steps(8, 0.5)]
    with pytest.raises(ValueError, match="share 0 prompts"):
        rises(steps)
