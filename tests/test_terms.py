"""The user's own terms: what a recipe may name, and that no failure of one reaches another sample."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import videostr
from videostr import terms as module
from videostr.errors import TermError
from videostr.terms import LARGEST, Sample, Term, load_terms, total_with_terms

TRUTH = {"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}
SCORER = videostr.Scorer()


def _samples(*texts: str) -> list[Sample]:
    reports = [SCORER.score(text, TRUTH, 40) for text in texts]
    return [
        Sample(text, r.reference, r, 40, False, "src", {"index": 3})
        for text, r in zip(texts, reports, strict=True)
    ]


def _term(function: Callable[[Sequence[Sample]], Any], name: str = "t") -> Term:
    return Term(name, 1.0, f"test:{name}", function)


def not_a_word(samples: Sequence[Sample]) -> list[float]:
    return [float(sample.text.split()[1]) for sample in samples]


def length_of_answer(samples: Sequence[Sample]) -> list[int]:
    return [len(sample.reply.answer or "") for sample in samples]


async def asynchronous(samples: Sequence[Sample]) -> list[float]:
    return [0.0 for _ in samples]


def two(replies: Any, references: Any) -> Any:
    return replies, references


NOT_CALLABLE = 3


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_said", set())


def test_a_term_sees_the_reply_read_its_reference_and_our_scores() -> None:
    def all_of_it(samples: Sequence[Sample]) -> list[float]:
        (sample,) = samples
        assert sample.reply.answer == "B"
        assert sample.reference.ground_truth["answer"]["value"] == "B"
        assert (sample.report["answer"], sample.report["format"]) == (1.0, 1.0)
        assert (sample.tokens, sample.truncated, sample.data_source) == (40, False, "src")
        assert sample.extra_info == {"index": 3}
        return [2.5]

    assert _term(all_of_it).evaluate(_samples("<think></think><answer>B</answer>")) == [2.5]


def test_one_that_fails_shifts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    samples = _samples("a 1", "a x", "a 3", "a", "a 5")
    with caplog.at_level(logging.WARNING):
        assert _term(not_a_word).evaluate(samples) == [1.0, None, 3.0, None, 5.0]
    assert len(caplog.records) == 1, "said once"
    assert "worth 0" in caplog.text
    assert "Traceback" in caplog.text


def test_a_failure_is_said_once_a_term(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("one", "other", "one"):
        _term(not_a_word, name).evaluate(_samples("x"))
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "result",
    [[1.0], [1.0, 2.0, 3.0], 1.0, None, "12", b"12", {1: 2, 3: 4}, np.zeros((3,)), np.float64(1)],
    ids=repr,
)
def test_another_count_of_numbers_is_tried_one_by_one(result: Any) -> None:
    def wrong_for_two(samples: Sequence[Sample]) -> Any:
        return result if len(samples) == 2 else [7.0]

    assert _term(wrong_for_two).evaluate(_samples("a", "b")) == [7.0, 7.0]


def test_a_count_that_is_wrong_for_one_too_is_a_failure() -> None:
    assert _term(lambda _: [1.0, 2.0, 3.0]).evaluate(_samples("a", "b")) == [None, None]


class Evil(float):
    def __float__(self) -> float:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, 2 * LARGEST, 10**400, "1", None, [1.0], 1j, Evil(3), np.float32("nan")],
    ids=lambda value: f"{type(value).__name__} {value!s:.9}",
)
def test_what_is_no_finite_number_fails_for_its_own_sample(value: Any) -> None:
    assert _term(lambda _: [1.0, value, 3.0]).evaluate(_samples("a", "b", "c")) == [1.0, None, 3.0]


@pytest.mark.parametrize("value", [2, 2.0, True, np.float32(2), np.int64(2), np.array(2.0), Fraction(2)])
def test_every_kind_of_number_is_one(value: Any) -> None:
    (found,) = _term(lambda _: [value]).evaluate(_samples("a"))
    assert type(found) is float
    assert found == float(value)


def test_an_array_is_a_sequence_of_numbers() -> None:
    assert _term(lambda samples: np.arange(len(samples))).evaluate(_samples("a", "b")) == [0.0, 1.0]


def test_no_samples_no_call() -> None:
    assert _term(lambda _: 1 / 0).evaluate([]) == []


def test_the_total_is_the_stated_sum() -> None:
    terms = load_terms(
        [
            {"function": "test_terms:length_of_answer", "weight": 0.1},
            {"function": "test_terms:not_a_word", "weight": -2, "name": "words"},
        ]
    )
    assert [(term.name, term.weight) for term in terms] == [("length_of_answer", 0.1), ("words", -2.0)]
    assert total_with_terms(0.3, terms, [3.0, 4.0]) == (0.3 + 0.1 * 3.0) + -2.0 * 4.0
    assert total_with_terms(0.3, terms, [None, None]) == 0.3
    assert load_terms(None) == load_terms([]) == ()


@pytest.mark.parametrize(
    ("entries", "field", "words"),
    [
        ("math:fsum", "", "list of mappings"),
        (3, "", "list of mappings"),
        ([3], "[0]", "a term is a mapping"),
        ([{"functon": "math:fsum"}], "[0]", "unknown key 'functon'; did you mean 'function'"),
        ([{}], "[0].function", "expected 'pkg.module:function'"),
        ([{"function": "math.fsum"}], "[0].function", "expected 'pkg.module:function'"),
        ([{"function": "os:system; rm"}], "[0].function", "expected"),
        ([{"function": "gone.module:f"}], "[0].function", "cannot be imported (ModuleNotFoundError"),
        ([{"function": "math:fsumm"}], "[0].function", "there is no 'fsumm'; did you mean 'fsum'"),
        ([{"function": "test_terms:NOT_CALLABLE"}], "[0].function", "is int, not a function"),
        ([{"function": "test_terms:asynchronous"}], "[0].function", "is an async function"),
        ([{"function": "test_terms:two"}], "[0].function", "cannot be called with one argument"),
        ([{"function": "math:fsum", "weight": "1"}], "[0].weight", "expected a number"),
        ([{"function": "math:fsum", "weight": True}], "[0].weight", "expected a number"),
        ([{"function": "math:fsum", "weight": None}], "[0].weight", "expected a number"),
        ([{"function": "math:fsum", "weight": 1e7}], "[0].weight", "expected a number of at most 1e+06"),
        ([{"function": "math:fsum", "weight": math.nan}], "[0].weight", "not a finite number"),
        ([{"function": "math:fsum", "name": "a b"}], "[0].name", "expected letters"),
        ([{"function": "math:fsum", "name": 1}], "[0].name", "expected letters"),
        ([{"function": "math:fsum"}, {"function": "math:fsum"}], "[1].name", "is taken"),
        (
            [{"function": "math:fsum"}, {"function": "math:prod", "name": "fsum_failed"}],
            "[1].name",
            "is taken",
        ),
    ],
)
def test_a_wrong_entry_is_refused_in_words(entries: Any, field: str, words: str) -> None:
    with pytest.raises(TermError) as caught:
        load_terms(entries)
    assert caught.value.field == field
    assert words in caught.value.message
    assert isinstance(caught.value, videostr.VideostrError)


def test_a_module_that_cannot_be_imported_says_why(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_rewards.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TermError, match="ZeroDivisionError: division by zero"):
        load_terms([{"function": "broken_rewards:f"}])
