"""Promise 5: a row of a batch equals the single call (length and total apart when groups are given)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from videostr import COMPONENTS, Reference, Scorer
from videostr.testing import strategies as vst

from .harness import Rows, Scores, assert_goes_red, rows, scorer
from .test_promise_04_same_bits import Case, cases

GROUPED = [COMPONENTS.index("length"), COMPONENTS.index("total")]
"""The columns that other replies of the group may change."""


def check(scorer: Scores, case: Case) -> None:
    prepared = [scorer.prepare(scene.reference()) for scene in case.scenes]
    refs = [prepared[k] for k in case.owner]
    reports = scorer.score_batch(case.texts, refs, tokens=case.tokens)
    batch = rows(scorer, case.texts, refs, tokens=case.tokens)
    grouped = rows(scorer, case.texts, refs, tokens=case.tokens, group_ids=list(case.owner))
    for k, (text, ref, tokens) in enumerate(zip(case.texts, refs, case.tokens, strict=True)):
        report: Any = scorer.score(text, ref, tokens=tokens)
        single = Rows(
            np.array([[report[name] for name in COMPONENTS]]),
            np.array([report.graph_status], dtype=np.uint8),
            np.array([report.answer_status], dtype=np.uint8),
            np.array([report.repairs], dtype=np.uint32),
        )
        assert batch.take(slice(k, k + 1)).bits() == single.bits(), f"row {k}"
        assert _ungrouped(grouped.take(slice(k, k + 1))).bits() == _ungrouped(single).bits(), (
            f"row {k}, grouped"
        )
        assert report.to_dict() == reports[k].to_dict()


def _ungrouped(row: Rows) -> Rows:
    return Rows(np.delete(row.components, GROUPED, axis=1), row.graph_status, row.answer_status, row.repairs)


@given(case=cases(), spec=vst.specs())
def test_row_is_single_call(case: Case, spec: object) -> None:
    check(Scorer(spec), case)


@given(case=cases())
def test_raw_truths_and_one_reference_for_all_are_the_same(case: Case) -> None:
    real = scorer()
    truths = [case.scenes[k].reference() for k in case.owner]
    prepared = [real.prepare(truth) for truth in truths]
    assert rows(real, case.texts, truths).bits() == rows(real, case.texts, prepared).bits()
    assert (
        rows(real, case.texts, prepared[0]).bits()
        == rows(real, case.texts, prepared[:1] * len(truths)).bits()
    )


class _Faulty:
    """A scorer with a fault in its batch path only."""

    def __init__(self) -> None:
        self.real = scorer()

    def prepare(self, ground_truth: Any) -> Reference:
        return self.real.prepare(ground_truth)

    def score(self, text: str, ref: Reference, tokens: int | None = None) -> Any:
        return self.real.score(text, ref, tokens=tokens)


class _LengthIgnoresTokens(_Faulty):
    def score_batch(self, texts: Sequence[str], refs: Any, **options: Any) -> Any:
        options["tokens"] = None
        return self.real.score_batch(texts, refs, **options)


class _RefsShifted(_Faulty):
    """One row too far: an exception that shifts the truths of the later samples does this."""

    def score_batch(self, texts: Sequence[str], refs: Any, **options: Any) -> Any:
        return self.real.score_batch(texts, [*refs[1:], refs[0]], **options)


class _GroupsLeak(_Faulty):
    """Groups change a component that they must leave alone."""

    def score_batch(self, texts: Sequence[str], refs: Any, **options: Any) -> Any:
        batch = self.real.score_batch(texts, refs, **options)
        if options.get("group_ids") is None:
            return batch
        spoiled = rows(self.real, texts, refs, **options)
        spoiled.components[:, COMPONENTS.index("answer")] *= 0.5
        return spoiled


@pytest.mark.parametrize("fault", [_LengthIgnoresTokens, _RefsShifted, _GroupsLeak])
def test_can_fail(fault: type[Any]) -> None:
    assert_goes_red(lambda case: check(fault(), case), cases())
