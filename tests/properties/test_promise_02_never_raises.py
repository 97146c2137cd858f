"""Promise 2: a reply never raises, and no bug of ours is hidden behind the `internal` bit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import videostr
from videostr import Reference, Scorer
from videostr.testing import Scene, table_with_chairs
from videostr.testing import strategies as vst

from .harness import INTERNAL, Scores, assert_goes_red, rows, scorer


@dataclass(frozen=True)
class Case:
    scene: Scene
    text: str


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scene = draw(vst.scenes())
    return Case(scene, draw(st.one_of(vst.hostile_texts(scene), vst.replies(scene), deep_texts())))


def deep_texts() -> st.SearchStrategy[str]:
    """Brackets, braces and tags nested far deeper than any parser may follow."""
    openings = st.sampled_from(["[", "{", '{"a":', "[[1,", "(", "<graph>", "<think>", "'", '"', "/*", "-"])
    deep = st.builds(lambda piece, times: piece * times, openings, st.sampled_from([30, 1000, 20_000]))
    return deep.map(lambda text: f"<think><graph>{text}</graph></think><answer>{text[:50]}</answer>")


def check(scorer: Scores, case: Case) -> None:
    ref = scorer.prepare(case.scene.reference())
    try:
        scorer.score(case.text, ref, tokens=400)
        batch = rows(scorer, [case.text], ref)
    except Exception as error:
        raise AssertionError(f"a reply raised {error!r}") from error
    assert not int(batch.repairs[0]) & INTERNAL, "a bug of ours was caught and hidden"


@given(case=cases(), spec=vst.specs())
def test_never_raises(case: Case, spec: object) -> None:
    check(Scorer(spec), case)


@given(case=cases())
@example(case=Case(table_with_chairs(), "<think><graph>\ud800</graph>"))
def test_what_people_read_never_raises(case: Case) -> None:
    real = scorer()
    assert isinstance(real.score(case.text, real.prepare(case.scene.reference())).explain(), str)
    videostr.parse(case.text)


class _Strict:
    """A scorer that reads the reply as users write it: encode, json.loads the graph."""

    def __init__(self, read: Callable[[str], object]) -> None:
        self.real = scorer()
        self.read = read

    def prepare(self, ground_truth: Any) -> Reference:
        return self.real.prepare(ground_truth)

    def score(self, text: str, ref: Reference, tokens: int | None = None) -> Mapping[str, float]:
        self.read(text)
        return self.real.score(text, ref, tokens=tokens)

    def score_batch(self, texts: Any, refs: Any, **options: Any) -> Any:
        return self.real.score_batch(texts, refs, **options)


def _read_json(text: str) -> object:
    found = re.search(r"<graph>(.*?)</graph>", text, re.DOTALL)
    return json.loads(found[1]) if found else None


@pytest.mark.parametrize("read", [str.encode, _read_json], ids=["encode", "json"])
def test_can_fail(read: Callable[[str], object]) -> None:
    assert_goes_red(lambda case: check(_Strict(read), case), cases())


def test_a_caught_bug_goes_red() -> None:
    class Marked(_Strict):
        def score_batch(self, texts: Any, refs: Any, **options: Any) -> Any:
            batch = rows(self.real, texts, refs, **options)
            batch.repairs[:] |= INTERNAL
            return batch

    assert_goes_red(lambda case: check(Marked(len), case), cases())
