"""The product against the oracle on golden replies with a few bytes changed (mutations.py)."""

from __future__ import annotations

import json
import random

import pytest

from .mutations import PIECES, mutated, mutation, replies
from .test_agreement import SEED, differences

COUNT = 2_500


def disagreements(first: int, count: int) -> list[str]:
    cases = replies()
    told = []
    for index in range(first, first + count):
        made = mutation(SEED, index, cases)
        if found := differences(made):
            told.append(f"{made['where']}, index {index}: (oracle, product) {found}\n{json.dumps(made)}")
    return told


def test_mutated_replies_agree() -> None:
    told = disagreements(0, COUNT)
    assert not told, f"{len(told)} of {COUNT} replies disagree; the first:\n" + "\n".join(told[:3])


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_mutated_replies_agree_full() -> None:
    told = disagreements(COUNT, 20_000)
    assert not told, f"{len(told)} of 20,000 replies disagree; the first:\n" + "\n".join(told[:3])


def test_mutations_reach_what_they_should() -> None:
    """Most replies are changed, and every piece is put in somewhere."""
    rng = random.Random(0)
    texts = [case["text"] for case in replies()]
    made = [mutated(rng, rng.choice(texts)) for _ in range(4_000)]
    assert len(set(made) - set(texts)) > 3_500
    assert all(any(piece in text for text in made) for piece in PIECES)
