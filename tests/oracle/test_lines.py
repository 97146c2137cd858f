"""The oracle against the golden lines, the worked examples of the contract among them."""

from __future__ import annotations

import pytest

from case_files import Case, golden, ident

from .score import score, score_group


@pytest.mark.parametrize("case", golden(), ids=ident)
def test_line(case: Case) -> None:
    if "group" in case:
        texts = [case["text"], *case["group"]]
        tokens = [case["tokens"]] * len(texts)
        got = score_group(texts, case["reference"], case["spec"], tokens, [0] * len(texts))[0]
    else:
        got = score(case["text"], case["reference"], case["spec"], case["tokens"])
    named = {name: got["components"][name] for name in case["components"]}  # a few lines leave success out
    assert named == pytest.approx(case["components"], abs=1e-9)
    assert (got["graph_status"], got["answer_status"]) == (case["graph_status"], case["answer_status"])
    assert sorted(got["repairs"]) == sorted(case["repairs"])


def test_there_are_lines_of_every_kind() -> None:
    assert len(golden()) >= 700
    assert sum("group" in case for case in golden()) >= 5
