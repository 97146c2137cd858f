"""Questions: answers worked out anew from the words and the record, filters, balanced letters."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import world_oracle

from videostr.data.facts import Eye, Facts, Thing
from videostr.data.letters import LetterBalancer
from videostr.data.questions import TASKS, Dropped, Filters, Question, Sight, ask, reference_answer
from videostr.data.questions.boxes import iou
from videostr.data.questions.options import number_answer
from videostr.data.settings import SettingsError
from videostr.data.world import WorldConfig, observe, sample_scene

CONFIG = WorldConfig(width=112, height=112, filters=Filters(seen_pixels=15, box_side=4.0))
TIMES = np.arange(16) / 2.0


@pytest.fixture(scope="module")
def worlds() -> list[Facts]:
    """Thirty scenes; nothing is rendered."""
    scenes = [sample_scene(CONFIG, 21, index) for index in range(30)]
    return [Facts.from_dict(observe(scene, CONFIG.reader_times, CONFIG.lens).to_dict()) for scene in scenes]


@pytest.fixture(scope="module")
def asked(worlds: list[Facts]) -> list[tuple[Facts, Question]]:
    """Every task with every kind of answer, of every scene."""
    found = []
    for index, facts in enumerate(worlds):
        sight = Sight(facts, CONFIG.filters)
        for place, (task, kinds) in enumerate(TASKS.items()):
            for kind in kinds:
                question = ask(task, sight, np.random.default_rng([index, place]), kind)
                if isinstance(question, Question):
                    assert question.answer.kind == kind
                    found.append((facts, question))
    return found


def plain(question: Question) -> dict[str, Any]:
    answer = question.answer
    return {
        "task": question.task,
        "text": question.text,
        "answer": {"kind": answer.kind, "value": answer.value, "wrong": answer.wrong},
    }


def said(text: str) -> float | list[float] | str:
    """What an option says: a number, a box or its words."""
    if text.startswith("["):
        return [float(value) for value in text.strip("[]").split(", ")]
    head = text.split(maxsplit=1)[0]
    try:
        return float(head)
    except ValueError:
        return text


def test_every_task_is_asked_with_every_kind_of_answer(asked: list[tuple[Facts, Question]]) -> None:
    counts = Counter((question.task, question.answer.kind) for _, question in asked)
    wanted = {(task, kind) for task, kinds in TASKS.items() for kind in kinds}
    assert set(counts) == wanted
    assert min(counts.values()) >= 3, counts


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_those_that_the_record_gives(asked: list[tuple[Facts, Question]], task: str) -> None:
    for facts, question in asked:
        if question.task != task:
            continue
        record = facts.to_dict()
        for thing in record["things"]:  # the oracle knows the default threshold of 60 pixels
            thing["pixels"] = [4 * pixels for pixels in thing["pixels"]]
        right = world_oracle.answer(plain(question), record)
        given = question.answer.value
        if question.answer.kind == "choice":
            given = said(given)
        if isinstance(right, str):
            assert given == right, question.text
        elif isinstance(right, list):
            tolerance = 0.5 + 1e-6 if question.answer.kind in ("box2d", "choice") else 1e-9
            assert given == pytest.approx(right, abs=tolerance), question.text
        else:
            assert given == pytest.approx(right, abs=half_unit(question)), question.text


def half_unit(question: Question) -> float:
    """Half of the last printed digit."""
    decimals = {"counting": 0, "size": 0, "speed": 2}.get(question.task, 1)
    return 0.5 * 10.0 ** -(0 if "degrees" in question.text else decimals) + 1e-6


def test_wrong_options_are_wrong_and_far_enough(asked: list[tuple[Facts, Question]]) -> None:
    for _, question in asked:
        answer = question.answer
        if answer.kind != "choice":
            continue
        options = [answer.value, *answer.wrong]
        assert len(set(options)) == len(options) >= 2
        meant = [said(option) for option in options]
        if isinstance(meant[0], list):
            boxes = [np.array(box) for box in meant]
            assert all(iou(a, b) <= 0.5 for a, b in itertools.combinations(boxes, 2))
        elif isinstance(meant[0], float) and question.task != "counting":
            assert len(options) == 4
            gaps = [abs(a - b) for a, b in itertools.combinations(meant, 2)]  # type: ignore[operator]
            assert min(gaps) >= 0.2 * meant[0] - 1e-9
        elif question.task == "counting":
            assert all(0 <= value <= meant[0] + 3 for value in meant)  # type: ignore[operator]


def thing(label: str, place: tuple[float, float], *, ident: str | None = None, **changes: Any) -> Thing:
    count = len(TIMES)
    base = Thing(
        id=ident or label,
        label=label,
        groups=(),
        size=(0.5, 0.5, 0.5),
        places=np.tile([*place, 0.25], (count, 1)),
        yaws=np.zeros(count),
        boxes=np.tile([10.0, 10.0, 40.0, 40.0], (count, 1)),
        inside=np.ones(count),
        pixels=np.full(count, 900.0),
        share=np.ones(count),
        travelled=np.zeros(count),
    )
    return replace(base, **changes)


def sight_of(*things: Thing, eye: Eye | None = None, **filters: Any) -> Sight:
    return Sight(Facts("s", TIMES, (112, 112), things, eye, 5.0), Filters(**filters))


def moving(step: float) -> dict[str, Any]:
    places = np.column_stack([step * np.arange(16.0), np.zeros(16), np.full(16, 0.25)])
    return {"places": places, "travelled": step * np.arange(16.0)}


def seen(*frames: int, pixels: float = 900.0) -> dict[str, Any]:
    values = np.zeros(16)
    values[list(frames)] = pixels
    return {"pixels": values, "share": (values > 0).astype(float)}


def camera(step: float, *, turn: float = 0.0) -> Eye:
    """A level camera that looks along +x and goes along +y, or turns."""
    yaws = turn * np.arange(16.0)
    axes = np.stack(
        [[[math.sin(y), -math.cos(y), 0], [0, 0, -1.0], [math.cos(y), math.sin(y), 0]] for y in yaws]
    )
    way = step * np.arange(16.0)
    return Eye(np.column_stack([np.full(16, -4.0), way, np.full(16, 1.5)]), axes, yaws, way)


A, B, C, D = "red box", "blue box", "green box", "cyan box"
AMBIGUOUS = {
    "counting: one is barely seen": (
        "counting",
        "number",
        [
            thing(A, (0, 0), ident=f"{A}.1"),
            thing(A, (1, 0), ident=f"{A}.2"),
            thing(A, (2, 0), ident=f"{A}.3", **seen(3, pixels=5.0)),
        ],
        "barely_seen",
    ),
    "counting: only one": ("counting", "number", [thing(A, (0, 0))], "too_few"),
    "relative_distance: nearly the same": (
        "relative_distance",
        "choice",
        [thing(A, (0, 0)), thing(B, (2.0, 0)), thing(C, (1.0, 1.8))],
        "distance_gap",
    ),
    "absolute_distance: of two of one name": (
        "absolute_distance",
        "number",
        [thing(A, (0, 0), ident=f"{A}.1"), thing(A, (3, 0), ident=f"{A}.2"), thing(B, (1, 1))],
        "not_together",
    ),
    "absolute_distance: too short": (
        "absolute_distance",
        "number",
        [thing(A, (0, 0)), thing(B, (0.1, 0))],
        "distance_range",
    ),
    "relative_direction: too far": (
        "relative_direction",
        "choice",
        [thing(A, (0, 0)), thing(B, (11, 0)), thing(C, (0, 12))],
        "direction_reach",
    ),
    "appearance_order: at once": (
        "appearance_order",
        "choice",
        [thing(A, (0, 0)), thing(B, (2, 0))],
        "order_gap",
    ),
    "appearance_order: glimpsed before": (
        "appearance_order",
        "choice",
        [
            thing(
                A,
                (0, 0),
                pixels=np.array([0, 0, 5.0] + [900.0] * 13) * (np.arange(16) != 3),
                share=np.ones(16),
            ),
            thing(B, (2, 0), pixels=np.array([5.0] + [0.0] * 7 + [900.0] * 8)),
        ],
        "glimpsed_before",
    ),
    "size: always cut": ("size", "number", [thing(A, (0, 0), inside=np.full(16, 0.7))], "not_seen_whole"),
    "localisation: half hidden": (
        "localisation",
        "box2d",
        [thing(A, (0, 0), share=np.full(16, 0.7))],
        "not_seen_whole",
    ),
    "localisation: in view twice": (
        "localisation",
        "interval",
        [thing(A, (0, 0), **seen(1, 2, 3, 8, 9))],
        "seen_twice",
    ),
    "localisation: always in view": ("localisation", "interval", [thing(A, (0, 0))], "interval_least"),
    "tracking: where it was": ("tracking", "box2d", [thing(A, (0, 0))], "box_iou"),
    "displacement: nothing moves": ("displacement", "number", [thing(A, (0, 0))], "nothing_moves"),
    "displacement: hardly": ("displacement", "number", [thing(A, (0, 0), **moving(0.004))], "moved"),
    "displacement: seen for too short": (
        "displacement",
        "number",
        [thing(A, (0, 0), **moving(0.3), **seen(4, 5, 6))],
        "not_seen",
    ),
    "path_length: hidden on the way": (
        "path_length",
        "number",
        [thing(A, (0, 0), **moving(0.3), **seen(0, 15))],
        "path_seen",
    ),
    "path_length: between the frames": (
        "path_length",
        "number",
        [thing(A, (0, 0), places=moving(0.2)["places"], travelled=0.3 * np.arange(16.0))],
        "path_error",
    ),
    "speed: creeping": ("speed", "number", [thing(A, (0, 0), **moving(0.045))], "speed_least moved"),
    "ego_motion: without a camera": ("ego_motion", "number", [thing(A, (0, 0))], "no_camera"),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_an_ambiguous_clip_yields_no_question(case: str) -> None:
    task, kind, things, reasons = AMBIGUOUS[case]
    for seed in range(12):
        result = ask(task, sight_of(*things), np.random.default_rng(seed), kind)  # type: ignore[arg-type]
        assert isinstance(result, Dropped), result
        assert result.reason in reasons.split()


@pytest.mark.parametrize(
    ("place", "size", "side"),
    [
        ((3.0, 3.0), 0.5, {"left", "front-left"}),
        ((3.0, 0.3), 0.5, set()),  # straight ahead, or nearly
        ((0.2, 3.0), 0.5, {"left"}),  # at the edge from front to back
        ((2.2, 1.0), 2.5, set()),  # at 24 degrees, but most of it is on both sides
        ((-3.0, -0.3), 0.5, {"back"}),
    ],
)
def test_a_direction_is_asked_only_where_it_is_clear(
    place: tuple[float, float], size: float, side: set[str]
) -> None:
    """Of all questions about where green is for someone by red who faces blue, at (2, 0)."""
    things = [thing(A, (0, 0)), thing(B, (2, 0)), thing(C, place, size=(size, size, size))]
    found = set()
    for seed in range(300):
        result = ask("relative_direction", sight_of(*things), np.random.default_rng(seed), "choice", tries=1)
        if isinstance(result, Question) and f"by the {A} and faces the {B}" in result.text:
            found.add(result.answer.value)
    assert found == side


@pytest.mark.parametrize(
    ("eye", "reasons"),
    [
        (camera(0.0), "moved turn camera_step"),
        (camera(0.0, turn=0.008), "moved turn camera_step"),
        (camera(0.005), "moved turn camera_step"),
    ],
)
def test_a_camera_that_hardly_moves_is_not_asked_about(eye: Eye, reasons: str) -> None:
    for kind in TASKS["ego_motion"]:
        for seed in range(12):
            result = ask("ego_motion", sight_of(thing(A, (0, 0)), eye=eye), np.random.default_rng(seed), kind)
            assert isinstance(result, Dropped)
            assert result.reason in reasons.split()


def test_the_same_clips_without_the_fault_are_asked() -> None:
    """The cases above fail for their reason alone."""
    good = {
        "counting": [thing(A, (0, 0), ident=f"{A}.1"), thing(A, (1, 0), ident=f"{A}.2")],
        "relative_distance": [thing(A, (0, 0)), thing(B, (0, 2.0)), thing(C, (5.5, 0))],
        "absolute_distance": [thing(A, (0, 0)), thing(B, (0.4, 0))],
        "relative_direction": [thing(A, (0, 0)), thing(B, (2, 0)), thing(C, (3, 3))],
        "appearance_order": [thing(A, (0, 0)), thing(B, (2, 0), **seen(*range(4, 16)))],
        "size": [thing(A, (0, 0))],
        "localisation": [thing(A, (0, 0), **seen(2, 3, 4, 5))],
        "tracking": [thing(A, (0, 0), boxes=np.tile([0.0, 0, 20, 20], (16, 1)) + 5 * np.arange(16)[:, None])],
        "displacement": [thing(A, (0, 0), **moving(0.3))],
        "path_length": [thing(A, (0, 0), **moving(0.3))],
        "speed": [thing(A, (0, 0), **moving(0.3))],
        "ego_motion": [thing(A, (0, 0))],
    }
    for task, things in good.items():
        sight = sight_of(*things, eye=camera(0.2) if task == "ego_motion" else None)
        for kind in TASKS[task]:
            found = [ask(task, sight, np.random.default_rng(seed), kind) for seed in range(12)]
            assert any(isinstance(question, Question) for question in found), (task, kind, found[0])


def test_known_answers() -> None:
    rng = np.random.default_rng(0)
    sight = sight_of(thing(A, (0, 0), **moving(0.25)), eye=camera(0.2))
    speed = ask("speed", sight, rng, "number")
    assert isinstance(speed, Question)
    assert (speed.answer.value, dict(speed.answer.fields)) == (0.5, {"unit": "m/s"})
    for seed in range(40):
        ego = ask("ego_motion", sight, np.random.default_rng(seed), "choice")
        assert isinstance(ego, Question)
        if "which way does it move" in ego.text:
            assert ego.answer.value == "left"
            break
    else:
        pytest.fail("the direction was never asked")
    corner = [thing("red box", (0, 0)), thing("blue box", (2, 0)), thing("green box", (1, 3))]
    for seed in range(60):
        side = ask("relative_direction", sight_of(*corner), np.random.default_rng(seed), "choice")
        if isinstance(side, Question) and "by the red box and faces the blue box" in side.text:
            assert side.answer.value in ("left", "front-left")
            break
    else:
        pytest.fail("that side was never asked")


def test_questions_for_several_shots_do_not_look_from_the_camera() -> None:
    things = [thing(A, (0, 0)), thing(B, (2, 0)), thing(C, (3, 3)), thing(D, (-3, 1))]
    sight = Sight(Facts("s", TIMES, (112, 112), tuple(things), camera(0.2), 5.0), Filters(), anywhere=True)
    for task in ("relative_distance", "absolute_distance", "relative_direction"):
        for seed in range(40):
            result = ask(task, sight, np.random.default_rng(seed), "choice")
            assert "camera" not in getattr(result, "text", "")


def test_the_right_number_is_of_any_rank() -> None:
    """Guessing the second of the sorted options is no better than chance; bounds are five standard deviations."""
    for value, unit, decimals, factors in ((3.4, "m", 1, (0.25, 1.75)), (87.0, "cm", 0, (0.3, 1.8))):
        ranks: Counter[int] = Counter()
        for seed in range(800):
            answer = number_answer(
                "size",
                value,
                unit,
                "choice",
                filters=Filters(),
                rng=np.random.default_rng(seed),
                decimals=decimals,
                factors=factors,
            )
            assert not isinstance(answer, Dropped)
            numbers = [said(option) for option in (answer.value, *answer.wrong)]
            assert all(factors[0] * value - 0.5 <= number <= factors[1] * value + 0.5 for number in numbers)  # type: ignore[operator]
            ranks[sorted(numbers).index(numbers[0])] += 1  # type: ignore[type-var]
        assert all(abs(ranks[rank] - 200) < 62 for rank in range(4)), ranks


def test_numbers_without_fitting_wrong_options_are_dropped() -> None:
    rng = np.random.default_rng(1)
    result = number_answer("speed", 0.1, "m/s", "choice", filters=Filters(), rng=rng, decimals=1)
    assert result == Dropped("speed", "option_gap")


def test_letters_are_even_within_a_task(asked: list[tuple[Facts, Question]]) -> None:
    balancer, rng = LetterBalancer(), np.random.default_rng(0)
    used: dict[tuple[str, int], Counter[str]] = {}
    for _, question in asked:
        if question.answer.kind == "choice":
            answer = reference_answer(question, balancer, rng)
            assert answer["options"][ord(answer["value"]) - ord("A")] == question.answer.value
            used.setdefault((question.task, len(answer["options"])), Counter())[answer["value"]] += 1
    for (_, count), letters in used.items():
        counts = [letters[chr(ord("A") + place)] for place in range(count)]
        assert max(counts) - min(counts) <= 1


def test_an_unknown_kind_and_a_bad_threshold_are_refused() -> None:
    with pytest.raises(ValueError, match="size: has no answer of kind 'interval'"):
        ask("size", sight_of(thing(A, (0, 0))), np.random.default_rng(0), "interval")
    with pytest.raises(SettingsError, match=r"filters.moved"):
        Filters(moved=(3.0, 1.0))
    with pytest.raises(SettingsError, match=r"filters.choices"):
        Filters(choices=1)
