"""`parse` and `Graph`, for people."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from api_samples import REPLIES, graph_block, reply, truth
from videostr import Edge, Graph, GraphFrame, Node, RewardSpec, Scorer, parse

SCENE = Graph(
    (
        GraphFrame(
            nodes=(
                Node("chair", (0.5, 1.0, -2.0), 1),
                Node("office lamp", (3.25, 1e-7, 4.0)),
                Node("chair", (1.0, 2.0, 3.0), 2),
            ),
            t=0.5,
            edges=(Edge(0, 2, 5.5), Edge(0, 1, 2.0, 90.0)),
        ),
        GraphFrame(nodes=(Node("chair", (1.5, 1.0, -2.0), 1),), t=1.0),
    )
)
FLAT = Graph((GraphFrame(nodes=(Node("a", (1.0, 2.0)), Node("b", (3.0, -4.0)))),))


@pytest.mark.parametrize("graph", [SCENE, FLAT, Graph((GraphFrame(t=2.0),))])
def test_both_forms_come_back(graph: Graph) -> None:
    assert Graph.from_json(graph.to_json()) == graph
    assert Graph.from_lines(graph.to_lines()) == graph


def test_ids() -> None:
    assert [node.id for node in SCENE.frames[0].nodes] == ["chair.1", "office lamp", "chair.2"]


def test_a_reference_s_graph_is_a_form_too() -> None:
    import json

    graph = Graph.from_json(json.dumps(truth()["graph"]))
    scorer = Scorer(RewardSpec())
    for block in (graph.to_json(), graph.to_lines()):
        assert scorer.score(reply(block), truth()).graph == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (Graph.from_json, "@0\nchair 1 2 3", "not the JSON form"),
        (Graph.from_lines, '{"frames": []}', "not the lines form"),
        (Graph.from_json, '{"frames": [{"nodes": [["a", [1, 2]], [', "truncated"),
        (Graph.from_json, '{"frames": [{"nodes": [', "bad"),
        (Graph.from_lines, "nothing here", "bad"),
        (Graph.from_json, "[]</graph><graph>[]", "more than a graph"),
    ],
)
def test_what_cannot_be_read_whole_is_an_error(read: object, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(text)  # type: ignore[operator]


def centers(graph: Graph) -> np.ndarray:
    return np.array([node.center for frame in graph.frames for node in frame.nodes])


def test_rotations() -> None:
    turned = SCENE.rotate(90.0)
    np.testing.assert_allclose(centers(turned)[0], [-1.0, 0.5, -2.0])
    assert turned.frames[0].edges == SCENE.frames[0].edges
    np.testing.assert_allclose(centers(turned.rotate(-90.0)), centers(SCENE), atol=1e-12)
    np.testing.assert_allclose(
        centers(SCENE.rotate(33.0, axis=(1, 2, 3)).rotate(-33.0, axis=(1, 2, 3))), centers(SCENE)
    )
    matrix = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(centers(SCENE.rotate(matrix)), centers(turned))
    about = SCENE.frames[0].nodes[0].center
    assert SCENE.rotate(50.0, about=about).frames[0].nodes[0].center == pytest.approx(about)
    np.testing.assert_allclose(centers(FLAT.rotate(90.0)), [[-2.0, 1.0], [4.0, 3.0]])


def test_mirrors() -> None:
    np.testing.assert_allclose(centers(SCENE.mirror())[0], [-0.5, 1.0, -2.0])
    np.testing.assert_allclose(centers(SCENE.mirror((0, 0, 2)))[0], [0.5, 1.0, 2.0])
    np.testing.assert_allclose(centers(SCENE.mirror((1, 1, 0)).mirror((1, 1, 0))), centers(SCENE), atol=1e-12)
    np.testing.assert_allclose(centers(FLAT.mirror((0, 1), about=(0, 1)))[0], [1.0, 0.0])


def test_mirroring_loses_chirality_and_nothing_else() -> None:
    graph = Graph.from_json(graph_block())
    scorer = Scorer(RewardSpec.preset("so3"))
    report = scorer.score(reply(graph.mirror().to_json()), truth())
    assert (report.chirality, report.edge) == (0.0, pytest.approx(1.0))
    assert scorer.score(reply(graph.rotate(40.0, axis=(1, 1, 0)).to_json()), truth()).edge == pytest.approx(
        1.0
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: SCENE.rotate(np.diag([1.0, 1.0, -1.0])),
        lambda: SCENE.rotate(2 * np.eye(3)),
        lambda: SCENE.rotate(np.eye(2)),
        lambda: SCENE.rotate(10.0, axis=(0, 0, 0)),
        lambda: SCENE.mirror((0, 0, 0)),
        lambda: SCENE.mirror((1, 0)),
        lambda: SCENE.rotate(10.0, about=(1, 2)),
        lambda: Graph((GraphFrame(nodes=(Node("a", (1.0, 2.0)), Node("b", (1.0, 2.0, 3.0)))),)).mirror(),
    ],
)
def test_what_is_no_motion_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match=r"rotation|normal|axis|about|mixes"):
        call()  # type: ignore[operator]


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCENE.frames[0].t = 3.0  # type: ignore[misc]


def test_parse() -> None:
    got = parse(reply("{'frames': [{'t': 1, 'nodes': [['Chair_2', [1, 2, 3]], ['x', [1]]]}]}", answer=" B "))
    assert (got.format, got.answer, got.answer_status, got.graph_status) == (True, " B ", "ok", "ok")
    assert got.graph == Graph((GraphFrame((Node("chair", (1.0, 2.0, 3.0), 2),), 1.0),))
    assert {name for name, _ in got.repairs} == {"single_quotes", "void_node"}
    assert parse("<answer>A</answer><answer>B</answer>").answer_status == "many"
    none = parse("nothing")
    assert (none.format, none.answer, none.answer_status, none.graph_status) == (False, None, "none", "none")
    assert parse("I look.</think><answer>B</answer>", think_prefilled=True).format


def test_repairs_stand_at_bytes() -> None:
    text = "\u00e9" + reply("{'frames': []}")
    got = parse(text)
    raw = text.encode()
    assert {raw[at : at + 1] for name, at in got.repairs if name == "single_quotes"} == {b"'"}


@pytest.mark.parametrize("text", REPLIES)
def test_parse_never_raises(text: str) -> None:
    parse(text)
    parse(text, think_prefilled=True)


def test_parse_wants_text() -> None:
    with pytest.raises(TypeError, match="text is NoneType"):
        parse(None)  # type: ignore[arg-type]
