"""Promise 10: the mirror of a perfect reply keeps its edges, loses all chirality and gains no node.

Labels are unique. so3: any plane. yaw: a vertical one. In the plane: any line. Distances and unsigned angles
cannot tell a scene from its mirror image; chirality can.

Left out by name: edge under `free_scale` (`edge_stays`). The best motion onto the mirror image may have a scale
other than 1, which multiplies the derived distances, so edge cannot stay there (docs/limits.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from videostr import Reference, Scorer
from videostr.testing import (
    Frames,
    Motion,
    Scene,
    mirror,
    move,
    planar,
    random_scene,
    reply,
    table_with_chairs,
    tetrahedron,
    vertical_reflection,
)
from videostr.testing import strategies as vst

from .harness import Altered, Scores, assert_goes_red, scorer, values

SPECS: tuple[Mapping[str, Any], ...] = (
    {"preset": "pose-free"},
    {"preset": "so3"},
    {"preset": "pose-free", "frame_of_reference": "aligned"},
    {"preset": "so3", "frame_of_reference": "aligned", "align_scope": "frame"},
    {"preset": "pose-free", "frame_of_reference": "given"},
    {"preset": "so3", "frame_of_reference": "aligned", "free_scale": True},
    {"preset": "video-str"},
)


@dataclass(frozen=True)
class Case:
    scene: Scene
    mirrored: Frames
    spec: Mapping[str, Any]


def mirrored(rng: np.random.Generator, scene: Scene, spec: Mapping[str, Any]) -> Frames:
    """A mirror that no motion of the spec's group undoes, then a shift."""
    group = "so3" if spec["preset"] in ("so3", "video-str") else scene.group
    if scene.dimension == 3 and group == "yaw" and scene.up is not None:
        matrix = vertical_reflection(rng, scene.up)
        return move(scene.frames, Motion(matrix, np.zeros(3)))
    return mirror(scene.frames, rng.normal(size=scene.dimension))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scene = draw(
        st.one_of(
            vst.general_scenes(labelling="unique", min_nodes=3),
            vst.clips(labelling="unique", min_nodes=3, max_nodes=6),
            st.sampled_from([tetrahedron(), tetrahedron(up=(0.0, 0.0, 1.0)), tetrahedron(mirrored=True)]),
        )
    )
    spec = draw(st.sampled_from(SPECS))
    if spec["preset"] == "video-str":
        spec = {**spec, "angle": "centroid"}
    return Case(scene, mirrored(draw(vst.generators()), scene, spec), spec)


def edge_stays(spec: Mapping[str, Any]) -> bool:
    """Whether promise 10 can hold for edge: not where the motion may scale the mirror image."""
    return not spec.get("free_scale")


def check(scorer: Scores, case: Case) -> None:
    ref = scorer.prepare(case.scene.reference())
    right, image = (values(scorer, reply(frames), ref) for frames in (case.scene.frames, case.mirrored))
    if edge_stays(case.spec):
        by = abs(image["edge"] - right["edge"])
        assert math.isnan(by) or by <= 1e-9, (right["edge"], image["edge"])
    assert math.isnan(right["chirality"]) or image["chirality"] == 0.0, image["chirality"]
    assert math.isnan(right["node"]) or image["node"] <= right["node"] + 1e-9, (right["node"], image["node"])


@given(case=cases())
def test_mirror(case: Case) -> None:
    check(scorer(**case.spec), case)


@given(case=cases())
def test_the_mirror_of_the_mirror_is_perfect_again(case: Case) -> None:
    """The scene taken as its own mirror image's reference: nothing in the scorer prefers one hand."""
    real = scorer(**case.spec)
    other = replace(case.scene, frames=case.mirrored)
    got = values(real, reply(case.mirrored), real.prepare(other.reference()))
    assert math.isnan(got["chirality"]) or got["chirality"] == 1.0


def test_chirality_is_defined_often_enough_to_mean_something() -> None:
    """Of a hundred random rooms most have clearly oriented tuples, in every group."""
    for preset, gravity in (("pose-free", (0.0, 0.0, 1.0)), ("pose-free", None), ("so3", (0.0, 0.0, 1.0))):
        real = scorer(preset)
        defined = 0
        for seed in range(100):
            rng = np.random.default_rng(seed)
            scene = random_scene(rng, nodes=6, labelling="unique", up=gravity)
            got = values(
                real, reply(mirrored(rng, scene, {"preset": preset})), real.prepare(scene.reference())
            )
            defined += got["chirality"] == 0.0
        assert defined >= 80


def test_so3_cannot_see_the_mirror_of_a_flat_layout() -> None:
    """A flat layout's mirror image is a rotation: chirality is undefined and node stays, by design."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scene = planar(rng, 6)
        frames = mirrored(rng, scene, {"preset": "so3"})
        real = scorer("so3")
        got = values(real, reply(frames), real.prepare(scene.reference()))
        assert math.isnan(got["chirality"])
        assert abs(got["node"] - 1.0) <= 1e-9
        assert abs(got["graph"] - 1.0) <= 1e-9


def test_yaw_sees_it() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scene = planar(rng, 6, up=(0.0, 0.0, 1.0))
        frames = mirrored(rng, scene, {"preset": "pose-free"})
        real = scorer()
        got = values(real, reply(frames), real.prepare(scene.reference()))
        assert got["chirality"] == 0.0
        assert got["node"] < 0.9


def test_equal_labels_may_be_their_own_mirror_image() -> None:
    """The border of the promise: a table with four equal chairs is its own mirror image."""
    scene = table_with_chairs()
    real = scorer()
    got = values(real, reply(mirror(scene.frames, (1.0, 0.0, 0.0))), real.prepare(scene.reference()))
    assert abs(got["graph"] - 1.0) <= 1e-9


def _blind(_: str, out: dict[str, float]) -> None:
    """A scorer that takes chirality's absolute value."""
    if not math.isnan(out["chirality"]):
        out["chirality"] = 1.0


class _Reflecting:
    """A scorer whose best motion may be a reflection: the better of the reply and its mirror image."""

    def __init__(self, real: Scorer, images: dict[str, str]) -> None:
        self.real = real
        self.images = images

    def prepare(self, ground_truth: Any) -> Reference:
        return self.real.prepare(ground_truth)

    def score(self, text: str, ref: Reference, tokens: int | None = None) -> Any:
        return self.real.score(self.images.get(text, text), ref, tokens=tokens)

    def score_batch(self, texts: Any, refs: Any, **options: Any) -> Any:
        raise NotImplementedError


def test_ignoring_orientation_goes_red() -> None:
    assert_goes_red(lambda case: check(Altered(scorer(**case.spec), _blind), case), cases())


def test_allowing_reflections_goes_red() -> None:
    def run(case: Case) -> None:
        images = {reply(case.mirrored): reply(case.scene.frames)}
        check(_Reflecting(scorer(**case.spec), images), case)

    assert_goes_red(run, cases())
