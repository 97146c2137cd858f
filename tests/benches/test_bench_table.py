"""README's table of figures is made of the committed results."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import goals
import table

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def result() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "benches" / "results.json").read_text())
    return found


def test_readme_shows_the_committed_results(result: dict[str, Any]) -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme == table.with_table(readme, result)


def test_every_goal_has_a_row(result: dict[str, Any]) -> None:
    assert list(result["rows"]) == list(goals.GOALS)


def test_another_figure_is_another_table(result: dict[str, Any]) -> None:
    other = copy.deepcopy(result)
    other["rows"]["numpy"]["cases"][0]["value"] *= 2
    assert table.render(other) != table.render(result)


def test_a_missed_goal_is_told() -> None:
    missed = goals.row("numpy", [{"name": "a", "value": 90.0}, {"name": "b", "value": 34.9}])
    assert missed["value"] == 34.9
    assert not goals.is_met("numpy", missed)
    assert table.goal_of("numpy", missed) == "35: **missed**"
    assert table.measured("numpy", missed) == "35 to 90 times as fast"
    memory = goals.row("memory", [{"name": "a", "value": 0.5}, {"name": "b", "value": 1.5}])
    assert memory["value"] == 1.5
    assert not goals.is_met("memory", memory)
    row = [{"name": "a", "value": 0.5}]
    assert goals.is_met("memory", goals.row("memory", row, growth_kb=100, batches=50))
    assert not goals.is_met("memory", goals.row("memory", row, growth_kb=2000, batches=50))


def test_a_busy_machine_is_not_judged_and_says_so() -> None:
    row = goals.row("threads", [{"name": "a", "value": 1.1}], not_judged="not judged, 2.0 cores were busy")
    assert goals.is_met("threads", row)
    assert table.goal_of("threads", row) == "1.6; not judged, 2.0 cores were busy"
