"""Hostile replies, one trick a line, with the most that it may earn."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest

import videostr
from case_files import Case, attacks, by_spec, ident, scorer_of, text_of

pytestmark = pytest.mark.alone
SECONDS = 2.0
CAPS = {"max_bytes", "max_frames", "max_nodes", "max_edges"}


def assert_sane(report: videostr.Report, reference_defines: set[str]) -> None:
    assert math.isfinite(report.total)
    assert "internal" not in report.repair_names
    for name in videostr.COMPONENTS:
        if name == "total":
            continue
        assert math.isnan(report[name]) or 0.0 <= report[name] <= 1.0, name
    defined = {name for name in videostr.COMPONENTS if not math.isnan(report[name])} - {"consistency"}
    assert defined == reference_defines - {"consistency"}


@pytest.mark.parametrize("case", attacks(), ids=ident)
def test_trick(case: Case) -> None:
    scorer = scorer_of(case)
    ref = scorer.prepare(case["reference"])
    text = text_of(case)
    started = time.perf_counter()
    report = scorer.score(text, ref, case["tokens"])
    seconds = time.perf_counter() - started
    assert seconds < SECONDS, f"{case['trick']}: {seconds:.2f} s"
    empty = scorer.score("", ref, case["tokens"])
    assert_sane(report, {name for name in videostr.COMPONENTS if not math.isnan(empty[name])})
    for name, most in case["at_most"].items():
        assert report[name] <= most + 1e-9, (
            f"{case['trick']}: {name} {report[name]} over {most}: {case['why']}"
        )
    for name, least in case.get("at_least", {}).items():
        assert report[name] >= least - 1e-9, (
            f"{case['trick']}: {name} {report[name]} under {least}: {case['why']}"
        )
    if "graph_status" in case:
        assert videostr.GRAPH_STATUS[report.graph_status] == case["graph_status"]
    if "answer_status" in case:
        assert videostr.ANSWER_STATUS[report.answer_status] == case["answer_status"]


def test_no_trick_touches_its_neighbours() -> None:
    """Scored together, each row has the bits of its own call: nothing shifts, leaks or stays behind."""
    for scorer, cases in by_spec(attacks()):
        texts = [text_of(case) for case in cases]
        refs = [scorer.prepare(case["reference"]) for case in cases]
        tokens = [case["tokens"] for case in cases]
        batch = scorer.score_batch(texts, refs, tokens)
        alone = [scorer.score(*row) for row in zip(texts, refs, tokens, strict=True)]
        expected = np.array([[report[name] for name in videostr.COMPONENTS] for report in alone])
        assert (expected.view(np.int64) == batch.components.view(np.int64)).all()


def test_tricks_in_a_worker_thread() -> None:
    """No signal, no main thread is needed (a time-out by signal fails here)."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for case in attacks():
                scorer = scorer_of(case)
                assert math.isfinite(scorer.score(text_of(case), case["reference"], case["tokens"]).total)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failures


@pytest.mark.parametrize("case", attacks(), ids=ident)
def test_parse_takes_every_trick(case: Case) -> None:
    reply = videostr.parse(text_of(case), think_prefilled=case["spec"].get("think_prefilled", False))
    for frame in reply.graph.frames:
        for node in frame.nodes:
            assert all(abs(value) <= 1e9 for value in node.center)


def test_every_repair_and_cap_is_attacked() -> None:
    covered = {name for case in attacks() for name in case.get("covers", [])}
    assert covered == (set(videostr.REPAIRS) - {"internal"}) | CAPS
    assert len(attacks()) >= 60


def test_a_trick_covers_what_it_says() -> None:
    """A repair that a line covers is recorded in it, unless the graph was given up before."""
    for case in attacks():
        report = scorer_of(case).score(text_of(case), case["reference"], case["tokens"])
        status = videostr.GRAPH_STATUS[report.graph_status]
        for name in set(case.get("covers", [])) - CAPS:
            assert name in report.repair_names or status in {"bad", "too_big"}, (case["trick"], name)
