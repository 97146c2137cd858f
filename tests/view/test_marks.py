"""Places in a reply, as a browser counts them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from view_runs import scene_of as clip_of

from videostr import RewardSpec, Scorer
from videostr.testing import Scene, strategies
from videostr.view.marks import HEAD, MARKS, TAIL, shown_text
from videostr.view.scene import scene_of


def pieces(told: dict[str, object], kind: str) -> list[str]:
    """What the marks of a kind cover, cut as a browser cuts."""
    units = str(told["text"]).encode("utf-16-le", "surrogatepass")
    marks = [mark for mark in told["marks"] if mark["kind"] == kind]  # type: ignore[attr-defined]
    return [units[2 * mark["from"] : 2 * mark["to"]].decode("utf-16-le", "surrogatepass") for mark in marks]


def told_of(text: str, about: Scene) -> dict[str, object]:
    scorer = Scorer(RewardSpec.preset("pose-free"))
    truth = about.reference()
    explanation = scorer.score(text, truth).explanation()
    scene = scene_of(truth, explanation)
    assert scene is not None
    return shown_text(text, explanation["repairs"], scene["frames"])


@pytest.mark.parametrize(
    "before", ["", "é車", "\U0001f697 \U0001f9d1\u200d\U0001f680", "\ud800", "\x00\u202e"]
)
def test_nodes_and_repairs_are_found(before: str) -> None:
    about = clip_of(3, nodes=3, frames=1)
    ids = [node.id for node in about.frames[0].nodes]
    lines = "\n".join(f"{name} {k}.5 1 2" for k, name in enumerate(ids))
    text = f"<think>{before}<graph>@0\n{lines}\nwhat is this</graph></think><answer>B</answer>"
    told = told_of(text, about)
    assert pieces(told, "tag") == ["<think>", "<graph>", "</graph>", "</think>", "<answer>", "</answer>"]
    assert sorted(pieces(told, "node")) == sorted(f"{name} {k}.5 1 2" for k, name in enumerate(ids))
    assert pieces(told, "repair") == ["w"]
    assert told["left_out"] == 0


def test_a_long_reply_is_cut_in_its_middle() -> None:
    about = clip_of(3, nodes=2, frames=1)
    name = about.frames[0].nodes[0].id
    text = f"<think>{'🚗' * 20_000}<graph>@0\n{name} 1 2 3</graph></think><answer>B</answer>"
    told = told_of(text, about)
    assert told["left_out"] == len(text) - HEAD - TAIL
    assert str(told["text"]).startswith("<think>🚗")
    assert str(told["text"]).endswith("<answer>B</answer>")
    assert len(str(told["text"])) < HEAD + TAIL + 100
    assert pieces(told, "node") == [f"{name} 1 2 3"]
    assert pieces(told, "tag") == ["<think>", "<graph>", "</graph>", "</think>", "<answer>", "</answer>"]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_whatever_a_reply_is(data: st.DataObject) -> None:
    about = clip_of(5, nodes=3, frames=2)
    text = data.draw(strategies.hostile_texts(about))
    told = told_of(text, about)
    assert told["text"] == text
    assert len(told["marks"]) <= MARKS  # type: ignore[arg-type]
    end = len(text.encode("utf-16-le", "surrogatepass")) // 2
    for mark in told["marks"]:  # type: ignore[attr-defined]
        assert 0 <= mark["from"] <= mark["to"] <= end
