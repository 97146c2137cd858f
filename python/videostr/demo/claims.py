"""What the demonstration claims about its GRPO run, checked on what the run wrote."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Components that may count as varying: those of `total` that a reply alone decides.
VARYING = ("format", "answer", "node", "edge", "chirality")
#: Components that must not be zero.
NON_ZERO = ("format", "answer", "node")

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Step:
    """One GRPO step.

    Attributes:
        number: From 1.
        rows: For each prompt the number of its row in its split.
        groups: For each prompt the rollouts of its group: component -> value (0 where undefined), ``score``,
            and the flags ``bad_reference`` and ``internal``.
        grad_norm: Norm of the actor's gradient before clipping.
        seconds: Wall time.
        reward_share: Of `seconds`, what rewards took.
    """

    number: int
    rows: Sequence[int]
    groups: Sequence[Sequence[Mapping[str, float]]]
    grad_norm: float
    seconds: float
    reward_share: float = 0.0

    def mean(self, key: str) -> float:
        """Mean over the rollouts of the step."""
        values = [float(rollout[key]) for group in self.groups for rollout in group]
        return sum(values) / len(values)

    def varying(self) -> tuple[str, ...]:
        """The components that vary in that group in which most do."""
        return max((_varying(group) for group in self.groups), key=len, default=())


def _varying(group: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    return tuple(
        name
        for name in VARYING
        if max(rollout[name] for rollout in group) - min(rollout[name] for rollout in group) > _TOLERANCE
    )


def read_steps(run_dir: Path) -> list[Step]:
    """The steps of a run from ``rollouts/*.jsonl`` and ``metrics.jsonl``, in order.

    A step without a metrics line (a run that was killed) is left out.
    """
    with (run_dir / "metrics.jsonl").open(encoding="utf-8") as file:
        metrics = {line["step"]: line["data"] for line in map(json.loads, file)}
    steps = []
    for path in sorted((run_dir / "rollouts").glob("*.jsonl"), key=lambda path: int(path.stem)):
        number = int(path.stem)
        if number in metrics:
            with path.open(encoding="utf-8") as file:
                rows, groups = _groups(map(json.loads, file))
            data = metrics[number]
            share = data["videostr/reward/share_of_step"]
            steps.append(Step(number, rows, groups, data["actor/grad_norm"], data["timing_s/step"], share))
    return steps


def _groups(lines: Iterable[Mapping[str, Any]]) -> tuple[list[int], list[list[Mapping[str, float]]]]:
    rows: dict[str, int] = {}
    groups: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for line in lines:
        rows[line["group"]] = line["index"]
        groups[line["group"]].append(_values(line))
    return list(rows.values()), list(groups.values())


def _values(line: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a rollout line as `videostr.integrations.verl_rollouts` writes it."""
    return {
        **{name: value or 0.0 for name, value in line["components"].items()},
        "score": line["score"],
        "bad_reference": float(line["graph_status"] is None),
        "internal": float("internal" in line["repairs"]),
    }


def broken_claims(steps: Sequence[Step], *, expected_steps: int, group_size: int) -> list[str]:
    """The claims that do not hold, each in words; empty when all hold.

    1. There are `expected_steps` steps, and every group has `group_size` rollouts.
    2. In over half of the steps at least two of :data:`VARYING` vary within a group and the gradient is not
       zero.
    3. Each of :data:`NON_ZERO` is non-zero in over half of the steps.
    4. No ground truth was refused and no bug of ours was caught.
    """
    broken = []
    if len(steps) != expected_steps:
        broken.append(f"{expected_steps} GRPO steps were asked for, {len(steps)} were made")
    broken += [
        f"step {step.number}: a group of {len(group)} rollouts, not {group_size}"
        for step in steps
        for group in step.groups
        if len(group) != group_size
    ]
    learning = [step for step in steps if len(step.varying()) >= 2 and _positive(step.grad_norm)]
    if 2 * len(learning) <= len(steps):
        broken.append(
            f"only in {len(learning)} of {len(steps)} steps do at least two components vary within a group "
            f"and is grad_norm > 0; over half was claimed"
        )
    for name in NON_ZERO:
        alive = sum(_positive(step.mean(name)) for step in steps)
        if 2 * alive <= len(steps):
            broken.append(f"{name} is non-zero in only {alive} of {len(steps)} steps; over half was claimed")
    broken += [
        f"step {step.number}: {key} is set for some rollouts"
        for step in steps
        for key in ("bad_reference", "internal")
        if step.mean(key) > 0
    ]
    return broken


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0
