"""Running means of a stream of scored rows, in constant memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from videostr.cli._common import print_table, short
from videostr.report import ANSWER_STATUS, COMPONENTS, GRAPH_STATUS, REPAIRS


class Summary:
    """Count, mean, spread and range of each component; rows by status and repair."""

    def __init__(self) -> None:
        self.rows = 0
        self._defined = dict.fromkeys(COMPONENTS, 0)
        self._mean = dict.fromkeys(COMPONENTS, 0.0)
        self._squares = dict.fromkeys(COMPONENTS, 0.0)
        self._low = dict.fromkeys(COMPONENTS, math.inf)
        self._high = dict.fromkeys(COMPONENTS, -math.inf)
        self._graph: Counter[str] = Counter()
        self._answer: Counter[str] = Counter()
        self._repairs: Counter[str] = Counter()

    def add(self, record: Mapping[str, Any]) -> None:
        """Counts one row in the form of `Report.to_dict`."""
        self.rows += 1
        for name, value in record["components"].items():
            if value is None:
                continue
            self._defined[name] += 1
            step = value - self._mean[name]
            self._mean[name] += step / self._defined[name]
            self._squares[name] += step * (value - self._mean[name])
            self._low[name] = min(self._low[name], value)
            self._high[name] = max(self._high[name], value)
        self._graph[record["graph_status"]] += 1
        self._answer[record["answer_status"]] += 1
        self._repairs.update(record["repairs"])

    def to_dict(self) -> dict[str, Any]:
        """Plain values fit for JSON, None where no row defines a component."""
        return {
            "rows": self.rows,
            "components": {name: self._component(name) for name in COMPONENTS},
            "graph_status": {name: self._graph[name] for name in GRAPH_STATUS},
            "answer_status": {name: self._answer[name] for name in ANSWER_STATUS},
            "repairs": {name: self._repairs[name] for name in REPAIRS},
        }

    def _component(self, name: str) -> dict[str, Any]:
        count = self._defined[name]
        if not count:
            return {"defined": 0, "mean": None, "std": None, "min": None, "max": None}
        return {
            "defined": count,
            "mean": self._mean[name],
            "std": math.sqrt(self._squares[name] / count),
            "min": self._low[name],
            "max": self._high[name],
        }

    def print(self) -> None:
        """The same as a table."""
        numbers = self.to_dict()
        rows = []
        for name, component in numbers["components"].items():
            values = [short(component[key]) for key in ("mean", "std", "min", "max")]
            rows.append([name, str(component["defined"]), *values])
        print_table(["component", "defined", "mean", "std", "min", "max"], rows)
        for key in ("graph_status", "answer_status", "repairs"):
            counts = {name: count for name, count in numbers[key].items() if count}
            stated = ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
            print(f"{key}: {stated}")
