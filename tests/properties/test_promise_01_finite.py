"""Promise 1: total is finite and every defined component in range, for every byte string."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videostr import COMPONENTS, Scorer
from videostr.testing import (
    Scene,
    clip,
    cube,
    integer_grid,
    perfect_reply,
    random_scene,
    table_with_chairs,
    tetrahedron,
)
from videostr.testing import strategies as vst

from .harness import Altered, Scores, assert_goes_red, scorer, values

SPECS: tuple[dict[str, Any], ...] = (
    {"preset": "pose-free"},
    {"preset": "video-str", "angle": "centroid"},
    {"preset": "pose-free", "angle_weight": 0.3, "per_class": True},
    {
        "preset": "so3",
        "edge_kernel": "ratio",
        "weights": {"node": 0.3, "edge": 0.7, "chirality": 0.1, "motion": 0.9},
    },
)


@dataclass(frozen=True)
class Case:
    scene: Scene
    text: str
    tokens: int | None


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scene = draw(vst.scenes())
    texts = st.one_of(vst.hostile_texts(scene), vst.replies(scene), st.binary(max_size=80).map(_decode))
    return Case(scene, draw(texts), draw(st.sampled_from([None, 0, 400, 2**31])))


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def check(scorer: Scores, weights: dict[str, float], case: Case) -> None:
    ref = scorer.prepare(case.scene.reference())
    got = values(scorer, case.text, ref, case.tokens)
    empty = values(scorer, "", ref, case.tokens)
    assert math.isfinite(got["total"])
    assert -1e-12 <= got["total"] <= sum(weights.values()) + 1e-12
    for name in COMPONENTS:
        if name != "total":
            assert math.isnan(got[name]) or 0.0 <= got[name] <= 1.0, (name, got[name])
        if name != "consistency":
            assert math.isnan(got[name]) == math.isnan(empty[name]), (
                f"{name}: defined by the reply, not by the reference"
            )


@given(case=cases(), spec=vst.specs())
def test_finite_and_in_range(case: Case, spec: object) -> None:
    real = Scorer(spec)
    check(real, dict(real.spec.weights), case)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_full_marks_do_not_round_over_one(spec: dict[str, Any]) -> None:
    """Sums of shares round up: of 500 perfect replies none has a component over 1."""
    real = scorer(**spec)
    scenes = [
        random_scene(np.random.default_rng(k), nodes=2 + k % 12, dimension=2 + k % 2) for k in range(490)
    ]
    scenes += [tetrahedron(), table_with_chairs(), cube(), *(integer_grid((2, k)) for k in range(1, 8))]
    for scene in scenes:
        text = perfect_reply(clip(np.random.default_rng(len(scene.frames[0].nodes)), scene, frames=3))
        for said in (perfect_reply(scene), text):
            check(real, dict(real.spec.weights), Case(scene, said, None))


def _nan_pays(text: str, out: dict[str, float]) -> None:
    if "nan" in text.lower():
        out["total"] = math.nan


def _over_one(_: str, out: dict[str, float]) -> None:
    out["edge"] *= 1.0 + 1e-6


def _undefined_when_empty(_: str, out: dict[str, float]) -> None:
    if out["precision"] == 0.0:
        out["node"] = math.nan


@pytest.mark.parametrize("fault", [_nan_pays, _over_one, _undefined_when_empty])
def test_can_fail(fault: object) -> None:
    real = scorer()
    assert_goes_red(lambda case: check(Altered(real, fault), dict(real.spec.weights), case), cases())
