"""Promise 11: total is the stated sum, to the last bit of float64, in the stated order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videostr import COMPONENTS, RewardSpec, Scorer
from videostr.testing import Scene
from videostr.testing import strategies as vst

from .harness import GRAPH, Altered, Scores, assert_goes_red, rows, values

ORDER = ("format", "answer", "node", "edge", "chirality", "motion", "length")


@dataclass(frozen=True)
class Case:
    scene: Scene
    text: str
    tokens: int | None
    spec: RewardSpec


@st.composite
def weights(draw: st.DrawFn) -> dict[str, float]:
    """Weights with all bits in use, so that another order of summing shows."""
    rng = draw(vst.generators())
    return {name: float(rng.uniform(0.0, 2.0)) for name in ORDER}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scene = draw(vst.scenes())
    text = draw(st.one_of(vst.replies(scene), vst.hostile_texts(scene)))
    spec = draw(st.one_of(vst.specs(), weights().flatmap(lambda w: vst.specs(weights=w))))
    return Case(scene, text, draw(st.sampled_from([None, 400, 1000])), spec)


def stated_sum(spec: RewardSpec, got: dict[str, float], *, has_answer: bool) -> float:
    """The sum of scoring.md, section 4, term by term."""
    shut = (spec.gate == "answer" and has_answer and not got["answer"] > 0.1) or (
        spec.gate == "format" and got["format"] != 1.0
    )
    total = 0.0
    for name in ORDER:
        if not math.isnan(got[name]):
            total += 0.0 if shut and name in GRAPH else spec.weights[name] * got[name]
    return total


def check(scorer: Scores, case: Case) -> None:
    ref = scorer.prepare(case.scene.reference())
    got = values(scorer, case.text, ref, case.tokens)
    due = stated_sum(case.spec, got, has_answer=case.scene.answer is not None)
    assert got["total"].hex() == due.hex(), (got["total"], due)


@given(case=cases())
def test_total_is_the_stated_sum(case: Case) -> None:
    check(Scorer(case.spec), case)


@given(case=cases())
def test_computing_less_changes_no_bit(case: Case) -> None:
    """`report: weighted` leaves NaN what it does not compute, and every other value as it is."""
    less, whole = Scorer(case.spec.replace(report="weighted")), Scorer(case.spec)
    got = values(less, case.text, less.prepare(case.scene.reference()), case.tokens)
    due = values(whole, case.text, whole.prepare(case.scene.reference()), case.tokens)
    assert got["total"].hex() == due["total"].hex()
    for name in COMPONENTS:
        assert math.isnan(got[name]) or got[name].hex() == due[name].hex(), name
        assert not (
            case.spec.weights.get(name, 0.0) > 0.0 and math.isnan(got[name]) and not math.isnan(due[name])
        )


@given(case=cases(), copies=st.integers(2, 5))
def test_total_in_groups(case: Case, copies: int) -> None:
    """What the group takes from length it takes from total too."""
    real = Scorer(case.spec)
    ref = real.prepare(case.scene.reference())
    batch = rows(
        real, [case.text] * copies, ref, tokens=[case.tokens] * copies, group_ids=[0] * (copies - 1) + [1]
    )
    for row in batch.components:
        got = dict(zip(COMPONENTS, row.tolist(), strict=True))
        assert (
            got["total"].hex() == stated_sum(case.spec, got, has_answer=case.scene.answer is not None).hex()
        )


def _backward(spec: RewardSpec) -> Callable[[str, dict[str, float]], None]:
    def fault(_: str, out: dict[str, float]) -> None:
        out["total"] = 0.0
        for name in reversed(ORDER):
            if not math.isnan(out[name]):
                out["total"] += spec.weights[name] * out[name]

    return fault


def _single_precision(_: RewardSpec) -> Callable[[str, dict[str, float]], None]:
    def fault(_: str, out: dict[str, float]) -> None:
        out["total"] = float(np.float32(out["total"]))

    return fault


def _clipped(_: RewardSpec) -> Callable[[str, dict[str, float]], None]:
    def fault(_: str, out: dict[str, float]) -> None:
        out["total"] = min(out["total"], 1.0)

    return fault


@pytest.mark.parametrize("fault", [_backward, _single_precision, _clipped])
def test_can_fail(fault: Callable[[RewardSpec], Any]) -> None:
    assert_goes_red(lambda case: check(Altered(Scorer(case.spec), fault(case.spec)), case), cases())
