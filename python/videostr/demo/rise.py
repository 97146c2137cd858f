"""How much a component of the reward rises over a run, measured against its noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from videostr.demo.claims import Step

#: What the graph is the mean of.
GRAPH = ("node", "edge")
#: Steps of which a quarter is enough to have an error.
LEAST_STEPS = 8


@dataclass(frozen=True)
class Rise:
    """From the first to the last quarter of the steps.

    Attributes:
        first, last: Means over the groups of each quarter.
        error: Standard error of `last - first`; a group, which shares its prompt, is one observation.
    """

    first: float
    last: float
    error: float

    @property
    def errors(self) -> float:
        """The rise in standard errors."""
        rise = self.last - self.first
        return rise / self.error if self.error > 0 else math.copysign(math.inf, rise) if rise else 0.0


def rises(steps: Sequence[Step]) -> dict[str, Rise]:
    """`answer` and `graph` over a run of at least LEAST_STEPS steps.

    Raises:
        ValueError: Fewer steps.
    """
    if len(steps) < LEAST_STEPS:
        raise ValueError(f"{len(steps)} steps have no quarters; {LEAST_STEPS} at least")
    values: Mapping[str, Callable[[Mapping[str, float]], float]] = {
        "answer": lambda rollout: float(rollout["answer"]),
        "graph": lambda rollout: sum(float(rollout[name]) for name in GRAPH) / len(GRAPH),
    }
    quarter = len(steps) // 4
    return {
        name: _rise(_groups(steps[:quarter], value), _groups(steps[-quarter:], value))
        for name, value in values.items()
    }


def rise_table(found: Mapping[str, Rise]) -> str:
    """One line a component."""
    head = f"{'':8}{'first quarter':>15}{'last quarter':>14}{'rise':>8}{'standard errors':>17}"
    return "\n".join(
        [
            head,
            *(
                f"{name:8}{rise.first:15.3f}{rise.last:14.3f}{rise.last - rise.first:+8.3f}{rise.errors:17.1f}"
                for name, rise in found.items()
            ),
        ]
    )


def _groups(steps: Sequence[Step], value: Callable[[Mapping[str, float]], float]) -> list[float]:
    return [sum(map(value, group)) / len(group) for step in steps for group in step.groups]


def _rise(first: Sequence[float], last: Sequence[float]) -> Rise:
    means = [sum(part) / len(part) for part in (first, last)]
    spreads = [
        sum((value - mean) ** 2 for value in part) / (len(part) - 1) / len(part)
        for part, mean in zip((first, last), means, strict=True)
    ]
    return Rise(means[0], means[1], math.sqrt(sum(spreads)))
