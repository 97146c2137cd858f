"""The public generators and strategies are what they say, and cover what they name."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import videostr
from videostr import testing
from videostr.testing import MUTATIONS, Scene
from videostr.testing import strategies as vst

from .harness import rows, scorer

MODULES = ("scenes", "motions", "mutations", "replies", "answers")
FAST = {"derandomize": True, "database": None, "deadline": None, "phases": [Phase.generate]}


@pytest.mark.parametrize("name", ["", *MODULES, "strategies"])
def test_examples_run(name: str) -> None:
    module = importlib.import_module("videostr.testing" + (f".{name}" if name else ""))
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0


def test_the_property_of_the_docstring_runs() -> None:
    block = (testing.__doc__ or "").split("test::", 1)[1]
    names: dict[str, Any] = {}
    exec(textwrap.dedent(block), names)
    names["test_a_wrong_reply_costs_something"]()


def test_generators_need_no_hypothesis() -> None:
    """Training code renders with these functions where only numpy is installed."""
    program = "import sys, videostr.testing; assert not {'hypothesis', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_exports_exist() -> None:
    for module in (
        testing,
        *(importlib.import_module(f"videostr.testing.{name}") for name in (*MODULES, "strategies")),
    ):
        assert all(hasattr(module, name) for name in module.__all__)
        assert len(set(module.__all__)) == len(module.__all__)


def test_rotations_are_uniform() -> None:
    """Each entry is uniform on [-1, 1] (columns on the sphere); the angle has density (1 - cos)/pi."""
    rng = np.random.default_rng(0)
    turns = np.array([testing.uniform_rotation(rng) for _ in range(20_000)])
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(turns), 1.0)
    for i in range(3):
        for j in range(3):
            assert _distance_from_uniform(np.sort((turns[:, i, j] + 1.0) / 2.0)) < 0.015
    angle = np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1.0) / 2.0, -1.0, 1.0))
    assert _distance_from_uniform(np.sort((angle - np.sin(angle)) / np.pi)) < 0.015


def _distance_from_uniform(sorted_values: Any) -> float:
    """Kolmogorov and Smirnov's statistic against the uniform distribution on [0, 1]."""
    n = len(sorted_values)
    grid = np.arange(n) / n
    return float(max(np.abs(sorted_values - grid).max(), np.abs(sorted_values - grid - 1.0 / n).max()))


def test_euler_angles_would_not_be_uniform() -> None:
    """The statistic can fail: rotations by three uniform angles are not uniform."""
    rng = np.random.default_rng(0)
    axes = np.eye(3)
    turns = []
    for _ in range(5000):
        a, b, c = rng.uniform(-np.pi, np.pi, 3)
        turns.append(
            testing.rotation_about(axes[2], a)
            @ testing.rotation_about(axes[0], b)
            @ testing.rotation_about(axes[2], c)
        )
    assert _distance_from_uniform(np.sort((np.array(turns)[:, 2, 2] + 1.0) / 2.0)) > 0.05


@given(up=vst.ups(), data=st.data())
def test_yaw_keeps_up(up: tuple[float, ...], data: st.DataObject) -> None:
    turn = data.draw(vst.yaw_rotations(up))
    assert np.allclose(turn @ np.array(up), up, atol=1e-12)
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) > 0


@given(rng=vst.generators(), up=vst.ups())
def test_vertical_reflections_keep_up_and_turn_the_hand(
    rng: np.random.Generator, up: tuple[float, ...]
) -> None:
    matrix = testing.vertical_reflection(rng, up)
    assert np.allclose(matrix @ np.array(up), up, atol=1e-12)
    assert np.isclose(np.linalg.det(matrix), -1.0)


@given(turn=vst.rotations_2d(), shift=vst.translations(2, 3.0))
def test_plane(turn: Any, shift: Any) -> None:
    assert np.allclose(turn @ turn.T, np.eye(2))
    assert np.isclose(np.linalg.det(turn), 1.0)
    assert np.abs(shift).max() <= 3.0


@given(scene=vst.scenes())
def test_every_scene_is_a_valid_reference(scene: Scene) -> None:
    ref = scorer().prepare(scene.reference())
    assert ref is not None


@given(data=st.data(), scene=vst.general_scenes(min_nodes=3))
def test_every_mutation_changes_the_frames(data: st.DataObject, scene: Scene) -> None:
    mutation = data.draw(vst.mutations(scene))
    assert mutation.name in MUTATIONS
    assert mutation.frames != scene.frames


_KINDS: dict[str, Any] = {
    "a mirrored pair": lambda s: s == testing.tetrahedron(mirrored=True),
    "a table with four chairs": lambda s: (
        [n.label for n in s.frames[0].nodes].count("chair") == 4 and len(s.frames[0].nodes) == 5
    ),
    "all in one place": lambda s: (
        len(s.frames[0].nodes) > 2 and len({n.center for n in s.frames[0].nodes}) == 1
    ),
    "one node": lambda s: len(s.frames) == 1 and len(s.frames[0].nodes) == 1,
    "two nodes": lambda s: len(s.frames) == 1 and len(s.frames[0].nodes) == 2,
    "a lone moving object": lambda s: (
        len(s.frames) > 1
        and all(len(f.nodes) == 1 for f in s.frames)
        and s.frames[0].nodes[0].center != s.frames[1].nodes[0].center
    ),
    "equal labels": lambda s: len(s.frames[0].nodes) > 3 and len({n.label for n in s.frames[0].nodes}) == 1,
    "a clip without times": lambda s: len(s.frames) > 1 and s.frames[0].t is None,
    "image space": lambda s: s.space == "image",
    "camera space": lambda s: s.space == "camera",
    "gravity along no axis": lambda s: s.up is not None and min(abs(x) for x in s.up) > 0.0,
}


@pytest.mark.parametrize("kind", _KINDS)
def test_scenes_cover(kind: str) -> None:
    options = settings(max_examples=5000, **FAST)
    assert find(vst.scenes(), _KINDS[kind], settings=options) is not None


def test_replies_cover_every_status_and_repair() -> None:
    """Among generated replies all graph statuses but too_big and every repair that they name are met."""
    seen_status: set[str] = set()
    seen_repairs = 0
    real = scorer()

    @settings(max_examples=500, suppress_health_check=list(HealthCheck), **FAST)
    @given(data=st.data(), scene=vst.scenes())
    def collect(data: st.DataObject, scene: Scene) -> None:
        nonlocal seen_repairs
        texts = [data.draw(vst.replies(scene)), data.draw(vst.hostile_texts(scene))]
        batch = rows(real, texts, real.prepare(scene.reference()))
        seen_status.update(videostr.GRAPH_STATUS[code] for code in batch.graph_status)
        for bits in batch.repairs.tolist():
            seen_repairs |= bits

    collect()
    assert seen_status >= {"ok", "truncated", "none", "bad"}
    names = {name for k, name in enumerate(videostr.REPAIRS) if seen_repairs >> k & 1}
    assert names >= set(videostr.REPAIRS) - {"internal", "corners_sorted"}
