"""The same rollouts under two specs: what changes, and for whom."""

from __future__ import annotations

import heapq
from array import array
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from videostr.report import COMPONENTS, BatchReport
from videostr.rollouts.ranks import DECIMALS, best, ranks, spearman
from videostr.rollouts.rollout import Rollout, groups
from videostr.rollouts.weighted import weighted_parts
from videostr.spec import RewardSpec

Floats = npt.NDArray[np.float64]

#: Rows that are shown of each kind of change.
TOP = 10


class Comparison:
    """Replies scored under two specs, chunk by chunk.

    Keeps two totals and a number for each row (20 bytes; a rank correlation needs all of them), the rows
    that change most, and sums for each data source.

    Args:
        a, b: The specs.
        top: How many rows to keep of those that change most.

    Example:
        >>> from videostr import RewardSpec, Scorer
        >>> from videostr.rollouts import Comparison, Rollout
        >>> truth = {"version": 1, "answer": {"kind": "number", "value": 10}}
        >>> texts = [f"<think></think><answer>{answer}</answer>" for answer in (10, 9, 5)]
        >>> a = Scorer(RewardSpec.preset("answer-only"))
        >>> b = Scorer(a.spec.replace(number="exact2"))
        >>> ref = a.prepare(truth)
        >>> rollouts = [Rollout(row, text, ref, group="q") for row, text in enumerate(texts)]
        >>> comparison = Comparison(a.spec, b.spec)
        >>> comparison.add(rollouts, a.score_batch(texts, ref), b.score_batch(texts, truth))
        >>> [(entry["row"], entry["rank"]) for entry in comparison.to_dict()["largest_changes"]["rank"]]
        [(1, [2.0, 2.5]), (2, [3.0, 2.5])]
    """

    def __init__(self, a: RewardSpec, b: RewardSpec, *, top: int = TOP) -> None:
        self._specs = (a, b)
        self._totals = (array("d"), array("d"))
        self._source_of = array("I")
        self._numbers: dict[str, int] = {}
        self._sources: dict[str, _Sums] = defaultdict(_Sums)
        self._all = _Sums()
        self._most_total = _Most(top)
        self._most_rank = _Most(top)

    @property
    def rows(self) -> int:
        """How many were added."""
        return self._all.rows

    def add(self, rollouts: Sequence[Rollout], a: BatchReport, b: BatchReport) -> None:
        """Counts a chunk; the reports are those of its rollouts under the two specs. Groups must be whole."""
        names = [rollout.data_source for rollout in rollouts]
        for name in names:
            self._source_of.append(self._numbers.setdefault(name, len(self._numbers)))
        for totals, report in zip(self._totals, (a, b), strict=True):
            totals.frombytes(np.ascontiguousarray(report.total).tobytes())
        for name in dict.fromkeys(names):
            of_source = np.array([other == name for other in names])
            self._sources[name].add(a.components[of_source], b.components[of_source])
        self._all.add(a.components, b.components)
        self._add_groups(rollouts, a, b)

    def _add_groups(self, rollouts: Sequence[Rollout], a: BatchReport, b: BatchReport) -> None:
        parts = [
            weighted_parts(spec, report.components) for spec, report in zip(self._specs, (a, b), strict=True)
        ]
        for run in groups(rollouts):
            totals = (a.total[run.start : run.stop], b.total[run.start : run.stop])
            if len(run) > 1:
                for sums in (self._all, self._sources[rollouts[run.start].data_source]):
                    sums.add_group(*totals)
            placed = (ranks(totals[0]), ranks(totals[1]))
            for offset, position in enumerate(run):
                rollout = rollouts[position]
                change = float(totals[1][offset] - totals[0][offset])
                moved = float(placed[1][offset] - placed[0][offset])
                by_total, by_rank = (abs(change),), (abs(moved), abs(change))
                if not (self._most_total.takes(by_total) or self._most_rank.takes(by_rank)):
                    continue
                entry = {
                    "row": rollout.row,
                    "place": rollout.place,
                    "data_source": rollout.data_source,
                    "group": rollout.group,
                    "group_size": len(run),
                    "total": [float(side[offset]) for side in totals],
                    "change": change,
                    "rank": [float(side[offset]) for side in placed],
                    "by_component": _changes(parts, position),
                }
                self._most_total.offer(by_total, rollout.row, entry)
                self._most_rank.offer(by_rank, rollout.row, entry)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values fit for JSON.

        ``specs`` (fingerprints of ``a`` and ``b``), the numbers of all rows, the same for each of
        ``data_sources``, and ``largest_changes`` of ``total`` and of ``rank``. ``by_component`` of a row says
        how much each weighted component adds under b less what it adds under a, largest first.
        """
        totals = [np.frombuffer(values, dtype=np.float64) for values in self._totals]
        source_of = np.array(self._source_of)
        return {
            "specs": {name: spec.fingerprint for name, spec in zip("ab", self._specs, strict=True)},
            **self._all.to_dict(totals[0], totals[1]),
            "data_sources": {
                name: self._sources[name].to_dict(*(side[source_of == number] for side in totals))
                for name, number in self._numbers.items()
            },
            "largest_changes": {"total": self._most_total.entries(), "rank": self._most_rank.entries()},
        }


def _changes(parts: Sequence[dict[str, Floats]], position: int) -> dict[str, float]:
    changes = {name: float(parts[1][name][position] - parts[0][name][position]) for name in parts[0]}
    told = {name: value for name, value in changes.items() if round(value, DECIMALS)}
    return dict(sorted(told.items(), key=lambda item: -abs(item[1])))


class _Most:
    """The entries of largest key, of equals the first; none whose key begins with 0."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._heap: list[tuple[tuple[float, ...], int, dict[str, Any]]] = []

    def takes(self, key: tuple[float, ...]) -> bool:
        if self._size == 0 or round(key[0], DECIMALS) == 0:
            return False
        return len(self._heap) < self._size or key > self._heap[0][0]

    def offer(self, key: tuple[float, ...], row: int, entry: dict[str, Any]) -> None:
        if not self.takes(key):
            return
        if len(self._heap) == self._size:
            heapq.heappop(self._heap)
        heapq.heappush(self._heap, (key, -row, entry))

    def entries(self) -> list[dict[str, Any]]:
        return [entry for _, _, entry in sorted(self._heap, key=lambda item: item[:2], reverse=True)]


class _Sums:
    """Running sums over rows and groups."""

    def __init__(self) -> None:
        self.rows = 0
        width = len(COMPONENTS)
        self._defined = np.zeros((2, width), dtype=np.int64)
        self._sum = np.zeros((2, width))
        self._both = np.zeros(width, dtype=np.int64)
        self._change = np.zeros(width)
        self._changed = np.zeros(width, dtype=np.int64)
        self._groups = 0
        self._correlated = 0
        self._correlation = 0.0
        self._constant = [0, 0]
        self._best_changed = 0

    def add(self, a: Floats, b: Floats) -> None:
        self.rows += len(a)
        for side, values in enumerate((a, b)):
            self._defined[side] += (~np.isnan(values)).sum(axis=0)
            self._sum[side] += np.nansum(values, axis=0)
        change = b - a
        both = ~np.isnan(change)
        self._both += both.sum(axis=0)
        self._change += np.nansum(change, axis=0)
        same = np.isnan(a) & np.isnan(b) | (np.round(np.nan_to_num(change, nan=1.0), DECIMALS) == 0)
        self._changed += (~same).sum(axis=0)

    def add_group(self, a: Floats, b: Floats) -> None:
        self._groups += 1
        for side, values in enumerate((a, b)):
            self._constant[side] += len(best(values)) == len(values)
        correlation = spearman(a, b)
        if correlation is not None:
            self._correlated += 1
            self._correlation += correlation
        self._best_changed += best(a).isdisjoint(best(b))

    def to_dict(self, totals_a: Floats, totals_b: Floats) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "components": {name: self._component(column) for column, name in enumerate(COMPONENTS)},
            "spearman": spearman(totals_a, totals_b),
            "groups": {
                "count": self._groups,
                "spearman": self._correlation / self._correlated if self._correlated else None,
                "correlated": self._correlated,
                "constant": {"a": self._constant[0], "b": self._constant[1]},
                "best_changed": self._best_changed,
            },
        }

    def _component(self, column: int) -> dict[str, Any]:
        def mean(total: float, count: int) -> float | None:
            return float(total / count) if count else None

        return {
            "defined": {"a": int(self._defined[0, column]), "b": int(self._defined[1, column])},
            "mean": {
                name: mean(self._sum[side, column], int(self._defined[side, column]))
                for side, name in enumerate("ab")
            },
            "change": mean(self._change[column], int(self._both[column])),
            "changed": int(self._changed[column]),
        }
