"""Promise 6: the order of nodes, and of frames when all have times, in the reply changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videostr import Scorer
from videostr.testing import Frames, Scene, add_node, displace, lone_object, reply, shuffle, state_edges
from videostr.testing import strategies as vst

from .harness import Altered, Rewritten, Scores, assert_goes_red, rows, scorer


@dataclass(frozen=True)
class Case:
    scene: Scene
    text: str
    mixed: str


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Wrong replies too, with ids said twice, bare labels said twice and two frames of one time."""
    scene = draw(st.one_of(vst.scenes(), vst.clips(timed=True)))
    frames = draw(vst.frames_of(scene))
    frames = draw(_with_twins(frames))
    if draw(st.booleans()):
        frames = tuple(state_edges(frame) if frame.nodes else frame for frame in frames)
    form = draw(vst.forms())
    texts = [reply(f, "B", form=form) for f in (frames, shuffle(draw(vst.generators()), frames))]
    return Case(scene, *texts)


@st.composite
def _with_twins(draw: st.DrawFn, frames: Frames) -> Frames:
    filled = [k for k, frame in enumerate(frames) if frame.nodes]
    if not filled:
        return frames
    k = draw(st.sampled_from(filled))
    node = draw(st.sampled_from(frames[k].nodes))
    twin = draw(st.sampled_from(["none", "id", "bare", "frame"]))
    if twin == "id":
        return add_node(frames, k, replace(node, center=tuple(x - 0.5 for x in node.center)))
    if twin == "bare":
        return add_node(frames, k, replace(node, suffix=None))
    if twin == "frame" and frames[k].t is not None:
        return (*frames, displace(frames, k, 0, tuple(0.25 for _ in node.center))[k])
    return frames


def check(scorer: Scores, case: Case) -> None:
    ref = scorer.prepare(case.scene.reference())
    batch = rows(scorer, [case.text, case.mixed], ref)
    assert batch.take([0]).bits() == batch.take([1]).bits()


@given(case=cases(), spec=vst.specs())
def test_order_changes_nothing(case: Case, spec: object) -> None:
    check(Scorer(spec), case)


def _reading_order(text: str, out: dict[str, float]) -> None:
    """Summing in the order of reading: the last bit depends on it."""
    numbers = [float(x) for x in re.findall(r"-?\d+\.\d+", text)]
    total = 0.0
    for number in numbers:
        total += number
    out["node"] = float(np.float64(out["node"]) * (1.0 + (total - sum(sorted(numbers)))))


def _first_three(text: str) -> str:
    """Keeps what is read first."""
    return "\n".join(line for k, line in enumerate(text.split("\n")) if k < 3 or "<" in line)


def test_a_sum_in_reading_order_goes_red() -> None:
    assert_goes_red(lambda case: check(Altered(scorer(), _reading_order), case), cases())


def test_keeping_the_first_nodes_goes_red() -> None:
    assert_goes_red(lambda case: check(Rewritten(scorer(), _first_three), case), cases())


@pytest.mark.parametrize("timed", [True, False])
def test_frames_without_times_have_an_order(timed: bool) -> None:
    """Not a promise but its border: index pairing sees the order, pairing by time does not."""
    scene = replace(lone_object(3), answer=None)
    frames = scene.frames if timed else tuple(replace(frame, t=None) for frame in scene.frames)
    real = scorer(frame_of_reference="given")
    ref = real.prepare(replace(scene, frames=frames).reference())
    straight, backward = rows(real, [reply(frames), reply(frames[::-1])], ref).components
    assert np.array_equal(straight, backward, equal_nan=True) == timed
