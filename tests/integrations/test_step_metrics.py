"""The numbers of a step for the trainer's loggers, against what `videostr score` says of the step's shard."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videostr import ANSWER_STATUS, COMPONENTS, GRAPH_STATUS, REPAIRS
from videostr.cli import main
from videostr.integrations.step_metrics import step_metrics, task_of
from videostr.integrations.verl import reward_for
from videostr.integrations.verl_rollouts import write_shard, write_spec
from videostr.integrations.verl_step import Row, Scored, score_step

REWARD = reward_for(
    {"preset": "pose-free", "length_min": 20, "length_max": 90}, [{"function": "math:fsum", "weight": 0.1}]
)
CHAIRS = {
    "version": 1,
    "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]},
    "graph": {
        "space": "world",
        "unit": "m",
        "up": [0, 0, 1],
        "scale": 4.0,
        "frames": [
            {
                "nodes": [
                    {"id": f"chair.{k}", "label": "chair", "center": [k, k * k / 2, 0.5 * (k % 2)]}
                    for k in range(4)
                ]
            }
        ],
    },
}
ASKED = {"version": 1, "answer": {"kind": "number", "value": 2.0}}
GRAPH = "@\n" + "".join(f"chair.{k} {k} {k * k / 2} {0.5 * (k % 2)}\n" for k in range(4))


def row(
    group: str, key: int, truth: Any, text: str, *, tokens: int = 30, source: str = "videostr/test/side"
) -> Row:
    given = REWARD.score(text, truth, tokens=tokens)
    failed = (
        {"term_fsum": 0.0, "term_fsum_failed": 1.0}
        if key % 2
        else {"term_fsum": 0.5, "term_fsum_failed": 0.0}
    )
    return Row(
        f"{group}_{key}_0",
        group,
        text,
        json.dumps(truth),
        tokens,
        given | failed,
        given["score"],
        data_source=source,
    )


def step() -> list[Scored]:
    think = f"<think><graph>{GRAPH}</graph></think>"
    rows = [
        row("a", 0, CHAIRS, f"{think}<answer>B</answer>"),
        row("a", 1, CHAIRS, f"{think}<answer>A</answer>", tokens=90),
        row("a", 2, CHAIRS, "<think><graph>```\n@\nchair.0 0 0 0\nx y\n</think><answer>B"),
        row("b", 0, ASKED, "<think></think><answer>two</answer>", tokens=12, source="videostr/test/count"),
        row("b", 1, ASKED, "<think></think><answer>2</answer>", tokens=14, source="videostr/test/count"),
        row("c", 0, ASKED, "nothing", tokens=1, source="mine"),
        row("c", 1, ASKED, "nothing", tokens=1, source="mine"),
        row("d", 0, {"version": 1}, "a bad truth", tokens=3, source=""),
    ]
    return score_step(REWARD, rows)


@pytest.fixture(scope="module")
def scored() -> list[Scored]:
    return step()


@pytest.fixture(scope="module")
def metrics(scored: Sequence[Scored]) -> dict[str, float]:
    return step_metrics(scored, token_limit=90)


def test_all_are_finite_floats_under_our_prefix(metrics: dict[str, float]) -> None:
    assert all(type(value) is float and math.isfinite(value) for value in metrics.values())
    assert all(key.startswith("videostr/") for key in metrics)


def test_components_are_those_that_the_command_finds_in_the_shard(
    scored: Sequence[Scored], metrics: dict[str, float], tmp_path: Path
) -> None:
    spec = REWARD.scorer.spec
    good = [one for one in scored if one.report is not None]
    shard = write_shard(tmp_path, 1, good, spec)
    out = tmp_path / "scores.jsonl"
    assert main(["score", str(shard), "--spec", str(write_spec(tmp_path, spec)), "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for name in COMPONENTS:
        values = [line["components"][name] for line in lines]
        known = [value for value in values if value is not None]
        assert metrics[f"videostr/{name}/defined"] == len(known) / len(scored)
        if known:
            assert metrics[f"videostr/{name}/mean"] == pytest.approx(np.mean(known), abs=1e-15)
            assert metrics[f"videostr/{name}/std"] == pytest.approx(np.std(known), abs=1e-15)
        else:
            assert f"videostr/{name}/mean" not in metrics
    for name in GRAPH_STATUS:
        share = sum(line["graph_status"] == name for line in lines) / len(scored)
        assert metrics[f"videostr/graph_status/{name}"] == share
    for name in ANSWER_STATUS:
        share = sum(line["answer_status"] == name for line in lines) / len(scored)
        assert metrics[f"videostr/answer_status/{name}"] == share
    for name in set(REPAIRS) - {"internal"}:
        assert metrics[f"videostr/repairs/{name}"] == sum(name in line["repairs"] for line in lines) / len(
            scored
        )
    assert metrics["videostr/repairs/any"] == 1 / 8
    assert metrics["videostr/internal"] == 0
    assert metrics["videostr/bad_reference"] == 1 / 8


def test_undefined_is_not_zero(metrics: dict[str, float]) -> None:
    assert metrics["videostr/node/defined"] == 3 / 8
    assert metrics["videostr/node/mean"] > 0.5, "over the three replies whose reference has a graph"
    assert metrics["videostr/score/mean"] == pytest.approx(np.mean([one.score for one in step()]))


def test_groups_are_counted_by_what_they_solve(metrics: dict[str, float]) -> None:
    assert metrics["videostr/groups/count"] == 4
    assert metrics["videostr/groups/replies"] == 2
    solved = [metrics[f"videostr/groups/solved_{name}"] for name in ("none", "some", "all")]
    assert solved == [2 / 4, 1 / 4, 1 / 4]
    # c: the same reply twice; b: equal but for the term, which failed in one; d: alone
    assert metrics["videostr/groups/zero_variance"] == 1 / 4


def test_lengths(metrics: dict[str, float], scored: Sequence[Scored]) -> None:
    tokens = [one.row.tokens for one in scored]
    assert metrics["videostr/tokens/mean"] == np.mean(tokens)
    assert (metrics["videostr/tokens/min"], metrics["videostr/tokens/max"]) == (1, 90)
    assert metrics["videostr/tokens/at_limit"] == 1 / 8
    assert "videostr/tokens/at_limit" not in step_metrics(scored)


def test_tasks(metrics: dict[str, float], scored: Sequence[Scored]) -> None:
    assert metrics["videostr/task/test/count/replies"] == 2
    assert metrics["videostr/task/test/count/answer/mean"] == 1
    assert "videostr/task/test/count/graph/mean" not in metrics
    side = [one.report for one in scored if one.row.data_source == "videostr/test/side"]
    assert metrics["videostr/task/test/side/graph/mean"] == pytest.approx(
        np.mean([one.graph for one in side if one])
    )
    assert metrics["videostr/task/mine/score/mean"] == pytest.approx(scored[5].score, abs=0.1)
    assert metrics["videostr/task/unnamed/replies"] == 1
    assert task_of("videostr/kitti/displacement/") == "kitti/displacement"


def test_terms_are_over_those_that_did_not_fail(metrics: dict[str, float]) -> None:
    assert metrics["videostr/term_fsum/mean"] == 0.5
    assert metrics["videostr/term_fsum/std"] == 0
    assert metrics["videostr/term_fsum/failed"] == 3 / 8


def test_the_chance_level_is_that_of_the_references(metrics: dict[str, float]) -> None:
    levels = REWARD.scorer.prepare(CHAIRS).describe(draws=16)["components"]
    assert metrics["videostr/node/chance"] == pytest.approx(levels["node"]["mean"])
    asked = REWARD.scorer.prepare(ASKED).describe(draws=16)["components"]
    expected = (3 * levels["answer"]["mean"] + 4 * asked["answer"]["mean"]) / 7
    assert metrics["videostr/answer/chance"] == pytest.approx(expected)
    assert "videostr/length/chance" not in metrics
    assert metrics["videostr/node/mean"] > metrics["videostr/node/chance"]


def test_no_replies_no_metrics() -> None:
    assert step_metrics([]) == {}


def test_references_that_are_all_bad_leave_what_can_be_said() -> None:
    metrics = step_metrics(score_step(REWARD, [row("d", 0, {"version": 1}, "x", tokens=3)]))
    assert metrics["videostr/bad_reference"] == 1
    assert metrics["videostr/score/mean"] == 0
    assert "videostr/answer/mean" not in metrics
