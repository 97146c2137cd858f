"""The golden lines: one rule of the scoring contract a line, with the score that it gives and the reason."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import videostr
from case_files import GOLDEN, Case, by_spec, golden, ident, read, scorer_of

TOLERANCE = 1e-9
SINGLE = [case for case in golden() if "group" not in case]
GROUPED = [case for case in golden() if "group" in case]


def assert_report(case: Case, report: videostr.Report) -> None:
    found = {name: report[name] for name in case["components"]}
    wrong = {
        name: (want, found[name])
        for name, want in case["components"].items()
        if (math.isnan(found[name]) if want is None else abs(found[name] - want) <= TOLERANCE) is False
    }
    assert not wrong, f"{case['rule']}: expected, found: {wrong}; {case.get('reason', '')}"
    read_as = (
        videostr.GRAPH_STATUS[report.graph_status],
        videostr.ANSWER_STATUS[report.answer_status],
        sorted(report.repair_names),
    )
    assert read_as == (case["graph_status"], case["answer_status"], sorted(case["repairs"])), case["rule"]


@pytest.mark.parametrize("case", SINGLE, ids=ident)
def test_line(case: Case) -> None:
    scorer = scorer_of(case)
    report = scorer.score(case["text"], scorer.prepare(case["reference"]), case["tokens"])
    assert_report(case, report)


@pytest.mark.parametrize("case", GROUPED, ids=ident)
def test_line_of_a_group(case: Case) -> None:
    scorer = scorer_of(case)
    texts = [case["text"], *case["group"]]
    tokens = [case["tokens"]] * len(texts)
    batch = scorer.score_batch(texts, case["reference"], tokens, group_ids=["prompt"] * len(texts))
    assert_report(case, batch[0])


@pytest.mark.parametrize("case", GROUPED, ids=ident)
def test_group_among_other_groups(case: Case) -> None:
    """Neither the order of a batch nor other groups in it move the length term."""
    scorer = scorer_of(case)
    rows = [
        (case["text"], "other"),
        *((text, "prompt") for text in case["group"]),
        (case["text"], "other"),
        (case["text"], "prompt"),
    ]
    texts, groups = zip(*rows, strict=True)
    batch = scorer.score_batch(texts, case["reference"], [case["tokens"]] * len(rows), group_ids=groups)
    assert_report(case, batch[len(rows) - 1])


def bits(components: Any) -> Any:
    return np.ascontiguousarray(components, dtype=np.float64).view(np.int64)


def test_batches_have_the_bits_of_single_calls() -> None:
    for scorer, cases in by_spec(SINGLE):
        refs = [scorer.prepare(case["reference"]) for case in cases]
        tokens = [case["tokens"] for case in cases]
        batch = scorer.score_batch([case["text"] for case in cases], refs, tokens)
        backwards = scorer.score_batch(
            [case["text"] for case in reversed(cases)], refs[::-1], tokens[::-1], num_threads=1
        )
        for row, (case, ref) in enumerate(zip(cases, refs, strict=True)):
            single = scorer.score(case["text"], ref, case["tokens"])
            values = [single[name] for name in videostr.COMPONENTS]
            assert (bits(values) == bits(batch.components[row])).all(), case["where"]
            assert (bits(values) == bits(backwards.components[-1 - row])).all(), case["where"]
            state = (single.graph_status, single.answer_status, single.repairs)
            assert state == (batch.graph_status[row], batch.answer_status[row], batch.repairs[row]), case[
                "where"
            ]


def test_both_forms_of_a_graph_have_the_same_bits() -> None:
    """A clean JSON graph, read and written again as JSON and as lines, scores to the last bit as before."""
    compared = 0
    for case in SINGLE:
        head, opened, rest = case["text"].partition("<graph>")
        block, closed, tail = rest.partition("</graph>")
        clean = case["graph_status"] == "ok" and not case["repairs"] and "#" not in block
        if not (clean and closed and block.lstrip()[:1] in ("[", "{")) or "max_bytes" in case["spec"]:
            continue
        scorer = scorer_of(case)
        graph = videostr.parse(case["text"], think_prefilled=case["spec"].get("think_prefilled", False)).graph
        expected = scorer.score(case["text"], case["reference"], case["tokens"])
        for form in (graph.to_json(), f"\n{graph.to_lines()}\n"):
            text = head + opened + form + closed + tail
            found = scorer.score(text, case["reference"], case["tokens"])
            assert (bits(found.components) == bits(expected.components)).all(), (case["where"], form)
            compared += 1
    assert compared > 500


def test_a_ground_truth_may_be_text() -> None:
    for case in SINGLE:
        scorer = scorer_of(case)
        from_text = scorer.score(case["text"], json.dumps(case["reference"]), case["tokens"])
        from_dict = scorer.score(case["text"], case["reference"], case["tokens"])
        names = videostr.COMPONENTS
        assert (bits([from_text[name] for name in names]) == bits([from_dict[name] for name in names])).all()


def test_every_knob_and_repair_has_a_line() -> None:
    """A field of the spec, a repair or a status that no line shows is a rule that nobody has checked."""
    cases = golden()
    knobs = {field for case in cases for field in case["spec"]}
    assert knobs == {"preset", *videostr.RewardSpec.preset("pose-free").to_dict()}
    assert {name for case in cases for name in case["repairs"]} == set(videostr.REPAIRS) - {"internal"}
    assert {case["graph_status"] for case in cases} == set(videostr.GRAPH_STATUS)
    assert {case["answer_status"] for case in cases} == set(videostr.ANSWER_STATUS)
    assert {case["spec"]["preset"] for case in cases} == set(videostr.PRESETS)


def test_lines_of_ours_say_why() -> None:
    ours = [case for case in golden() if not case["where"].startswith("worked")]
    assert len(ours) >= 150
    assert all(case["reason"] for case in ours)
    rules = [(case["rule"], case["text"], json.dumps(case["spec"])) for case in ours]
    assert len(set(rules)) == len(rules)


GOOD = {"version": 1, "answer": {"kind": "choice", "value": "B"}}


@pytest.mark.parametrize("case", read(GOLDEN / "reference_errors.jsonl"), ids=ident)
def test_a_bad_reference_names_row_and_field(case: Case) -> None:
    scorer = videostr.Scorer()
    with pytest.raises(videostr.GroundTruthError) as alone:
        scorer.prepare(case["reference"])
    error = alone.value
    assert error.field.startswith(case["field"]), case["reason"]
    assert error.row is None
    assert error.field in str(error)
    assert case.get("nearest", "") in error.message
    with pytest.raises(videostr.GroundTruthError) as in_batch:
        scorer.score_batch(["", ""], [GOOD, json.dumps(case["reference"])])
    assert (in_batch.value.row, in_batch.value.field) == (1, error.field)
    assert "row 1" in str(in_batch.value)


def located(space: str, **graph: Any) -> dict[str, Any]:
    nodes = [
        {"id": "cup.1", "label": "cup", "center": [0.0, 0.0, 0.0]},
        {"id": "jar", "label": "jar", "center": [1, 1, 1]},
    ]
    return {"version": 1, "graph": {"space": space, "unit": "m", "frames": [{"nodes": nodes}], **graph}}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "path",
    [
        ("scale",),
        ("up", 2),
        ("frames", 0, "t"),
        ("frames", 0, "observer", 0),
        ("frames", 0, "nodes", 1, "center", 1),
    ],
)
def test_a_number_that_is_not_finite(path: tuple[Any, ...], bad: float) -> None:
    """Not JSON, so no line of the file can hold it; a Python caller can."""
    truth = located("camera", up=[0, 0, 1], scale=10)
    truth["graph"]["frames"][0] |= {"t": 0.0, "observer": [0, 0, 0]}
    target = truth["graph"]
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = bad
    with pytest.raises(videostr.GroundTruthError) as caught:
        videostr.Scorer().prepare(truth)
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[:-1])
    assert caught.value.field.startswith(f"graph{words}")


@pytest.mark.parametrize(
    "text", ["", "B", "null", "[]", "{", '{"version":1', '{"version":1}x', "\ud800", "NaN"]
)
def test_a_ground_truth_that_is_no_json_object(text: str) -> None:
    with pytest.raises(videostr.GroundTruthError):
        videostr.Scorer().prepare(text)


@pytest.mark.parametrize("case", read(GOLDEN / "spec_errors.jsonl"), ids=ident)
def test_a_bad_spec_names_the_field(case: Case) -> None:
    with pytest.raises(videostr.SpecError) as caught:
        videostr.Scorer(videostr.RewardSpec.from_dict(case["spec"])).prepare(case.get("reference", GOOD))
    assert caught.value.field.startswith(case["field"]), case["reason"]
    assert case.get("nearest", "") in caught.value.message


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_weight_that_is_not_finite(bad: float) -> None:
    with pytest.raises(videostr.SpecError) as caught:
        videostr.RewardSpec.preset("pose-free").replace(weights={"node": bad})
    assert caught.value.field.startswith("weights")


def test_parse_takes_three_numbers_where_there_are_three() -> None:
    graph = videostr.parse("<think><graph>chair 1 2 3\nlamp 4 5\n</graph></think>").graph
    assert [(node.label, node.suffix, node.center) for node in graph.frames[0].nodes] == [
        ("chair", None, (1.0, 2.0, 3.0)),
        ("lamp", None, (4.0, 5.0)),
    ]
