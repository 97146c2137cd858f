"""Two specs on the same rollouts: known totals, ranks, correlations, and the rows that change most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from api_samples import NODES, REPLIES, graph_block, reply, truth
from rollout_samples import Line, healthy, rollouts, scores
from videostr import COMPONENTS, PRESETS, RewardSpec, Scorer
from videostr.rollouts import Comparison
from videostr.rollouts.ranks import best, ranks, spearman
from videostr.rollouts.weighted import WEIGHTED, weighted_parts

ANSWERS = RewardSpec.preset("answer-only")
NODES_ONLY = ANSWERS.replace(weights={"format": 0, "answer": 0, "node": 2})


def compare(
    lines: list[Line],
    a: RewardSpec = ANSWERS,
    b: RewardSpec = NODES_ONLY,
    *,
    chunk: int | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The lines compared, `chunk` at a time."""
    comparison, scorers = Comparison(a, b, **options), (Scorer(a), Scorer(b))
    found = rollouts(lines, scorers[0])
    for start in range(0, len(lines), chunk or len(lines)):
        some = slice(start, start + (chunk or len(lines)))
        comparison.add(found[some], *(scores(lines[some], scorer) for scorer in scorers))
    return comparison.to_dict()


def line(answer: str, nodes: int, group: str | None = "q", **fields: Any) -> Line:
    """A reply of this answer (B is right) that has `nodes` of the four nodes in their places."""
    text = reply(graph_block(NODES[:nodes]), answer)
    return {"text": text, "ground_truth": truth(), "group": group, **fields}


KNOWN = [line("B", 1), line("A", 4), line("A", 2)]
"""Under A, format and answer: 2, 1, 1. Under B, twice the node score: 0.5, 2, 1."""


def test_known_totals_and_ranks() -> None:
    told = compare(KNOWN)
    assert told["specs"] == {"a": ANSWERS.fingerprint, "b": NODES_ONLY.fingerprint}
    rows = {entry["row"]: entry for entry in told["largest_changes"]["rank"]}
    assert {row: entry["rank"] for row, entry in rows.items()} == {0: [1, 3], 1: [2.5, 1], 2: [2.5, 2]}
    assert {row: entry["total"] for row, entry in rows.items()} == {
        0: [2, pytest.approx(0.5)],
        1: [1, pytest.approx(2)],
        2: [1, pytest.approx(1)],
    }
    assert list(rows) == [0, 1, 2], "largest first"
    assert [entry["row"] for entry in told["largest_changes"]["total"]] == [0, 1], "row 2 keeps its total"
    assert rows[0]["by_component"] == {"answer": -1, "format": -1, "node": pytest.approx(0.5)}
    assert rows[0]["place"] == "1.jsonl:1"
    assert told["groups"] == {
        "count": 1,
        "spearman": pytest.approx(-math.sqrt(3) / 2),
        "correlated": 1,
        "constant": {"a": 0, "b": 0},
        "best_changed": 1,
    }


def test_components_that_change() -> None:
    told = compare(KNOWN)["components"]
    assert told["node"]["change"] == 0, "a weight changes no component"
    assert (told["total"]["changed"], told["total"]["defined"]) == (2, {"a": 3, "b": 3})
    assert told["total"]["mean"] == {"a": pytest.approx(4 / 3), "b": pytest.approx(3.5 / 3)}


def test_a_kernel_moves_its_component_alone() -> None:
    moved = [{**node, "center": [node["center"][0] + 0.5, *node["center"][1:]]} for node in NODES]
    lines = [{"text": reply(graph_block(moved)), "ground_truth": truth()}]
    told = compare(lines, RewardSpec(), RewardSpec(node_kernel="linear"))["components"]
    assert told["node"]["change"] > 0.1
    assert {name for name in COMPONENTS if told[name]["changed"]} == {"node", "graph", "total"}


def test_what_one_side_alone_defines() -> None:
    """so3 asks nothing of a flat scene's chirality, yaw does."""
    flat = [{**node, "center": [*node["center"][:2], 0.0]} for node in NODES]
    world = {"space": "world", "unit": "m", "up": [0, 0, 1], "frames": [{"nodes": flat}]}
    lines = [{"text": reply(graph_block(flat)), "ground_truth": {"version": 1, "graph": world}}]
    specs = (RewardSpec.preset("pose-free"), RewardSpec.preset("so3"))
    told = compare(lines, *specs)["components"]["chirality"]
    assert told == {"defined": {"a": 1, "b": 0}, "mean": {"a": 1, "b": None}, "change": None, "changed": 1}
    told = compare(lines, *reversed(specs))["components"]["chirality"]
    assert told == {"defined": {"a": 0, "b": 1}, "mean": {"a": None, "b": 1}, "change": None, "changed": 1}


def test_groups_of_equal_totals_have_no_correlation() -> None:
    told = compare([line("B", 1), line("B", 2), line("A", 3, "r"), line("B", 3, "r")])["groups"]
    assert told == {
        "count": 2,
        "spearman": None,
        "correlated": 0,
        "constant": {"a": 1, "b": 1},
        "best_changed": 0,
    }


def test_the_mean_correlation_is_over_the_groups_that_have_one() -> None:
    told = compare([*KNOWN, line("B", 1, "r"), line("B", 2, "r")])["groups"]
    assert (told["count"], told["correlated"], told["spearman"]) == (2, 1, pytest.approx(-math.sqrt(3) / 2))


def test_the_best_of_equals_has_not_changed_when_it_is_among_them() -> None:
    assert compare([line("B", 1), line("B", 4), line("A", 2)])["groups"]["best_changed"] == 0
    assert compare([line("B", 1), line("B", 2), line("A", 4)])["groups"]["best_changed"] == 1


def test_data_sources_are_apart() -> None:
    lines = [{**each, "data_source": "x"} for each in KNOWN]
    lines += [line("B", 4, "r", data_source="y"), line("A", 1, "r", data_source="y")]
    told = compare(lines)
    parts = told["data_sources"]
    assert {name: (part["rows"], part["groups"]["count"]) for name, part in parts.items()} == {
        "x": (3, 1),
        "y": (2, 1),
    }
    assert (parts["x"]["spearman"], parts["y"]["spearman"]) == (pytest.approx(-math.sqrt(3) / 2), 1)
    assert parts["x"]["components"] == compare(KNOWN)["components"]
    totals = ([2, 1, 1, 2, 1], [0.5, 2, 1, 2, 0.5])
    assert told["spearman"] == pytest.approx(stats.spearmanr(*totals).statistic)
    assert told["groups"]["spearman"] == pytest.approx((1 - math.sqrt(3) / 2) / 2)


def test_lines_without_groups_have_no_ranks() -> None:
    told = compare([{**each, "group": None} for each in KNOWN])
    assert told["groups"]["count"] == 0
    assert told["largest_changes"]["rank"] == []
    assert len(told["largest_changes"]["total"]) == 2


def test_the_same_spec_changes_nothing() -> None:
    told = compare(healthy(), RewardSpec(), RewardSpec())
    assert (told["spearman"], told["groups"]["spearman"], told["groups"]["best_changed"]) == (1, 1, 0)
    assert told["largest_changes"] == {"total": [], "rank": []}
    assert not any(part["changed"] for part in told["components"].values())


def test_chunks_do_not_matter_and_the_top_is_the_top() -> None:
    lines = healthy(12, 4)
    a, b = RewardSpec(), RewardSpec.preset("video-str")
    whole, told = compare(lines, a, b, top=len(lines)), compare(lines, a, b, chunk=8, top=5)
    for kind in ("total", "rank"):
        assert told["largest_changes"][kind] == whole["largest_changes"][kind][:5]
    changes = [abs(entry["change"]) for entry in whole["largest_changes"]["total"]]
    assert changes == sorted(changes, reverse=True)
    assert len(changes) == len(lines)
    assert told["groups"] == whole["groups"]
    assert (told["rows"], told["spearman"]) == (whole["rows"], whole["spearman"])


def test_nothing() -> None:
    told = Comparison(ANSWERS, NODES_ONLY).to_dict()
    assert (told["rows"], told["spearman"], told["data_sources"]) == (0, None, {})
    assert told["components"]["total"]["mean"] == {"a": None, "b": None}


def test_correlation_and_ranks_are_scipys() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = rng.integers(0, 5, (2, int(rng.integers(2, 12)))) / 3
        assert ranks(a).tolist() == stats.rankdata(-a).tolist()
        if len(set(a)) > 1 and len(set(b)) > 1:
            assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
        else:
            assert spearman(a, b) is None
        assert best(a) == set(np.flatnonzero(a == a.max()))
    assert spearman([1.0], [2.0]) is None
    assert ranks([0.1 + 0.2, 0.3]).tolist() == [1.5, 1.5], "the last bits are no difference"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("gate", ["none", "answer", "format"])
def test_parts_add_up_to_the_total(preset: str, gate: Any) -> None:
    spec = RewardSpec.preset(preset).replace(gate=gate, weights={"motion": 0.3})
    texts = [*REPLIES, reply(answer="A"), "x" + reply()]
    number = truth(answer={"kind": "number", "value": 10})
    texts += [
        reply(answer=answer) for answer in ("5", "5.5", "10")
    ]  # worth 0.1, 0.2 and 1; the gate is at 0.1
    for reference in (truth(), number, {"version": 1, "graph": truth()["graph"]}):
        batch = Scorer(spec).score_batch(texts, reference, tokens=[400] * len(texts))
        parts = weighted_parts(spec, batch.components)
        assert tuple(parts) == WEIGHTED
        assert np.allclose(sum(parts.values()), batch.total, rtol=0, atol=1e-12)
