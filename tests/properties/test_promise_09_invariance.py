"""Promise 9: moving the reply by the group changes no graph component by more than 1e-9.

Under `aligned` for every component; under `given` for edge and chirality with unique labels (or `id`), and
for angle `view` under rotations about the observer. Group `none`, and node under `given`, do change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from videostr.testing import (
    Frames,
    Motion,
    Scene,
    move,
    random_motion,
    random_scene,
    reply,
    uniform_rotation,
)
from videostr.testing import strategies as vst

from .harness import Scores, assert_goes_red, is_nearly_a_line, scorer, values
from .test_promise_07_reference_is_perfect import group_of

ALL = ("node", "edge", "chirality", "motion", "consistency", "precision", "recall", "graph", "success")
ALIGNED: tuple[Mapping[str, Any], ...] = tuple(
    {"frame_of_reference": "aligned", **spec}
    for spec in (
        {"preset": "pose-free"},
        {"preset": "so3"},
        {"preset": "pose-free", "align_scope": "frame"},
        {"preset": "so3", "align_scope": "clip", "free_scale": True},
        {"preset": "pose-free", "assignment": "greedy", "edge_kernel": "relative"},
        {"preset": "so3", "assignment": "id", "node_kernel": "linear"},
        {"preset": "video-str"},
    )
)
GIVEN: tuple[Mapping[str, Any], ...] = tuple(
    {"frame_of_reference": "given", **spec}
    for spec in ({"preset": "pose-free"}, {"preset": "so3"}, {"preset": "video-str", "angle": "centroid"})
)


@dataclass(frozen=True)
class Case:
    scene: Scene
    said: Frames
    moved: Frames
    spec: Mapping[str, Any]


def change(scorer: Scores, case: Case, names: Sequence[str]) -> dict[str, float]:
    """How far each component is from where it was."""
    ref = scorer.prepare(case.scene.reference())
    before, after = (values(scorer, reply(frames), ref) for frames in (case.said, case.moved))
    assert all(math.isnan(before[name]) == math.isnan(after[name]) for name in names)
    return {name: abs(after[name] - before[name]) for name in names if not math.isnan(before[name])}


def check(scorer: Scores, case: Case, names: Sequence[str]) -> None:
    for name, by in change(scorer, case, names).items():
        assert by <= 1e-9, (name, by)


def shapely() -> st.SearchStrategy[Scene]:
    """Scenes in general position, and symmetric and exactly degenerate ones small enough for every cap."""
    return st.one_of(
        vst.general_scenes(min_nodes=2, max_nodes=7),
        vst.clips(min_nodes=1, max_nodes=5, max_frames=4),
        vst.symmetric_scenes(),
        vst.degenerate_scenes(),
        vst.lone_objects(),
    )


@st.composite
def aligned(draw: st.DrawFn) -> Case:
    scene = draw(shapely())
    spec = draw(st.sampled_from(ALIGNED))
    said = draw(st.one_of(vst.wandering_replies(scene), vst.wandering_replies(scene, noise=0.3, faults=4)))
    for frames in (scene.frames, said):
        assume(not any(is_nearly_a_line((frame,), scene.diameter) for frame in frames))
        assume(not is_nearly_a_line(frames, scene.diameter))
    return Case(scene, said, move(said, draw(vst.motions(scene, group=group_of(scene, spec)))), spec)


@st.composite
def given_coordinates(draw: st.DrawFn) -> Case:
    scene = draw(
        st.one_of(
            vst.general_scenes(labelling="unique", max_nodes=7), vst.clips(labelling="unique", max_nodes=5)
        )
    )
    spec = draw(st.sampled_from(GIVEN))
    said = draw(vst.wandering_replies(scene, faults=0))
    return Case(scene, said, move(said, draw(vst.motions(scene, group=group_of(scene, spec)))), spec)


@given(case=aligned())
def test_aligned(case: Case) -> None:
    check(scorer(**case.spec), case, ALL)


@given(case=given_coordinates())
def test_given(case: Case) -> None:
    check(scorer(**case.spec), case, ("edge", "chirality"))


@given(data=st.data(), scene=vst.clips(labelling="mixed", max_nodes=5))
def test_a_motion_for_each_frame(data: st.DataObject, scene: Scene) -> None:
    """`align_scope: frame` does not see a motion of its own for each frame; motion, between frames, does."""
    spec = {"preset": "pose-free", "frame_of_reference": "aligned", "align_scope": "frame"}
    said = data.draw(vst.wandering_replies(scene))
    moved = tuple(move((frame,), data.draw(vst.motions(scene)))[0] for frame in said)
    check(
        scorer(**spec), Case(scene, said, moved, spec), ("node", "edge", "chirality", "precision", "recall")
    )


@given(
    rng=vst.generators(),
    scene=vst.general_scenes(labelling="unique", dimension=3, gravity=False, space="camera"),
)
def test_view_angles_under_rotations_about_the_observer(rng: np.random.Generator, scene: Scene) -> None:
    turned = move(scene.frames, Motion(uniform_rotation(rng), np.zeros(3)))
    spec = {"preset": "so3", "angle": "view"}
    check(scorer(**spec), Case(scene, scene.frames, turned, spec), ("edge", "chirality"))


@given(rng=vst.generators())
def test_view_angles_see_a_translation(rng: np.random.Generator) -> None:
    scene = random_scene(rng, nodes=5, labelling="unique", space="camera")
    shifted = move(scene.frames, Motion(np.eye(3), np.full(3, 0.5 * scene.diameter)))
    case = Case(scene, scene.frames, shifted, {})
    assert change(scorer("so3", angle="view"), case, ["edge"])["edge"] > 1e-6


@pytest.mark.parametrize(
    ("spec", "component"),
    [
        ({"preset": "coordinates"}, "edge"),
        ({"preset": "coordinates"}, "node"),
        ({"preset": "pose-free", "frame_of_reference": "given"}, "node"),
        ({"preset": "video-str"}, "node"),
    ],
    ids=str,
)
def test_what_is_not_invariant(spec: Mapping[str, Any], component: str) -> None:
    """Twenty general scenes, each turned by at least 30 degrees: every one is seen."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scene = random_scene(rng, nodes=5, labelling="unique")
        turn = uniform_rotation(rng)
        while np.trace(turn) > 1 + 2 * math.cos(math.radians(30)):
            turn = uniform_rotation(rng)
        turned = move(scene.frames, Motion(turn, np.zeros(3)))
        assert change(scorer(**spec), Case(scene, scene.frames, turned, spec), [component])[component] > 1e-3


def test_a_group_that_is_too_small_goes_red() -> None:
    """The baseline without a group, on the same cases."""
    assert_goes_red(lambda case: check(scorer(**{**case.spec, "group": "none"}), case, ALL), aligned())


def test_given_coordinates_go_red_where_alignment_is_promised() -> None:
    assert_goes_red(
        lambda case: check(scorer(**{**case.spec, "frame_of_reference": "given"}), case, ALL), aligned()
    )


def test_yaw_does_not_forgive_a_tilt() -> None:
    """A turn out of the horizontal is no motion of group yaw."""

    @st.composite
    def tilted(draw: st.DrawFn) -> Case:
        scene = draw(vst.general_scenes(min_nodes=4, dimension=3, gravity=True))
        motion = random_motion(draw(vst.generators()), "so3")
        return Case(scene, scene.frames, move(scene.frames, motion), {})

    assert_goes_red(lambda case: check(scorer(frame_of_reference="aligned"), case, ALL), tilted())


@given(case=given_coordinates())
def test_edge_and_chirality_by_id_with_repeated_labels(case: Case) -> None:
    """With `id` the labels need not be unique: all are made chairs here."""

    def chairs(frames: Frames) -> Frames:
        names = {node.label: k for k, node in enumerate(n for f in case.scene.frames for n in f.nodes)}
        return tuple(
            replace(
                f, nodes=tuple(replace(n, label="chair", suffix=names.get(n.label, 999)) for n in f.nodes)
            )
            for f in frames
        )

    scene = replace(case.scene, frames=chairs(case.scene.frames))
    renamed = Case(scene, chairs(case.said), chairs(case.moved), case.spec)
    check(scorer(**{**case.spec, "assignment": "id"}), renamed, ("edge", "chirality"))
