"""Which rollouts are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videostr import COMPONENTS
from videostr.view.lines import Line, Place
from videostr.view.picks import ALONG, EACH, KINDS, SAMPLED_STEPS, Chooser, Pick, repeated_share

NAN = float("nan")


def line(step: int, number: int, score: float = 1.0, **fields: Any) -> Line:
    """A rollout with these components."""
    components = np.full(len(COMPONENTS), NAN)
    for name, value in {"answer": 0.5, "graph": 0.5, "total": score, **fields.pop("components", {})}.items():
        components[COMPONENTS.index(name)] = value
    values: dict[str, Any] = {
        "text": "x", "task": "t", "group": None, "tokens": 10.0, "terms": {}, "graph_status": "ok",
        "answer_status": "ok", "repairs": (), "ground_truth": "{}",
    } | fields  # fmt: skip
    return Line(
        place=Place(Path(f"{step}.jsonl"), number, 0, 0), components=components, score=score, **values
    )


def picks(shards: Sequence[Sequence[Line]]) -> list[Pick]:
    chooser = Chooser(range(1, len(shards) + 1))
    for position, shard in enumerate(shards):
        chooser.add_shard(position, shard)
    return chooser.picks()


def of_kind(found: Sequence[Pick], kind: str) -> list[str]:
    return [str(pick.place) for pick in found if kind in pick.why]


def test_best_worst_and_oddest() -> None:
    plain = [[line(step, number, score=1 + 0.001 * step) for number in range(1, 9)] for step in range(1, 21)]
    plain[3][1] = line(4, 2, score=9.0)
    plain[0][0] = line(1, 1, score=-5.0)  # an early one: bad replies are no news there
    plain[19][4] = line(20, 5, score=-1.0)
    plain[5][0] = line(6, 1, components={"answer": 1.0, "graph": 0.1})
    plain[6][0] = line(7, 1, components={"answer": 1.0, "graph": 0.49})
    plain[7][0] = line(8, 1, components={"answer": 0.0, "graph": 0.9})
    plain[8][0] = line(9, 1, components={"answer": 1.0, "graph": NAN})
    plain[9][0] = line(10, 1, repairs=("unit", "comment"))
    plain[9][1] = line(10, 2, repairs=("unit",))
    plain[10][0] = line(11, 1, tokens=999.0)
    plain[11][0] = line(12, 1, text="and so on and then " * 40)
    found = picks(plain)
    assert of_kind(found, "best")[0] == "4.jsonl:2"
    assert of_kind(found, "worst")[0] == "20.jsonl:5"
    assert "1.jsonl:1" not in of_kind(found, "worst")
    assert of_kind(found, "answer right, graph wrong") == ["6.jsonl:1", "7.jsonl:1"]
    assert of_kind(found, "graph right, answer wrong") == ["8.jsonl:1"]
    assert of_kind(found, "most repairs") == ["10.jsonl:1", "10.jsonl:2"]
    assert of_kind(found, "longest")[0] == "11.jsonl:1"
    assert of_kind(found, "repeats itself") == ["12.jsonl:1"]
    for kind in KINDS:
        assert len(of_kind(found, kind)) <= (EACH if kind != ALONG else 3 * SAMPLED_STEPS)
    assert len({str(pick.place) for pick in found}) == len(found), "a rollout of two kinds comes once"


def test_steps_along_the_run_are_evenly_spread() -> None:
    shards = [[line(step, number, score=float(number)) for number in (1, 2, 3)] for step in range(1, 101)]
    found = [pick for pick in picks(shards) if ALONG in pick.why]
    steps = sorted({pick.step for pick in found})
    assert len(steps) == SAMPLED_STEPS
    assert (steps[0], steps[-1]) == (1, 100)
    assert all(gap in (9, 10) for gap in np.diff(steps[1:-1]))
    for step in steps:
        assert {pick.score for pick in found if pick.step == step} == {3.0, 2.0, 1.0}, (
            "best, middle and worst"
        )


def test_one_of_a_group_and_its_rank() -> None:
    group = [line(1, number, score=float(number), group="g") for number in range(1, 5)]
    other = [line(1, 5, score=0.0, group="h"), line(1, 6, score=0.0, group="h")]
    found = picks([[*group, *other]])
    assert of_kind(found, "best") == ["1.jsonl:4", "1.jsonl:5"]
    best = next(pick for pick in found if "best" in pick.why)
    assert (best.rank, list(best.group_scores)) == (1, [1.0, 2.0, 3.0, 4.0])
    worst = (
        next(pick for pick in found if str(pick.place) == "1.jsonl:1")
        if "1.jsonl:1" in of_kind(found, "worst")
        else None
    )
    assert worst is None or worst.rank == 4


def test_a_group_name_of_another_step_is_another_group() -> None:
    shards = [[line(step, 1, score=float(step), group="g"), line(step, 2, group="g")] for step in (1, 2)]
    assert of_kind(picks(shards), "best") == ["2.jsonl:1", "1.jsonl:1"]


def test_nothing_and_little() -> None:
    assert picks([]) == []
    (only,) = picks([[line(1, 1)]])
    assert set(only.why) == {"best", "worst", "longest", ALONG}


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0.0, 0.0),
        ("a b c d e f", 0.0, 0.0),
        (" ".join(map(str, range(500))), 0.0, 0.0),
        ("the cat sat on the mat. " * 50, 0.9, 1.0),
        (" ".join([*map(str, range(300)), *map(str, range(300))]), 0.45, 0.55),
        ("x " * 10**6, 0.99, 1.0),
    ],
)
def test_the_share_that_repeats(text: str, least: float, most: float) -> None:
    assert least <= repeated_share(text) <= most
