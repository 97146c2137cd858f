"""Every alarm rings where its fault is, is quiet at its threshold, and a healthy set rings none."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rollout_samples import Line, good_text, healthy, line, prose, rollouts, scene, scores
from videostr import REPAIRS, RewardSpec
from videostr.rollouts import Health, alarms
from videostr.rollouts.health import FEWEST_ROWS
from videostr.rollouts.repeats import NEAR_IDENTICAL, REMEMBERED
from videostr.testing import Frame, Node, add_node, reply

SPEC = RewardSpec.preset("pose-free")
ROWS = 40


def health_of(lines: list[Line], *, spec: RewardSpec = SPEC, **options: Any) -> Health:
    health = Health(spec, **options)
    add(health, lines)
    return health


def add(health: Health, lines: list[Line], *, file: str = "1.jsonl") -> None:
    found = rollouts(lines, health.scorer, file=file)
    health.add(found, scores(lines, health.scorer))


def alarm(health: Health, name: str, scope: str = "all") -> dict[str, Any]:
    return next(a for a in health.to_dict()["alarms"] if (a["name"], a["scope"]) == (name, scope))


def ringing(health: Health) -> set[str]:
    return {a["name"] for a in health.to_dict()["alarms"] if a["rings"]}


Make = Callable[[int, bool], Line]


def row(seed: int, text: str | None = None, **fields: Any) -> Line:
    about = scene(seed)
    return line(good_text(seed, about) if text is None else text, about, **fields)


def empty_answer(seed: int, hit: bool) -> Line:
    return row(seed, good_text(seed, scene(seed), answer=" " if hit else "perhaps"))


def empty_graph(seed: int, hit: bool) -> Line:
    nodes = "[]" if hit else "[['chair', [0, 0, 0]]]"
    return row(seed, f"<think><graph>{nodes}</graph></think><answer>B</answer>")


def truncated(seed: int, hit: bool) -> Line:
    text = good_text(seed, scene(seed))
    return row(seed, text[: text.index("</graph>") - 9] if hit else text)


def cut_answer(seed: int, hit: bool) -> Line:
    text = good_text(seed, scene(seed))
    return row(seed, text.removesuffix("</answer>") if hit else text)


def over_length(seed: int, hit: bool) -> Line:
    return row(seed, tokens=SPEC.length_max + hit)


def sprayed_nodes(seed: int, hit: bool) -> Line:
    about = scene(seed)
    frames = about.frames
    for k in range(6 if hit else 5):  # five more are twice as many, and no more than that
        frames = add_node(frames, 0, Node("ghost", k, (float(k), 1.0, 2.0)))
    return row(seed, reply(frames, prose=prose(np.random.default_rng(seed))))


def repeated_nodes(seed: int, hit: bool) -> Line:
    nodes = tuple(Node("chair", k, (float(max(0, k - (3 if hit else 2))), 0.0, 0.0)) for k in range(6))
    return row(seed, reply((Frame(nodes),), prose=prose(np.random.default_rng(seed))))


def repeated_ids(seed: int, hit: bool) -> Line:
    nodes = tuple(Node("chair", max(0, k - (3 if hit else 2)), (float(k), 0.0, 0.0)) for k in range(6))
    return row(seed, reply((Frame(nodes),), prose=prose(np.random.default_rng(seed))))


ROW_ALARMS = {
    "empty_answer": [empty_answer],
    "empty_graph": [empty_graph],
    "truncated": [truncated, cut_answer],
    "over_length": [over_length],
    "sprayed_nodes": [sprayed_nodes],
    "repeated_nodes": [repeated_nodes, repeated_ids],
}


def threshold(name: str) -> float:
    return next(kind.threshold for kind in alarms.KINDS if kind.name == name)


@pytest.mark.parametrize(
    ("name", "make"), [(name, make) for name, makes in ROW_ALARMS.items() for make in makes]
)
def test_faults_of_a_reply(name: str, make: Make) -> None:
    """At the threshold it is quiet, with one reply more it rings, and names the replies."""
    most = math.floor(threshold(name) * ROWS + 1e-9)
    quiet = alarm(health_of([make(k, k < most) for k in range(ROWS)]), name)
    assert (quiet["rings"], quiet["hits"], quiet["of"]) == (False, most, ROWS)
    rings = alarm(health_of([make(k, k < most + 1) for k in range(ROWS)]), name)
    assert (rings["rings"], rings["hits"]) == (True, most + 1)
    assert rings["rows"] == [f"1.jsonl:{k + 1}" for k in range(min(most + 1, 5))]


def test_a_spec_that_does_not_weigh_length_has_no_over_length() -> None:
    lines = [over_length(k, True) for k in range(4)]
    assert alarm(health_of(lines, spec=SPEC.replace(weights={"length": 0})), "over_length")["of"] == 0


def test_every_kind_has_a_case() -> None:
    others = {"repeated_in_group", "repeated_across_groups", "format_without_content", "no_variance"}
    assert {kind.name for kind in alarms.KINDS} == {*ROW_ALARMS, *others, "recorded_differs", "internal"}


def test_a_healthy_set_rings_none() -> None:
    assert ringing(health_of(healthy())) == set()


def copies(count: int, *, change: str = "") -> list[Line]:
    """Ten groups of four; `count` replies repeat the first of their group, but for `change`."""
    lines = healthy(10, 4)
    places = [k for k in range(len(lines)) if k % 4]
    for k in places[:count]:
        first = lines[k - k % 4]
        lines[k] = {**first, "text": first["text"].replace("<graph>", f"{change} <graph>", 1).upper()}
    return lines


def test_repeated_in_a_group() -> None:
    """Letter case, white space and one word more make no other reply."""
    for change in ("", "hm"):
        assert not alarm(health_of(copies(20, change=change)), "repeated_in_group")["rings"]
        told = alarm(health_of(copies(21, change=change)), "repeated_in_group")
        assert (told["rings"], told["hits"], told["of"]) == (True, 21, 40)


def same_text(count: int, *, scenes: Callable[[int], int] = int) -> list[Line]:
    """Forty rows, each of a group of its own; the last `count` repeat an earlier one about another scene."""
    lines = [row(scenes(k), good_text(k, scene(k)), group=f"g{k}") for k in range(ROWS)]
    for k in range(ROWS - count, ROWS):
        lines[k]["text"] = lines[0]["text"]
    return lines


def test_repeated_across_groups() -> None:
    assert not alarm(health_of(same_text(4)), "repeated_across_groups")["rings"]
    told = alarm(health_of(same_text(5)), "repeated_across_groups")
    assert (told["rings"], told["hits"], told["of"]) == (True, 5, ROWS)


def test_the_same_scene_may_be_described_alike() -> None:
    """Two questions about one clip, or one question in two epochs."""
    lines = same_text(20, scenes=lambda _: 0)
    for k, each in enumerate(lines[: ROWS // 2]):
        each["ground_truth"]["answer"] = {"kind": "number", "value": k}
    told = alarm(health_of(lines), "repeated_across_groups")
    assert (told["hits"], told["of"]) == (0, ROWS)


def test_short_answers_without_a_graph_may_be_alike() -> None:
    lines = [row(k, "<think></think><answer>B</answer>") for k in range(ROWS)]
    for k, each in enumerate(lines):
        each["ground_truth"] = {"version": 1, "answer": {"kind": "number", "value": k}}
    assert alarm(health_of(lines), "repeated_across_groups")["of"] == 0


def constant_groups(count: int) -> list[Line]:
    lines = healthy(10, 4)
    for k in range(4 * count):
        lines[k] = {**lines[k], "text": lines[k - k % 4]["text"]}
    return lines


def test_groups_without_variance() -> None:
    assert not alarm(health_of(constant_groups(5)), "no_variance")["rings"]
    told = alarm(health_of(constant_groups(6)), "no_variance")
    assert (told["rings"], told["hits"], told["of"]) == (True, 6, 10)
    assert told["rows"][0] == "1.jsonl:1"


def blind(seed: int, *, formatted: bool = True) -> Line:
    """Right labels at places that have nothing to do with the scene, and a guess."""
    rng = np.random.default_rng([seed, 3])
    about = scene(seed)
    centers = np.concatenate([frame.centers for frame in about.frames])
    moved = about.frames[0].with_centers(rng.uniform(centers.min(0), centers.max(0), centers.shape))
    text = reply((moved,), "AB"[seed % 2], prose=prose(rng))
    return row(seed, text if formatted else f"Well: {text}")


def test_format_without_content() -> None:
    count = 200
    blind_set = [blind(k) for k in range(count)]
    told = alarm(health_of(blind_set), "format_without_content")
    assert (told["rings"], told["hits"], told["of"]) == (True, count, count)
    half = [blind(k, formatted=k < count // 2) for k in range(count)]
    assert not alarm(health_of(half), "format_without_content")["rings"]
    over_half = [blind(k, formatted=k < count // 2 + 1) for k in range(count)]
    assert alarm(health_of(over_half), "format_without_content")["rings"]


def test_content_over_chance_in_one_of_the_two_is_content() -> None:
    graphs = [row(k, good_text(k, scene(k), answer="AB"[k % 2])) for k in range(100)]
    assert not alarm(health_of(graphs), "format_without_content")["rings"]
    answers = [blind(2 * k + 1) for k in range(100)]
    assert not alarm(health_of(answers), "format_without_content")["rings"]


def recorded(count: int, *, fingerprint: str = SPEC.fingerprint) -> list[Line]:
    """Healthy lines that hold their components, `count` of them not theirs."""
    lines = healthy()
    batch = scores(lines, Health(SPEC).scorer)
    for k, each in enumerate(lines):
        components = batch[k].to_dict()["components"]
        components["node"] += 1e-6 if k < count else 1e-10
        each |= {"components": components, "fingerprint": fingerprint}
    return lines


def test_recorded_components_are_checked() -> None:
    told = alarm(health_of(recorded(0)), "recorded_differs")
    assert (told["rings"], told["of"]) == (False, 32)
    told = alarm(health_of(recorded(1)), "recorded_differs")
    assert (told["rings"], told["hits"], told["rows"]) == (True, 1, ["1.jsonl:1"])
    assert alarm(health_of(recorded(9, fingerprint="another")), "recorded_differs")["of"] == 0


def test_what_a_spec_does_not_report_is_not_missing() -> None:
    spec = SPEC.replace(report="weighted")
    lines = healthy()
    batch = health_of(lines, spec=spec).scorer.score_batch(
        [e["text"] for e in lines], [e["ground_truth"] for e in lines]
    )
    for k, each in enumerate(lines):
        components = {**batch[k].to_dict()["components"], "precision": None, "length": None, "total": None}
        each |= {"components": components, "fingerprint": spec.fingerprint}
    told = alarm(health_of(lines, spec=spec), "recorded_differs")
    assert (told["hits"], told["of"]) == (0, 32)
    lines[0]["components"]["node"] = None
    lines[1]["fingerprint"] = SPEC.fingerprint
    assert alarm(health_of(lines), "recorded_differs")["hits"] == 1, (
        "null is a difference where all is reported"
    )


def test_a_bug_of_ours() -> None:
    lines = healthy()
    health = Health(SPEC)
    batch = scores(lines, health.scorer)
    repairs = batch.repairs.copy()
    health.add(rollouts(lines, health.scorer), batch)
    assert not alarm(health, "internal")["rings"]
    repairs[3] |= np.uint32(1 << REPAIRS.index("internal"))
    health.add(rollouts(lines, health.scorer), dataclasses.replace(batch, repairs=repairs))
    assert alarm(health, "internal")["rows"] == ["1.jsonl:4"]


def test_a_data_source_alone_can_ring() -> None:
    """One of ten is ill: of all rows it is too little to see."""
    lines = [row(k, data_source="well", tokens=400) for k in range(9 * ROWS)]
    lines += [{**empty_answer(k, True), "data_source": "ill"} for k in range(ROWS)]
    health = health_of(lines)
    assert not alarm(health, "empty_answer")["rings"]
    assert alarm(health, "empty_answer", "ill")["rings"]
    few = health_of(lines[: 9 * ROWS + 31])
    assert {a["scope"] for a in few.to_dict()["alarms"]} == {"all", "well"}


def test_the_last_steps_alone_can_ring() -> None:
    health = Health(SPEC, first=["1.jsonl"], last=["9.jsonl"])
    for step in range(1, 9):
        add(health, [row(100 * step + k) for k in range(ROWS)], file=f"{step}.jsonl")
    add(health, [empty_answer(k, True) for k in range(ROWS)], file="9.jsonl")
    assert not alarm(health, "empty_answer")["rings"]
    assert alarm(health, "empty_answer", "last steps")["rings"]
    steps = health.to_dict()["steps"]
    assert (steps["first"]["rates"]["empty_answer"], steps["last"]["rates"]["empty_answer"]) == (0, 1)
    assert (steps["first"]["rows"], steps["last"]["rows"]) == (ROWS, ROWS)


def test_counts_and_spreads() -> None:
    lines = [row(k, tokens=100 + k) for k in range(9)]
    lines.append(row(9, replace_graph_by_nothing(9), tokens=None))
    told = health_of(lines).to_dict()["all"]
    assert told["length"]["tokens"] == {"mean": 104, "q10": 100, "q50": 104, "q90": 108, "max": 108}
    assert told["length"]["characters"]["max"] == max(len(each["text"]) for each in lines)
    assert told["nodes"]["reference"] == {"mean": 5, "q10": 5, "q50": 5, "q90": 5, "max": 5}
    assert told["nodes"]["said"]["mean"] == pytest.approx(45 / 10)
    assert (told["graph_status"]["ok"], told["graph_status"]["none"]) == (9, 1)
    assert told["components"]["recall"] == {"defined": 10, "mean": pytest.approx(0.9), "chance": 1.0}


def replace_graph_by_nothing(seed: int) -> str:
    return f"<think>{prose(np.random.default_rng(seed))}</think><answer>B</answer>"


def test_chunks_do_not_matter() -> None:
    lines = healthy(12, 4)
    whole, parts = health_of(lines), Health(SPEC)
    found = rollouts(lines, parts.scorer)
    for start in range(0, len(lines), 8):
        parts.add(found[start : start + 8], scores(lines[start : start + 8], parts.scorer))
    assert parts.to_dict() == whole.to_dict()


def test_nothing_is_no_alarm() -> None:
    assert ringing(Health(SPEC)) == set()
    answers = [
        {**row(k), "ground_truth": {"version": 1, "answer": {"kind": "text", "value": "x"}}} for k in range(4)
    ]
    told = health_of([replace_none(each) for each in answers]).to_dict()
    assert next(a for a in told["alarms"] if a["name"] == "empty_graph")["rate"] is None
    assert told["all"]["nodes"] == {"said": None, "reference": None}


def replace_none(each: Line) -> Line:
    return {**each, "tokens": None}


def test_a_frame_is_judged_for_itself() -> None:
    """What stands still is in one place in every frame, and that is right."""
    nodes = tuple(Node("chair", k, (float(k), 0.0, 0.0)) for k in range(3))
    said = alarms.said_in(
        reply(tuple(replace(Frame(nodes), t=float(t)) for t in range(4))), think_prefilled=False
    )
    assert (said.nodes, said.repeated, said.comparable) == (12, 0, 12)


def test_the_docs_state_every_threshold() -> None:
    """Moving one is a change that users are told of."""
    page = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
    rows = [
        line.split("|") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    stated = {row[1].strip(" `"): row[3].strip() for row in rows if len(row) == 6}
    assert stated == {kind.name: f"{kind.threshold:g}" for kind in alarms.KINDS}
    text = page.read_text(encoding="utf-8")
    for number in (
        f"{alarms.CHANCE_MARGIN:g} over chance",
        f"{REMEMBERED:,} different texts",
        "from 32 rows on",
    ):
        assert number in text
    assert (FEWEST_ROWS, alarms.FEW_WORDS, alarms.SPRAY_FACTOR, alarms.SPRAY_MORE) == (32, 20, 2, 3)
    assert (NEAR_IDENTICAL, alarms.PILE_SHARE, alarms.RECORDED_TOLERANCE) == (0.9, 0.5, 1e-9)
