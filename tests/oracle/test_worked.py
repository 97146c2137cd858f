"""The oracle against the worked examples of the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .score import score, score_group

TESTS = Path(__file__).resolve().parent.parent
PLACES = (TESTS / "golden" / "worked.jsonl", TESTS.parent.parent / "shared" / "spec" / "worked.jsonl")


def worked() -> list[dict[str, Any]]:
    for place in PLACES:
        if place.exists():
            return [json.loads(line) for line in place.read_text("utf-8").split("\n") if line]
    raise FileNotFoundError(f"worked examples are in none of {PLACES}")


@pytest.mark.parametrize("case", [pytest.param(case, id=case["rule"]) for case in worked()])
def test_worked(case: dict[str, Any]) -> None:
    if "group" in case:
        texts = [case["text"], *case["group"]]
        got = score_group(
            texts, case["reference"], case["spec"], [case["tokens"]] * len(texts), [0] * len(texts)
        )[0]
    else:
        got = score(case["text"], case["reference"], case["spec"], case["tokens"])
    named = {name: got["components"][name] for name in case["components"]}  # a few lines leave success out
    assert named == pytest.approx(case["components"], abs=1e-9)
    assert (got["graph_status"], got["answer_status"]) == (case["graph_status"], case["answer_status"])
    assert sorted(got["repairs"]) == sorted(case["repairs"])
