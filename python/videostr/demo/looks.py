"""Whether a model looks: its reward with a row's own clip against that with another scene's."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr import Scorer
from videostr.data.rows import read_rows
from videostr.demo.answer import answer_rows

ALL = "all"
#: By so many of its standard errors a difference has to be more than none.
STANDARD_ERRORS = 3.0
#: What is compared; graph is the mean of node and edge.
PARTS = ("answer", "graph", "total")


@dataclass(frozen=True)
class Looks:
    """Rewards of one part over the rows of one task.

    Attributes:
        rows: Their number.
        own, other: Mean with the row's own clip, and with another scene's.
        error: Standard error of the difference; a scene is one observation.
    """

    rows: int
    own: float
    other: float
    error: float

    @property
    def errors(self) -> float:
        """The difference in standard errors."""
        return (self.own - self.other) / self.error if self.error > 0 else 0.0


def compare_clips(
    model: Path, file: Path, scorer: Scorer, *, max_new_tokens: int, device: str
) -> dict[str, dict[str, Looks]]:
    """Task (and `all`) -> part -> both rewards, over the rows of a file, answered greedily.

    Args:
        model: A folder that transformers loads.
        file: Parquet of held-out rows of at least two scenes.
        scorer: Of the replies.
        max_new_tokens: Of a reply.
        device: ``cpu`` or ``cuda``.
    """
    rows = list(read_rows(file))
    scenes = [row["extra_info"]["scene"] for row in rows]
    order = list(dict.fromkeys(scenes))
    clip = {row["extra_info"]["scene"]: row["videos"] for row in rows}
    next_to = dict(zip(order, order[1:] + order[:1], strict=True))
    swapped = [{**row, "videos": clip[next_to[scene]]} for row, scene in zip(rows, scenes, strict=True)]
    values = [
        [
            _parts(answer.report)
            for answer in answer_rows(
                model, each, scorer, root=file.parent, max_new_tokens=max_new_tokens, device=device
            )
        ]
        for each in (rows, swapped)
    ]
    tasks = [row["extra_info"]["task"] for row in rows]
    chosen = {task: [place for place, its in enumerate(tasks) if its == task] for task in sorted(set(tasks))}
    return {
        task: {
            part: _compared([(scenes[i], values[0][i][part], values[1][i][part]) for i in places])
            for part in PARTS
        }
        for task, places in {**chosen, ALL: list(range(len(rows)))}.items()
    }


def broken_looks(found: Mapping[str, Mapping[str, Looks]]) -> list[str]:
    """What is not better with the own clip, over all tasks, in words."""
    return [
        f"held out, {part} is {looks.own:.3f} with the own clip and {looks.other:.3f} with another scene's, "
        f"{looks.errors:.1f} standard errors apart; {STANDARD_ERRORS:g} were claimed"
        for part, looks in found[ALL].items()
        if not looks.errors >= STANDARD_ERRORS
    ]


def looks_table(found: Mapping[str, Mapping[str, Looks]]) -> str:
    """One line a task: each part with the own clip, with another scene's, and the difference."""
    wide = max(len(task) for task in found)
    head = f"{'':{wide}} {'rows':>5}" + "".join(f"{part:>8} {'other':>6} {'more':>12}" for part in PARTS)
    lines = [
        f"{task:{wide}} {parts[PARTS[0]].rows:5d}" + "".join(map(_cell, parts.values()))
        for task, parts in found.items()
    ]
    return "\n".join([head, *lines, "more: the difference, and its standard error"])


def _cell(looks: Looks) -> str:
    return f"{looks.own:8.3f} {looks.other:6.3f} {looks.own - looks.other:+6.3f}±{looks.error:.3f}"


def _parts(report: Any) -> dict[str, float]:
    node, edge = _number(report.node), _number(report.edge)
    return {"answer": _number(report.answer), "graph": (node + edge) / 2, "total": _number(report.total)}


def _number(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else float(value)


def _compared(values: Sequence[tuple[str, float, float]]) -> Looks:
    own = sum(value[1] for value in values) / len(values)
    other = sum(value[2] for value in values) / len(values)
    by_scene: dict[str, list[float]] = defaultdict(list)
    for scene, with_own, with_other in values:
        by_scene[scene].append(with_own - with_other - (own - other))
    # Sums over scenes, not means: a scene with more rows weighs more in `own - other` too
    spread = sum(sum(each) ** 2 for each in by_scene.values())
    count = len(by_scene)
    error = math.sqrt(spread * count / (count - 1)) / len(values) if count > 1 else 0.0
    return Looks(len(values), own, other, error)
