"""Promise 4: same input, same bits, whatever the batch, its order, the threads or the process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videostr import Reference, Scorer
from videostr.testing import Scene, clip, random_scene, reply, right_answer, shuffle, wander
from videostr.testing import strategies as vst

from .harness import Rows, Scores, assert_goes_red, in_new_process, rows, scorer

FILLER = "<think>" + "I see a chair beside the table. " * 1000 + "</think>"
"""A last row that makes every batch large enough to be given to the pool."""


@dataclass(frozen=True)
class Case:
    """Some prompts with a few replies each, and another order for all of them."""

    scenes: tuple[Scene, ...]
    texts: tuple[str, ...]
    owner: tuple[int, ...]
    tokens: tuple[int | None, ...]
    order: tuple[int, ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scenes = tuple(draw(st.lists(vst.scenes(), min_size=1, max_size=3)))
    owner = tuple(draw(st.lists(st.integers(0, len(scenes) - 1), min_size=1, max_size=10)))
    texts = tuple(draw(st.one_of(vst.replies(scenes[k]), vst.hostile_texts(scenes[k]))) for k in owner)
    tokens = tuple(draw(st.sampled_from([None, 319, 320, 512])) for _ in owner)
    return Case(scenes, texts, owner, tokens, tuple(draw(st.permutations(range(len(owner))))))


def check(scorer: Scores, case: Case) -> None:
    prepared = [scorer.prepare(scene.reference()) for scene in case.scenes]
    refs = [prepared[k] for k in case.owner]
    texts, tokens = [*case.texts, FILLER], [*case.tokens, None]
    refs.append(prepared[0])
    whole = rows(scorer, texts, refs, tokens=tokens, num_threads=1)

    def again(order: Sequence[int], threads: int | None, what: str) -> None:
        got = rows(
            scorer,
            [texts[k] for k in order],
            [refs[k] for k in order],
            tokens=[tokens[k] for k in order],
            num_threads=threads,
        )
        assert got.bits() == whole.take(np.array(order)).bits(), what

    straight = list(range(len(refs)))
    again(straight, 1, "a second time")
    again(straight, 2, "two threads")
    again(straight, 5, "five threads")
    again(straight, None, "threads as they come")
    again(case.order, 1, "another order")
    again([straight[-1], *case.order], 3, "another order in three threads")
    again(straight * 3, 2, "three times over")
    again(straight[len(straight) // 2 :], 1, "half of it")


@given(case=cases(), spec=vst.specs())
def test_same_bits(case: Case, spec: object) -> None:
    check(Scorer(spec), case)


def corpus_digest() -> str:
    """One hash over every bit of a seeded corpus under three specs."""
    digest = hashlib.sha256()
    for preset in ("pose-free", "so3", "video-str"):
        real = scorer(preset)
        texts: list[str] = []
        refs: list[Reference] = []
        for seed in range(40):
            rng = np.random.default_rng(seed)
            scene = random_scene(rng, nodes=int(rng.integers(2, 9)), up=(0.0, 0.0, 1.0) if seed % 2 else None)
            scene = clip(rng, scene, frames=1 + seed % 4, hidden=0.1)
            frames = shuffle(rng, wander(rng, scene))
            texts.append(reply(frames, right_answer(scene.answer), form="lines" if seed % 3 else "json"))
            refs.append(real.prepare(scene.reference()))
        for column in rows(real, texts, refs).bits():
            digest.update(column)
    return digest.hexdigest()


@pytest.mark.parametrize(
    "environment", [{"PYTHONHASHSEED": "1"}, {"VIDEOSTR_NUM_THREADS": "1"}, {"VIDEOSTR_NUM_THREADS": "7"}]
)
def test_same_bits_in_another_process(environment: dict[str, str]) -> None:
    program = "from properties.test_promise_04_same_bits import corpus_digest; print(corpus_digest())"
    assert in_new_process(program, **environment) == corpus_digest()


class _Faulty:
    """The real scorer whose batches depend on something that they must not depend on."""

    def __init__(self) -> None:
        self.real = scorer()

    def prepare(self, ground_truth: Any) -> Reference:
        return self.real.prepare(ground_truth)

    def score(self, text: str, ref: Reference, tokens: int | None = None) -> Any:
        return self.real.score(text, ref, tokens=tokens)

    def score_batch(self, texts: Sequence[str], refs: Any, **options: Any) -> Rows:
        batch = rows(self.real, texts, refs, **options)
        self.spoil(batch, options)
        return batch

    def spoil(self, batch: Rows, options: dict[str, Any], /) -> None:
        raise NotImplementedError


class _LastRow(_Faulty):
    def spoil(self, batch: Rows, _: dict[str, Any]) -> None:
        batch.components[-1] = np.nextafter(batch.components[-1], np.inf)


class _Threads(_Faulty):
    def spoil(self, batch: Rows, options: dict[str, Any]) -> None:
        if options.get("num_threads") != 1:
            batch.components[:] = batch.components.astype(np.float32)


class _Before(_Faulty):
    """What an earlier row held is left in the scratch of the next."""

    def spoil(self, batch: Rows, _: dict[str, Any]) -> None:
        batch.repairs[1:] |= batch.repairs[:-1]


@pytest.mark.parametrize("fault", [_LastRow, _Threads, _Before])
def test_can_fail(fault: type[_Faulty]) -> None:
    assert_goes_red(lambda case: check(fault(), case), cases())
