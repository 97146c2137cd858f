"""The demonstration's claims on recorded runs: what holds passes, and each claim can fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from videostr import COMPONENTS
from videostr.demo.claims import Step, broken_claims, read_steps
from videostr.demo.table import component_table

Rollout = dict[str, Any]


def _rollout(**changes: float) -> Rollout:
    parts = {"format": 1.0, "answer": 0.0, "node": 0.4, "edge": 0.3, "chirality": 0.0, "score": 1.6}
    return {**parts, "bad_reference": 0.0, "internal": 0.0, **changes}


def _group(size: int = 8) -> list[Rollout]:
    """Two components vary: answer and node."""
    return [_rollout(answer=float(k % 2), node=0.1 * k) for k in range(size)]


def _same(size: int = 8) -> list[Rollout]:
    return [_rollout(answer=1.0) for _ in range(size)]


def _steps(count: int = 10, **changes: Any) -> list[Step]:
    return [
        Step(
            **{
                "number": n + 1,
                "rows": [0, 1],
                "groups": [_group(), _same()],
                "grad_norm": 0.5,
                "seconds": 3.0,
                **changes,
            }
        )
        for n in range(count)
    ]


def _broken(steps: list[Step], expected: int = 10) -> str:
    return "\n".join(broken_claims(steps, expected_steps=expected, group_size=8))


def test_a_run_that_shows_everything_breaks_nothing() -> None:
    assert _broken(_steps()) == ""


def test_a_step_too_few() -> None:
    assert _broken(_steps(9)) == "10 GRPO steps were asked for, 9 were made"


def test_no_steps_at_all() -> None:
    broken = _broken([])
    assert "10 GRPO steps were asked for, 0 were made" in broken
    assert "over half was claimed" in broken


def test_a_group_that_lost_a_rollout() -> None:
    steps = _steps(9)
    steps.append(Step(10, [0, 1], [_group(), _group(7)], 0.5, 3.0))
    assert _broken(steps) == "step 10: a group of 7 rollouts, not 8"


@pytest.mark.parametrize("norm", [0.0, float("nan"), float("inf")])
def test_no_gradient_in_half_of_the_steps(norm: float) -> None:
    steps = [*_steps(5), *_steps(5, grad_norm=norm)]
    assert "only in 5 of 10 steps do at least two components vary" in _broken(steps)
    assert _broken([*_steps(6), *_steps(4, grad_norm=norm)]) == ""


def test_two_components_must_vary_within_one_group() -> None:
    """One varies in each of two groups: two in the step, but not two in a group."""
    answers = [_rollout(answer=float(k % 2)) for k in range(8)]
    nodes = [_rollout(answer=1.0, node=0.1 * k) for k in range(8)]
    assert "only in 0 of 10 steps" in _broken(_steps(groups=[answers, nodes]))


def test_variation_below_the_rounding_of_a_sum_is_none() -> None:
    noise = [_rollout(answer=1.0, node=0.4 + 1e-12 * k, edge=0.3 - 1e-12 * k) for k in range(8)]
    assert "only in 0 of 10 steps" in _broken(_steps(groups=[noise]))


@pytest.mark.parametrize("name", ["format", "answer", "node"])
def test_a_component_that_stays_zero(name: str) -> None:
    def dead(group: list[Rollout]) -> list[Rollout]:
        return [{**rollout, name: 0.0, "edge": 0.1 * k} for k, rollout in enumerate(group)]

    steps = [*_steps(5), *_steps(5, groups=[dead(_group()), dead(_same())])]
    assert _broken(steps) == f"{name} is non-zero in only 5 of 10 steps; over half was claimed"


@pytest.mark.parametrize("key", ["bad_reference", "internal"])
def test_a_flag_that_must_never_be_set(key: str) -> None:
    groups = [[*_group(7), _rollout(**{key: 1.0})]]
    assert f"step 1: {key} is set for some rollouts" in _broken(_steps(groups=groups))


def _line(step: int, group: int, place: int, rollout: Rollout) -> dict[str, Any]:
    components = {name: value for name, value in rollout.items() if name in COMPONENTS}
    return {
        "text": "a",
        "step": step,
        "group": f"3f_b-{group}",
        "index": group,
        "uid": f"3f_b-{group}_{place}_0",
        "score": rollout["score"],
        "components": {**components, "motion": None},
        "graph_status": None if rollout["bad_reference"] else "ok",
        "repairs": ["internal"] if rollout["internal"] else [],
    }


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Writes files as verl and our trainer write them."""

    def write(steps: list[Step], logged: int) -> Path:
        (tmp_path / "rollouts").mkdir()
        for step in steps:
            lines = [
                _line(step.number, g, k, rollout)
                for g, group in enumerate(step.groups)
                for k, rollout in enumerate(group)
            ]
            path = tmp_path / "rollouts" / f"{step.number}.jsonl"
            path.write_text("\n".join(map(json.dumps, lines)) + "\n")
        data = {"actor/grad_norm": 0.5, "timing_s/step": 3.0, "videostr/reward/share_of_step": 0.01}
        metrics = [{"step": n + 1, "data": data} for n in range(logged)]
        (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, metrics)) + "\n")
        return tmp_path

    return write


def test_a_recorded_run_is_read_back_in_order_with_its_groups(recorded: Callable[..., Path]) -> None:
    steps = read_steps(recorded(_steps(12), logged=12))
    assert [step.number for step in steps] == list(range(1, 13))
    assert [[len(group) for group in step.groups] for step in steps] == [[8, 8]] * 12
    assert [step.rows for step in steps] == [[0, 1]] * 12
    assert steps[0].mean("answer") == pytest.approx(0.75)
    assert steps[0].varying() == ("answer", "node")
    assert steps[0].mean("motion") == 0
    assert _broken(steps, expected=12) == ""


@pytest.mark.parametrize("key", ["bad_reference", "internal"])
def test_flags_are_read_from_the_lines(recorded: Callable[..., Path], key: str) -> None:
    groups = [[*_group(7), _rollout(**{key: 1.0})]]
    steps = read_steps(recorded(_steps(1, groups=groups), logged=1))
    assert f"step 1: {key} is set for some rollouts" in _broken(steps, expected=1)


def test_a_step_that_was_not_logged_does_not_count(recorded: Callable[..., Path]) -> None:
    assert _broken(read_steps(recorded(_steps(10), logged=9))) == "10 GRPO steps were asked for, 9 were made"


def test_the_table_has_a_line_a_step() -> None:
    lines = component_table(_steps(3)).splitlines()
    assert lines[0].split() == [
        "step",
        "format",
        "answer",
        "node",
        "edge",
        "chirality",
        "score",
        "varying",
        "grad_norm",
        "seconds",
    ]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3"]
    assert lines[1].split()[1:3] == ["1.000", "0.750"]
