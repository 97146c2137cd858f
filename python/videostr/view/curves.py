"""A run in numbers, step by step, in bounded memory: what is drawn as curves."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from videostr.errors import GroundTruthError, SpecError
from videostr.report import CHANCE_DRAWS, CHANCE_REFERENCES, COMPONENTS
from videostr.rollouts.ranks import DECIMALS
from videostr.rollouts.solved import is_solved
from videostr.scoring import Reference, Scorer
from videostr.view.lines import Line

#: Points of a curve, at most: a run of more steps has several in one point.
POINTS = 240
#: Tasks with curves of their own; what comes later is put together as `OTHER`.
TASKS = 12
#: The recipe's own terms with curves, at most.
TERMS = 6
ALL, OTHER = "all", "other tasks"
#: Right labels at random places have these by their making: no level to compare with.
BLIND = ("format", "precision", "recall", "consistency", "length")
SCORE = "score"
#: Larger numbers are told as not known: differences of two would be no numbers.
LARGEST = 1e300
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_TOTAL = COMPONENTS.index("total")


def rounded(value: float) -> float | None:
    """Six digits; None for what is no number, or beyond what can be drawn."""
    return float(f"{value:.6g}") if abs(value) < LARGEST else None


def points_of(count: int) -> list[range]:
    """Which of `count` steps share a point.

    >>> points_of(3), len(points_of(1000))
    ([range(0, 1), range(1, 2), range(2, 3)], 200)
    """
    size = max(1, math.ceil(count / POINTS))
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


@dataclasses.dataclass
class _Group:
    """Scores of the replies to one prompt."""

    task: str
    scores: list[float] = dataclasses.field(default_factory=list)
    solved: int = 0


class _Cell:
    """What one task's replies of one point were."""

    def __init__(self) -> None:
        self.components: list[Any] = []
        self.scores: list[float] = []
        self.terms: dict[str, list[float]] = {}
        self.graph: Counter[str] = Counter()
        self.answer: Counter[str] = Counter()
        self.repairs: Counter[str] = Counter()
        self.tokens: list[float] = []
        self.characters: list[int] = []
        self.groups: list[tuple[int, int, float, bool]] = []

    def add(self, line: Line, terms: Sequence[str]) -> None:
        self.components.append(line.components)
        self.scores.append(line.score)
        for name in terms:
            if name in line.terms:
                self.terms.setdefault(name, []).append(line.terms[name])
        self.graph[line.graph_status or "no reference"] += 1
        self.answer[line.answer_status or "no reference"] += 1
        self.repairs.update(set(line.repairs))
        if line.tokens is not None:
            self.tokens.append(line.tokens)
        self.characters.append(len(line.text))

    def summary(self, series: Sequence[str]) -> dict[str, Any]:
        columns = np.column_stack([np.array(self.components), self.scores])
        spreads = dict(zip((*COMPONENTS, SCORE), spread(columns), strict=True))
        spreads |= {name: spread(np.array(values)[:, None])[0] for name, values in self.terms.items()}
        return {
            "rows": len(self.scores),
            "series": {name: spreads[name] for name in series if name in spreads},
            "graph_status": dict(self.graph),
            "answer_status": dict(self.answer),
            "repairs": dict(self.repairs),
            "tokens": lengths(self.tokens),
            "characters": lengths(self.characters),
            "groups": _group_summary(self.groups),
        }


def spread(table: Any) -> list[dict[str, float | None] | None]:
    """Of each column its count, mean, standard deviation and quantiles, NaN left out; None of nothing.

    Args:
        table: float64 (rows, columns).
    """
    known = ~np.isnan(table)
    count = known.sum(axis=0)
    some = np.maximum(count, 1)
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is told as not known
        mean = np.where(known, table, 0.0).sum(axis=0) / some
        std = np.sqrt((np.where(known, table - mean, 0.0) ** 2).sum(axis=0) / some)
    place = np.outer(_QUANTILES, some - 1)
    low = np.floor(place).astype(int)
    in_order = np.sort(table, axis=0)  # NaN last
    column = np.arange(table.shape[1])
    left, right = in_order[low, column], in_order[np.minimum(low + 1, some - 1), column]
    quantiles = left * (1 - (place - low)) + right * (place - low)
    names = ("n", "mean", "std", *(f"q{round(100 * q)}" for q in _QUANTILES))
    rows = np.vstack([count, mean, std, quantiles]).T.tolist()
    return [
        dict(zip(names, [int(row[0]), *map(rounded, row[1:])], strict=True)) if row[0] else None
        for row in rows
    ]


def lengths(values: Sequence[float]) -> dict[str, float | None] | None:
    """`spread` with the longest."""
    if not values:
        return None
    found = spread(np.array(values, dtype=np.float64)[:, None])[0]
    return None if found is None else {**found, "max": rounded(float(max(values)))}


def _group_summary(groups: Sequence[tuple[int, int, float, bool]]) -> dict[str, Any] | None:
    if not groups:
        return None
    return {
        "groups": len(groups),
        "none": sum(solved == 0 for _, solved, _, _ in groups),
        "some": sum(0 < solved < size for size, solved, _, _ in groups),
        "all": sum(solved == size for size, solved, _, _ in groups),
        "constant": sum(constant for *_, constant in groups),
        "std": rounded(sum(std for _, _, std, _ in groups) / len(groups)),
    }


class Curves:
    """Running numbers over the steps of a run.

    Kept are the replies of one point, the summaries of those before it (at most 240), and 16 references for
    each task.

    Args:
        steps: Numbers of all steps, in order.
        scorer: Of the run's spec, for chance levels.

    Example:
        >>> from videostr.view.curves import Curves
        >>> from videostr import Scorer
        >>> Curves([1, 2], Scorer()).to_dict()["points"]
        [{'first': 1, 'last': 1}, {'first': 2, 'last': 2}]
    """

    def __init__(self, steps: Sequence[int], scorer: Scorer) -> None:
        self._steps = steps
        self._scorer = scorer
        self._points = points_of(len(steps))
        self._done: list[dict[str, dict[str, Any]]] = []
        self._cells: dict[str, _Cell] = {}
        self._tasks: list[str] = []
        self._terms: list[str] = []
        self._references: dict[str, dict[str, Any]] = {}
        self._rows: Counter[str] = Counter()
        self._score_differs = False
        self.groups = 0

    def add_shard(self, position: int, lines: Iterable[Line]) -> Iterator[Line]:
        """Counts the replies of a step, by its place among the steps, and hands them on."""
        while position not in self._points[len(self._done)]:
            self._close()
        last: tuple[str | None, _Group | None] = (None, None)
        for line in lines:
            self._add(line)
            name, group = last
            if line.group is None or line.group != name or group is None:
                self._close_group(group)
                group = None if line.group is None else _Group(self._task(line))
                last = (line.group, group)
            if group is not None:
                group.scores.append(line.score)
                group.solved += is_solved(line.component("answer"), line.component("graph"))
            yield line
        self._close_group(last[1])

    def _task(self, line: Line) -> str:
        if line.task not in self._tasks and len(self._tasks) < TASKS:
            self._tasks.append(line.task)
        return line.task if line.task in self._tasks else OTHER

    def _add(self, line: Line) -> None:
        task = self._task(line)
        for name in line.terms:
            if name not in self._terms and name not in (*COMPONENTS, SCORE) and len(self._terms) < TERMS:
                self._terms.append(name)
        for each in (ALL, task):
            self._cells.setdefault(each, _Cell()).add(line, self._terms)
            self._rows[each] += 1
        total = float(line.components[_TOTAL])
        self._score_differs |= not math.isnan(total) and abs(line.score - total) > 1e-6
        self._remember(task, line)

    def _remember(self, task: str, line: Line) -> None:
        known = self._references.setdefault(task, {})
        if len(known) < CHANCE_REFERENCES and line.graph_status is not None:
            known.setdefault(str(line.ground_truth), line.ground_truth)

    def _close_group(self, group: _Group | None) -> None:
        if group is None or len(group.scores) < 2:
            return
        self.groups += 1
        values = np.round(group.scores, DECIMALS)
        std = (spread(np.array(group.scores)[:, None])[0] or {}).get("std")
        told = (len(values), group.solved, std or 0.0, bool((values == values[0]).all()))
        for each in (ALL, group.task):
            self._cells[each].groups.append(told)

    def _close(self) -> None:
        series = self._series()
        self._done.append({name: cell.summary(series) for name, cell in self._cells.items()})
        self._cells = {}

    def _series(self) -> list[str]:
        return [*COMPONENTS, SCORE, *self._terms]

    def to_dict(self, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
        """All of it as plain values, column by column; a point without a reply of a task is None there."""
        while len(self._done) < len(self._points):
            self._close()
        tasks = [ALL, *self._tasks, *([OTHER] if self._rows[OTHER] else [])]
        if len(tasks) == 2:  # one task is all
            tasks = [ALL]
        progress("chance levels")
        chance = self._chance()
        series = [name for name in self._series() if name != SCORE or self._score_differs]
        return {
            "points": [
                {"first": self._steps[point.start], "last": self._steps[point.stop - 1]}
                for point in self._points
            ],
            "tasks": tasks,
            "rows": {task: self._rows[task] for task in tasks},
            "groups": self.groups,
            "series": [name for name in series if self._is_known(name)],
            "stats": {task: self._columns(task, series) for task in tasks},
            "status": {task: self._counts(task) for task in tasks},
            "lengths": {task: self._lengths(task) for task in tasks},
            "group_health": {
                task: [(point.get(task) or {}).get("groups") for point in self._done] for task in tasks
            },
            "chance": {task: chance.get(task, {}) for task in tasks},
        }

    def _is_known(self, name: str) -> bool:
        return any(point[ALL]["series"].get(name) for point in self._done if ALL in point)

    def _columns(self, task: str, series: Sequence[str]) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        for name in series:
            cells = [(point.get(task) or {"series": {}})["series"].get(name) for point in self._done]
            known = next((cell for cell in cells if cell), None)
            if known:
                columns[name] = {key: [cell[key] if cell else None for cell in cells] for key in known}
        return columns

    def _counts(self, task: str) -> dict[str, Any]:
        """By kind and name the count in each point, and the replies of each point."""
        cells = [point.get(task) for point in self._done]
        found: dict[str, Any] = {"rows": [cell["rows"] if cell else 0 for cell in cells]}
        for kind in ("graph_status", "answer_status", "repairs"):
            names = list(dict.fromkeys(name for cell in cells if cell for name in cell[kind]))
            found[kind] = {name: [cell[kind].get(name, 0) if cell else 0 for cell in cells] for name in names}
        return found

    def _lengths(self, task: str) -> dict[str, Any] | None:
        cells = [point.get(task) for point in self._done]
        unit = "tokens" if any(cell and cell["tokens"] for cell in cells) else "characters"
        spreads = [cell[unit] if cell else None for cell in cells]
        known = next((each for each in spreads if each), None)
        if known is None:
            return None
        return {"unit": unit, **{key: [each[key] if each else None for each in spreads] for key in known}}

    def _prepared(self, truth: Any) -> Reference | None:
        try:
            return self._scorer.prepare(truth)
        except (GroundTruthError, SpecError):
            return None

    def _chance(self) -> Mapping[str, Mapping[str, float | None]]:
        """By task what right labels at random places earn, as `videostr health` has it."""
        levels: dict[str, dict[str, float | None]] = {}
        for task, references in self._references.items():
            found = [
                reference.describe(draws=CHANCE_DRAWS, seed=seed)["components"]
                for seed, truth in enumerate(references.values())
                if (reference := self._prepared(truth)) is not None
            ]
            levels[task] = {
                name: _mean([each[name]["mean"] for each in found])
                for name in COMPONENTS
                if name not in BLIND
            }
        weighted = {
            name: [
                (self._rows[task], value)
                for task, level in levels.items()
                if (value := level[name]) is not None
            ]
            for name in COMPONENTS
            if name not in BLIND
        }
        levels[ALL] = {
            name: rounded(sum(rows * value for rows, value in each) / sum(rows for rows, _ in each))
            if each
            else None
            for name, each in weighted.items()
        }
        return levels


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return rounded(float(np.mean(known))) if known else None
