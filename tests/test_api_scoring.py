"""`Scorer`, `Reference`, `Report` and `BatchReport`: shapes, agreement of batch and single call, errors."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from api_samples import NODES, REPLIES, graph_block, reply, truth
from videostr import (
    ANSWER_STATUS,
    COMPONENTS,
    GRAPH_STATUS,
    PRESETS,
    GroundTruthError,
    InternalError,
    Reference,
    RewardSpec,
    Scorer,
    SpecError,
    _core,
)

SCORER = Scorer(RewardSpec.preset("pose-free"))
REF = SCORER.prepare(truth())


def bits(report: Any) -> tuple[bytes, bytes, bytes, bytes]:
    return (
        np.ascontiguousarray(report.components).tobytes(),
        np.uint8(report.graph_status).tobytes(),
        np.uint8(report.answer_status).tobytes(),
        np.uint32(report.repairs).tobytes(),
    )


def test_shapes_and_types() -> None:
    batch = SCORER.score_batch(REPLIES, REF)
    rows = len(REPLIES)
    assert batch.components.shape == (rows, len(COMPONENTS))
    assert batch.components.dtype == np.float64
    assert (batch.graph_status.dtype, batch.graph_status.shape) == (np.uint8, (rows,))
    assert (batch.answer_status.dtype, batch.answer_status.shape) == (np.uint8, (rows,))
    assert (batch.repairs.dtype, batch.repairs.shape) == (np.uint32, (rows,))
    assert len(batch) == rows
    assert [report.total for report in batch] == batch.total.tolist()
    for column, name in enumerate(COMPONENTS):
        np.testing.assert_array_equal(batch[name], batch.components[:, column])
        np.testing.assert_array_equal(getattr(batch, name), batch[name])
        assert getattr(batch[0], name) == batch[0][name] or np.isnan(batch[0][name])


def test_a_perfect_reply() -> None:
    report = SCORER.score(reply(), truth())
    assert report.total == pytest.approx(4.0)
    assert (report.format, report.answer, report.node, report.edge, report.chirality) == (1, 1, 1, 1, 1)
    assert np.isnan(report.motion)
    assert np.isnan(report.length)
    assert (GRAPH_STATUS[report.graph_status], ANSWER_STATUS[report.answer_status]) == ("ok", "ok")
    assert report.repair_names == ()


def test_an_empty_batch() -> None:
    batch = SCORER.score_batch([], REF)
    assert batch.components.shape == (0, 13)
    assert SCORER.score_batch([], []).total.tolist() == []
    assert batch.describe()["rows"] == 0


@pytest.mark.parametrize("preset", PRESETS)
def test_a_row_equals_the_single_call(preset: str) -> None:
    scorer = Scorer(RewardSpec.preset(preset))
    ref = scorer.prepare(truth())
    tokens = [None if row % 3 == 0 else 100.0 * row for row in range(len(REPLIES))]
    batch = scorer.score_batch(REPLIES, ref, tokens=tokens)
    for row, text in enumerate(REPLIES):
        single = scorer.score(text, ref, tokens=tokens[row])
        assert bits(single) == bits(batch[row])
    assert np.isfinite(batch.total).all()


def test_neither_order_nor_threads_nor_company_matter() -> None:
    texts = [text for text in REPLIES for _ in range(64)]
    due = SCORER.score_batch(texts, REF, num_threads=1)
    for threads in (2, 3, 7, None):
        assert bits(SCORER.score_batch(texts, REF, num_threads=threads)) == bits(due)
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = SCORER.score_batch([texts[row] for row in order], REF)
    np.testing.assert_array_equal(shuffled.components, due.components[order])


def test_every_form_of_refs_gives_the_same() -> None:
    texts = REPLIES[:4]
    due = bits(SCORER.score_batch(texts, REF))
    as_text = json.dumps(truth())
    for refs in (
        [REF] * 4,
        (REF,) * 4,
        truth(),
        as_text,
        [truth()] * 4,
        [as_text, truth(), REF, as_text],
        np.array([REF] * 4, dtype=object),
        iter([REF] * 4),
    ):
        assert bits(SCORER.score_batch(texts, refs)) == due  # type: ignore[arg-type]
    assert bits(SCORER.score_batch(np.array(texts, dtype=object), REF)) == due  # type: ignore[arg-type]
    assert bits(SCORER.score_batch(tuple(texts), REF)) == due


def test_raw_truths_are_prepared_once() -> None:
    scorer = Scorer(RewardSpec.preset("pose-free"))
    for meta in ("", "x" * 100_000):
        assert scorer.prepare(truth(meta=meta)) is scorer.prepare(truth(meta=meta))
    huge = truth(meta="x" * 2**20)
    assert scorer.prepare(huge) is not scorer.prepare(huge), "what is too big to keep is not kept"
    assert scorer.prepare(REF) is REF


def test_numpy_values_in_a_truth() -> None:
    nodes = [{**node, "center": np.array(node["center"])} for node in NODES]
    graph = {
        "space": "camera",
        "unit": "m",
        "scale": np.float32(8),
        "frames": [{"t": np.int64(0), "nodes": nodes}],
    }
    assert bits(SCORER.score(reply(), truth(graph=graph))) == bits(SCORER.score(reply(), REF))


def test_forms_of_tokens() -> None:
    texts = [reply()] * 3
    due = [True, False, True]
    for tokens in ([400, None, 320], np.array([400, np.nan, 320]), (400.0, float("nan"), 320.0)):
        batch = SCORER.score_batch(texts, REF, tokens=tokens)
        assert (~np.isnan(batch.length)).tolist() == due
        assert batch.length[0] == 1.0
    assert SCORER.score_batch(texts, REF, tokens=np.array([400, 300, 1], dtype=np.int32)).length.tolist() == [
        1,
        0,
        0,
    ]


@pytest.mark.parametrize(
    "groups", [["a", "a", "b"], [7, 7, 9], np.array([7, 7, 9]), [("x", 1), ("x", 1), "y"]]
)
def test_forms_of_group_ids(groups: Any) -> None:
    texts = [reply(), reply("[]"), reply()]
    batch = SCORER.score_batch(texts, REF, tokens=[400, 400, 400], group_ids=groups)
    assert batch.length.tolist() == [1, 1, 0], "the only right reply of its group earns none"
    assert batch.total[2] == pytest.approx(4.0)
    assert SCORER.score_batch(texts, REF, tokens=[400] * 3).length.tolist() == [1, 1, 1]


def test_unknown_groups_stand_alone() -> None:
    texts = [reply()] * 4
    nan = float("nan")
    for groups in (
        [None, "a", None, "b"],
        [nan, "a", nan, "b"],
        [np.float32("nan"), 1.0, None, 2.0],
        np.array([nan, 1.0, nan, 2.0]),
    ):
        batch = SCORER.score_batch(texts, REF, tokens=[400] * 4, group_ids=groups)
        assert batch.length.tolist() == [1, 0, 1, 0]


def test_lone_surrogates_count_as_one_replacement_character() -> None:
    assert bits(SCORER.score("\ud800" + reply(), REF)) == bits(SCORER.score("\ufffd" + reply(), REF))
    text = reply(graph_block() + " // \udfff\ud800 x")
    assert SCORER.score(text, REF).node == 1.0


def test_references_travel_by_pickle_and_know_their_spec() -> None:
    import pickle

    again = pickle.loads(pickle.dumps(REF))
    assert again.json == REF.json
    assert again.ground_truth == truth()
    assert again.spec == SCORER.spec
    assert bits(SCORER.score_batch(REPLIES, again)) == bits(SCORER.score_batch(REPLIES, REF))
    assert repr(again) == "Reference(answer='choice', frames=1)"


def test_a_reference_of_another_spec_is_refused_and_can_be_prepared_anew() -> None:
    other = Scorer(RewardSpec.preset("video-str"))
    with pytest.raises(ValueError, match="row 1: the reference was prepared for another spec"):
        other.score_batch(["a", "b"], [other.prepare(truth()), REF])
    assert other.prepare(REF).spec == other.spec
    assert Scorer(RewardSpec()).score("x", REF).total == 0.0, "an equal spec is no other"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: SCORER.score_batch("abc", REF), TypeError, "texts is one str"),
        (lambda: SCORER.score_batch(["a", None], REF), TypeError, r"row 1: texts\[1\] is NoneType"),
        (lambda: SCORER.score_batch([b"a"], REF), TypeError, r"row 0: texts\[0\] is bytes"),
        (lambda: SCORER.score(None, REF), TypeError, "text is NoneType"),
        (lambda: SCORER.score_batch(["a"], [REF, REF]), ValueError, "refs has 2 entries but texts has 1"),
        (lambda: SCORER.score_batch(["a"], 3), TypeError, "refs is int"),
        (
            lambda: SCORER.score_batch(["a"], REF, tokens=[1, 2]),
            ValueError,
            "tokens has 2 entries but texts has 1",
        ),
        (lambda: SCORER.score_batch(["a"], REF, tokens=["x"]), TypeError, "tokens"),
        (lambda: SCORER.score_batch(["a"], REF, tokens=[[1]]), ValueError, r"tokens has shape \(1, 1\)"),
        (lambda: SCORER.score_batch(["a"], REF, tokens=[-1]), ValueError, r"row 0: tokens\[0\] is -1"),
        (lambda: SCORER.score_batch(["a"], REF, tokens=[float("inf")]), ValueError, r"tokens\[0\] is inf"),
        (lambda: SCORER.score_batch(["a"], REF, group_ids=[1, 2]), ValueError, "group_ids has 2 entries"),
        (
            lambda: SCORER.score_batch(["a"], REF, group_ids=[[]]),
            TypeError,
            r"group_ids\[0\] is list, not hashable",
        ),
        (lambda: SCORER.score_batch(["a"], REF, num_threads=0), ValueError, "num_threads is 0"),
        (lambda: SCORER.score_batch(["a"], REF, num_threads=-1), ValueError, "num_threads is -1"),
        (lambda: SCORER.score_batch(["a"], REF, num_threads=10**6), ValueError, "num_threads is 1000000"),
        (lambda: Scorer("pose-free"), TypeError, "not RewardSpec"),
        (lambda: REF.describe(draws=0), ValueError, "draws is 0"),
        (lambda: SCORER.score_batch(["a"], REF)["nodes"], KeyError, "no component 'nodes'"),
        (lambda: SCORER.score_batch(["a"], REF)[1], IndexError, "range"),
        (lambda: SCORER.score_batch(["a"], REF)[0:1], TypeError, "'slice' object cannot be"),
    ],
)
def test_mistakes_of_the_caller(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def broken(**changes: Any) -> dict[str, Any]:
    graph = json.loads(json.dumps(truth()["graph"]))
    graph["frames"][0]["nodes"][2].update(changes)
    return truth(graph=graph)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (broken(center=[0, float("nan"), 1]), "graph.frames[0].nodes[2].center[1]"),
        (broken(center=[0, {1, 2}, 1]), "graph.frames[0].nodes[2].center[1]"),
        (broken(center=[0, "x", 1]), "graph.frames[0].nodes[2].center[1]"),
        (broken(center=[0, 1]), "graph.frames[0].nodes[2].center"),
        (broken(label=""), "graph.frames[0].nodes[2].label"),
        (broken(label="\ud800"), "graph.frames[0].nodes[2].label"),
        ("\ud800", ""),
        (truth(anwser={}), "anwser"),
        (truth(version=2), "version"),
        ([1], ""),
        ("{", ""),
        (None, ""),
    ],
)
def test_a_bad_truth_is_named_by_row_and_field(bad: Any, field: str) -> None:
    with pytest.raises(GroundTruthError) as caught:
        SCORER.prepare(bad)
    assert (caught.value.field, caught.value.row) == (field, None)
    with pytest.raises(GroundTruthError) as caught:
        SCORER.score_batch(["a", "b", "c"], [REF, REF, bad])
    assert (caught.value.field, caught.value.row) == (field, 2)
    assert str(caught.value).startswith(f"row 2: {field}")


@pytest.mark.parametrize("number", [10**400, -(10**5000)], ids=["400 digits", "5000 digits"])
def test_a_number_beyond_all_doubles_is_named_by_field(number: int) -> None:
    with pytest.raises(GroundTruthError, match="beyond the range") as caught:
        SCORER.prepare(broken(center=[0, number, 1]))
    assert caught.value.field == "graph.frames[0].nodes[2].center[1]"


def test_a_number_of_a_text_beyond_all_doubles_is_named_by_field() -> None:
    for written in ("1e400", str(10**400), "NaN", "-Infinity"):
        text = json.dumps(broken(center=[0, "X", 1])).replace('"X"', written)
        with pytest.raises(GroundTruthError) as caught:
            SCORER.prepare(text)
        assert caught.value.field == "graph.frames[0].nodes[2].center[1]", written


def test_a_repeated_key_is_refused_by_name() -> None:
    text = json.dumps(truth())
    twice = text.replace('"center": [0.0, 0.0, 0.0]', '"center": [9, 9, 9], "c\\u0065nter": [0.0, 0.0, 0.0]')
    assert twice != text
    with pytest.raises(GroundTruthError, match="more than once") as caught:
        SCORER.prepare(twice)
    assert caught.value.field == "graph.frames[0].nodes[0].center"
    with pytest.raises(GroundTruthError) as caught:
        SCORER.score_batch(["a", "b"], [REF, f'{{"version": 1, {text[1:]}'])
    assert (caught.value.field, caught.value.row) == ("version", 1)


def test_a_truth_that_contains_itself_is_refused_at_once() -> None:
    """Run apart, with little memory: the search for the place once built ever longer paths."""
    code = """
import resource, time
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
from videostr import GroundTruthError, RewardSpec, Scorer, SpecError
own = {"version": 1}
own["graph"] = {"frames": [own, own]}
wide = {"version": 1, "graph": []}
wide["graph"] += [wide["graph"]] * 1000
deep = {"version": 1}
for _ in range(100_000):
    deep = {"version": 1, "meta": deep}
start = time.monotonic()
for bad in (own, wide, deep):
    for error, call in ((GroundTruthError, Scorer().prepare), (SpecError, RewardSpec.from_dict)):
        try:
            call(bad)
        except error as caught:
            print(caught)
print(time.monotonic() - start)
import os; os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    told = done.stdout.splitlines()
    assert len(told) == 7, done.stderr
    assert told[0] == told[1] == "graph.frames[0]: contains itself"
    assert told[2] == told[3] == "graph[0]: contains itself"
    assert all("is nested deeper" in line for line in told[4:6])
    assert float(told[6]) < 5


def test_what_is_remembered_is_bounded() -> None:
    from videostr.scoring import REMEMBERED

    assert sum(size * count for size, count in REMEMBERED) <= 8 * 2**20
    assert [size for size, _ in REMEMBERED] == sorted(size for size, _ in REMEMBERED)


def test_a_spec_that_asks_for_what_the_truth_lacks() -> None:
    graph = {**truth()["graph"], "space": "world"}
    scorer = Scorer(RewardSpec.preset("so3").replace(angle="view"))
    with pytest.raises(SpecError, match="observer"):
        scorer.prepare(truth(graph=graph))
    with pytest.raises(SpecError) as caught:
        scorer.score_batch(["a"], [truth(graph=graph)])
    assert caught.value.row == 0


def test_reports_are_plain_values_on_demand() -> None:
    report = SCORER.score(REPLIES[4], REF)
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert list(plain["components"]) == list(COMPONENTS)
    assert plain["components"]["motion"] is None
    assert plain["components"]["node"] == report.node
    assert plain["graph_status"] == "ok"
    assert set(plain["repairs"]) == {"single_quotes", "round_brackets", "trailing_comma"}
    batch = SCORER.score_batch(REPLIES, REF)
    columns = json.loads(json.dumps(batch.to_dict(), allow_nan=False))
    assert columns["fingerprint"] == SCORER.spec.fingerprint
    assert columns["components"]["node"][4] == report.node
    assert columns["repairs"][4] == plain["repairs"]
    assert len(columns["graph_status"]) == len(REPLIES)


def test_describe_a_batch() -> None:
    batch = SCORER.score_batch(REPLIES, REF)
    told = json.loads(json.dumps(batch.describe(), allow_nan=False))
    assert told["rows"] == len(REPLIES)
    assert sum(told["graph_status"].values()) == len(REPLIES)
    assert sum(told["answer_status"].values()) == len(REPLIES)
    assert told["repairs"]["single_quotes"] == 1
    node = told["components"]["node"]
    assert node["mean"] == pytest.approx(float(batch.node.mean()))
    assert node["min"] <= node["q10"] <= node["q50"] <= node["q90"] <= node["max"]
    assert node["chance"] == pytest.approx(REF.describe(draws=32)["components"]["node"]["mean"])
    assert told["chance_references"] == 1
    assert told["components"]["motion"] == {**dict.fromkeys(node), "defined": 0}
    assert batch.describe(chance=False)["components"]["node"]["chance"] is None


def test_chance_level_of_a_reference() -> None:
    level = REF.describe(draws=400)
    parts = level["components"]
    assert level == REF.describe(draws=400), "seeded"
    assert level != REF.describe(draws=400, seed=1)
    assert parts["format"] == {"mean": 1.0, "std": 0.0}
    assert parts["recall"]["mean"] == 1.0
    assert parts["answer"]["mean"] == pytest.approx(0.25, abs=0.1)
    assert 0.05 < parts["node"]["mean"] < 0.7
    assert parts["chirality"]["mean"] == pytest.approx(0.5, abs=0.2)
    assert parts["motion"] == {"mean": None, "std": None}


def test_chance_level_of_a_lone_object() -> None:
    graph = {
        "space": "image",
        "unit": "px",
        "scale": 100.0,
        "frames": [{"nodes": [{"id": "a", "label": "a", "center": [5, 5]}]}],
    }
    level = SCORER.prepare({"version": 1, "graph": graph}).describe()["components"]
    assert 0.0 < level["node"]["mean"] < 0.9, "a lone object is not placed where it is"


def test_a_panic_is_one_row_with_the_internal_bit(caplog: pytest.LogCaptureFixture) -> None:
    texts = [reply()] * 3
    due = SCORER.score_batch(texts, REF)
    _core._panic_once()
    with caplog.at_level(logging.ERROR, logger="videostr"):
        batch = SCORER.score_batch(texts, REF)
    assert batch[0].repair_names == ("internal",)
    np.testing.assert_array_equal(np.isnan(batch.components[0]), np.isnan(due.components[0]))
    assert np.nansum(np.abs(batch.components[0])) == 0
    assert bits(batch[1]) == bits(due[1])
    assert "asked for by a test" in caplog.text
    assert "report it" in caplog.text
    assert bits(SCORER.score_batch(texts, REF)) == bits(due), "nothing of it stays"


def test_a_panic_outside_a_batch_is_an_internal_error() -> None:
    report = SCORER.score(reply(), REF)
    _core._panic_once()
    with pytest.raises(InternalError, match=r"please report it.*asked for by a test.*batch\.rs"):
        report.explain()
    assert "chair.1" in report.explain()


def test_a_panic_prints_nothing() -> None:
    code = (
        "import videostr, logging; from videostr import _core; logging.disable();"
        "ref = videostr.Scorer().prepare({'version': 1, 'answer': {'kind': 'text', 'value': 'x'}});"
        "_core._panic_once(); print(videostr.Scorer().score('x', ref).repair_names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("('internal',)\n", "")


def test_threads_follow_the_environment() -> None:
    def threads(**env: str) -> str:
        code = "import videostr; print(videostr.build_info()['threads'])"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **env},
        )
        return done.stdout.strip() or done.stderr.strip().splitlines()[-1]

    assert threads(VIDEOSTR_NUM_THREADS="1") == "1"
    assert 1 <= int(threads(VIDEOSTR_NUM_THREADS="")) <= len(os.sched_getaffinity(0))
    assert "VIDEOSTR_NUM_THREADS" in threads(VIDEOSTR_NUM_THREADS="many")
    assert "VIDEOSTR_NUM_THREADS" in threads(VIDEOSTR_NUM_THREADS="0")


def test_explain_in_words_and_values() -> None:
    text = reply("{'frames': [{'nodes': [('chair.1', (0, 0, 0)), ['tabel.1', [3, 4, 0]]]}]}")
    report = SCORER.score(text, REF, tokens=400)
    words = report.explain()
    for part in ("chair.1", "tabel", "sofa.1", "single_quotes", "round_brackets", "^", "edge"):
        assert part in words, part
    values = json.loads(json.dumps(report.explanation(), allow_nan=False))
    assert values["components"] == report.to_dict()["components"]


def test_unmatched_nodes_of_a_turned_reply_stand_in_the_references_frame() -> None:
    """A label that the reference lacks is moved as the others are."""
    room = {"bed": (1.0, 2.0, 0.5), "lamp": (3.0, 5.0, 1.5), "sofa": (6.0, 1.0, 0.5), "owl": (4.0, 4.0, 2.0)}
    nodes = [{"id": name, "label": name, "center": list(room[name])} for name in ("bed", "lamp", "sofa")]
    graph = {"space": "world", "unit": "m", "up": [0, 0, 1], "frames": [{"nodes": nodes}]}
    turned = {name: (3 - y, x - 5, z) for name, (x, y, z) in room.items()}
    text = reply("\n".join(f"{name} {x} {y} {z}" for name, (x, y, z) in turned.items()))
    (frame,) = SCORER.score(text, {"version": 1, "graph": graph}).explanation()["frames"]
    (owl,) = frame["extra"]
    assert owl["written"] == list(turned["owl"])
    assert owl["moved"] == pytest.approx(room["owl"])
    for node in frame["matched"]:
        assert node["moved"] == pytest.approx(room[node["id"]])
    given = Scorer(SCORER.spec.replace(frame_of_reference="given"))
    (frame,) = given.score(text, {"version": 1, "graph": graph}).explanation()["frames"]
    assert frame["extra"][0]["moved"] == frame["extra"][0]["written"]


@pytest.mark.parametrize("text", REPLIES)
def test_every_reply_can_be_explained(text: str) -> None:
    assert isinstance(SCORER.score(text, REF).explain(), str)


def test_reference_is_made_by_prepare_alone() -> None:
    assert isinstance(REF, Reference)
    with pytest.raises(TypeError):
        Reference()  # type: ignore[call-arg]


def test_a_small_batch_does_not_wait_for_a_big_one() -> None:
    """Both use the pool at the same time; the workers take the small one in between."""
    small, big = [reply()] * 200, [reply()] * 400_000
    SCORER.score_batch(small, REF, num_threads=2)
    done = threading.Event()

    def work() -> None:
        SCORER.score_batch(big, REF, num_threads=2)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    in_between = 0
    while not done.is_set():
        SCORER.score_batch(small, REF, num_threads=2)
        in_between += 1
    thread.join()
    assert in_between > 150, "hundreds; where they wait, a few before and after the big one"
