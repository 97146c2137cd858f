"""Scenes, motions, replies and faults for tests: seeded generators and hypothesis strategies.

What is here needs numpy only. The hypothesis strategies stand in `videostr.testing.strategies`, which needs
`hypothesis` (extra `dev`).

>>> import numpy as np
>>> from videostr import testing
>>> scene = testing.table_with_chairs()
>>> turned = testing.move(scene.frames, testing.random_motion(np.random.default_rng(0), "yaw", up=scene.up))
>>> text = testing.reply(turned, "B", form="lines")

A property of your own spec, as a hypothesis test::

    from hypothesis import given, strategies as st
    from videostr import RewardSpec, Scorer, testing
    from videostr.testing import strategies as vst

    @given(st.data(), vst.general_scenes(min_nodes=4))
    def test_a_wrong_reply_costs_something(data, scene):
        scorer = Scorer(RewardSpec.preset("pose-free"))
        frames = data.draw(vst.mutations(scene)).frames
        assert scorer.score(testing.reply(frames), scorer.prepare(scene.reference()))["graph"] < 1.0
"""

from __future__ import annotations

from videostr.testing.answers import ANSWER_KINDS, random_answer, right_answer
from videostr.testing.motions import (
    Motion,
    mirror,
    move,
    random_motion,
    reflection,
    rotation_2d,
    rotation_about,
    uniform_rotation,
    vertical_reflection,
)
from videostr.testing.mutations import (
    FOREIGN_LABEL,
    MUTATIONS,
    add_node,
    displace,
    drop,
    duplicate,
    jitter,
    mutate,
    relabel,
    shuffle,
    wander,
)
from videostr.testing.replies import FAULTS, perfect_reply, render_graph, reply, state_edges
from videostr.testing.scenes import (
    LABELS,
    Edge,
    Frame,
    Frames,
    Node,
    Point,
    Scene,
    clip,
    coincident,
    collinear,
    cube,
    integer_grid,
    lone_object,
    planar,
    random_scene,
    regular_polygon,
    table_with_chairs,
    tetrahedron,
)

__all__ = [
    "ANSWER_KINDS",
    "FAULTS",
    "FOREIGN_LABEL",
    "LABELS",
    "MUTATIONS",
    "Edge",
    "Frame",
    "Frames",
    "Motion",
    "Node",
    "Point",
    "Scene",
    "add_node",
    "clip",
    "coincident",
    "collinear",
    "cube",
    "displace",
    "drop",
    "duplicate",
    "integer_grid",
    "jitter",
    "lone_object",
    "mirror",
    "move",
    "mutate",
    "perfect_reply",
    "planar",
    "random_answer",
    "random_motion",
    "random_scene",
    "reflection",
    "regular_polygon",
    "relabel",
    "render_graph",
    "reply",
    "right_answer",
    "rotation_2d",
    "rotation_about",
    "shuffle",
    "state_edges",
    "table_with_chairs",
    "tetrahedron",
    "uniform_rotation",
    "vertical_reflection",
    "wander",
]
