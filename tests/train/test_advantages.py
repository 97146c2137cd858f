"""The estimators' arithmetic: against plain loops, and by what must hold of any advantages."""

from __future__ import annotations

import json
import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videostr.train.advantages import EPSILON, EmaStds, StateError, component_advantages, ema_advantages

TASKS = ("count", "size")


def steps() -> st.SearchStrategy[tuple[list[float], list[str], list[str]]]:
    """Scores, groups and tasks of a step; groups are of one task and come in any order."""
    row = st.tuples(st.floats(-3, 5).map(lambda x: round(x, 3)), st.integers(0, 4))
    return st.lists(row, min_size=1, max_size=24).map(
        lambda rows: ([s for s, _ in rows], [f"g{g}" for _, g in rows], [TASKS[g % 2] for _, g in rows])
    )


def plainly(
    scores: list[float],
    groups: list[str],
    tasks: list[str],
    moments: dict[str, tuple[float, float]],
    decay: float,
) -> list[float]:
    for task in set(tasks):
        own = [s for s, t in zip(scores, tasks, strict=True) if t == task]
        now = (sum(own) / len(own), sum(s * s for s in own) / len(own))
        old = moments.get(task, now)
        moments[task] = (decay * old[0] + (1 - decay) * now[0], decay * old[1] + (1 - decay) * now[1])
    found = []
    for score, group, task in zip(scores, groups, tasks, strict=True):
        own = [s for s, g in zip(scores, groups, strict=True) if g == group]
        mean = sum(own) / len(own)
        variance = moments[task][1] - moments[task][0] ** 2
        scaled = [(s - mean) / (math.sqrt(max(variance, 0)) + EPSILON) for s in own]
        if max(map(abs, scaled)) > 5:
            std = statistics.stdev(own) if len(own) > 1 else 0.0
            found.append((score - mean) / std if len(set(own)) > 1 else 0.0)
        else:
            found.append((score - mean) / (math.sqrt(max(variance, 0)) + EPSILON))
    return found


@settings(deadline=None)
@given(st.lists(steps(), min_size=1, max_size=4), st.sampled_from([0.0, 0.5, 0.99]))
def test_ema_is_what_loops_give(run: list[tuple[list[float], list[str], list[str]]], decay: float) -> None:
    stds, moments = EmaStds(decay), {}
    for scores, groups, tasks in run:
        expected = plainly(scores, groups, tasks, moments, decay)
        found = ema_advantages(np.array(scores), groups, tasks, stds)
        # where a task's scores are nearly the same, its standard deviation is what rounding leaves
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-3)


def test_a_task_of_small_differences_is_not_blown_up() -> None:
    scores = np.array([0.0, 1.0, 0.50, 0.52, 0.1, 0.9])
    groups = ["a", "a", "b", "b", "c", "c"]
    tasks = ["count", "count", "size", "size", "size", "size"]
    found = ema_advantages(scores, groups, tasks, EmaStds())
    assert found[1] == pytest.approx(1.0, abs=1e-5)
    assert abs(found[3]) < 0.1 < abs(found[5])


def test_a_group_far_out_is_divided_by_its_own_deviation() -> None:
    stds = EmaStds(decay=0.999)
    ema_advantages(np.array([0.50, 0.51]), ["a", "a"], ["t", "t"], stds)
    found = ema_advantages(np.array([0.0, 1.0]), ["a", "a"], ["t", "t"], stds, largest=5.0)
    assert found.tolist() == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)], rel=1e-4)


@settings(deadline=None)
@given(steps(), st.randoms())
def test_the_order_of_replies_does_not_matter(
    step: tuple[list[float], list[str], list[str]], random: Any
) -> None:
    scores, groups, tasks = step
    order = list(range(len(scores)))
    random.shuffle(order)
    shuffled = ema_advantages(
        np.array(scores)[order], [groups[k] for k in order], [tasks[k] for k in order], EmaStds()
    )
    assert shuffled == pytest.approx(
        ema_advantages(np.array(scores), groups, tasks, EmaStds())[order], abs=1e-4
    )
    parts = np.array(scores)[:, None] * [1.0, -2.0]
    shuffled = component_advantages(parts[order], [1, 0.5], [groups[k] for k in order])
    assert shuffled == pytest.approx(component_advantages(parts, [1, 0.5], groups)[order], abs=1e-6)


@settings(deadline=None)
@given(steps(), st.floats(-5, 5), st.floats(0.5, 20))
def test_moved_and_scaled_components_give_the_same(
    step: tuple[list[float], list[str], list[str]], by: float, times: float
) -> None:
    scores, groups, _ = step
    parts = np.column_stack([scores, np.arange(len(scores)) % 3])
    found = component_advantages(parts * [times, 1] + [by, 0], [1.0, 0.3], groups)
    assert found == pytest.approx(component_advantages(parts, [1.0, 0.3], groups), abs=1e-3)
    assert found.mean() == pytest.approx(0.0, abs=1e-6)


def test_equal_replies_and_lone_ones_have_no_advantage() -> None:
    scores, groups = np.array([0.3, 0.3, 0.3, 0.9]), ["a", "a", "a", "b"]
    assert not ema_advantages(scores, groups, ["t"] * 4, EmaStds()).any()
    assert not component_advantages(scores[:, None], [1.0], groups).any()
    with_others = component_advantages(np.array([[0.3], [0.3], [0.1], [0.2]]), [1.0], ["a", "a", "b", "b"])
    assert with_others[:2].tolist() == pytest.approx([0, 0])


def test_components_count_alike_whatever_their_spread() -> None:
    """Under GRPO on the sum the wide one decides; here the two cancel."""
    parts = np.array([[0.0, 0.01], [1.0, 0.0]])
    assert not component_advantages(parts, [1.0, 1.0], ["a", "a"]).round(3).any()
    assert component_advantages(parts, [2.0, 1.0], ["a", "a"])[1] > 0


def test_an_undefined_component_adds_nothing() -> None:
    nan = math.nan
    parts = np.array([[0.0, nan], [1.0, nan], [0.0, 0.5], [1.0, nan]])
    assert component_advantages(parts, [1.0, 1.0], ["a", "a", "b", "b"]) == pytest.approx(
        component_advantages(parts[:, :1], [1.0], ["a", "a", "b", "b"])
    )
    assert np.isfinite(component_advantages(np.full((2, 1), nan), [1.0], ["a", "a"])).all()


def test_the_state_is_the_same_to_the_last_bit_after_a_file() -> None:
    stds = EmaStds(0.9)
    for k in range(5):
        stds.update(np.random.default_rng(k).random(7), ["a", "b", "a", "b", "a", "b", "ü/x"])
    again = EmaStds.from_dict(json.loads(json.dumps(stds.to_dict())), decay=0.9)
    assert again == stds


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        {},
        {"moments": 1},
        {"moments": {"t": [1]}},
        {"moments": {"t": [1, math.nan]}},
        {"moments": {"t": "ab"}},
    ],
)
def test_another_state_is_refused_in_words(state: Any) -> None:
    with pytest.raises(StateError, match="expected"):
        EmaStds.from_dict(state, decay=0.9)
