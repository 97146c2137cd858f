"""How much a component of the reward rises over a run, measured against its noise.

A quarter of the steps sees every prompt (`Plan.rows`), so a prompt of the first quarter is compared with itself in the
last: what makes one prompt harder than another is not noise.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from videostr.demo.claims import Step

#: What has to rise, and by how many of its standard errors at least.
PARTS, STANDARD_ERRORS = ("answer", "graph"), 3.0
#: Steps of which a quarter is enough to have an error.
LEAST_STEPS = 8


@dataclass(frozen=True)
class Rise:
    """From the first to the last quarter of the steps, over the prompts of both.

    Attributes:
        prompts: Their number.
        first, last: Means over them in each quarter.
        error: Standard error of `last - first`; a prompt, with all its replies, is one observation.
    """

    prompts: int
    first: float
    last: float
    error: float

    @property
    def errors(self) -> float:
        """The rise in standard errors."""
        rise = self.last - self.first
        return rise / self.error if self.error > 0 else math.copysign(math.inf, rise) if rise else 0.0


def rises(steps: Sequence[Step]) -> dict[str, Rise]:
    """`answer` and `graph` over a run.

    Raises:
        ValueError: Fewer than LEAST_STEPS steps, or quarters that do not share at least two prompts.
    """
    if len(steps) < LEAST_STEPS:
        raise ValueError(f"{len(steps)} steps have no quarters; {LEAST_STEPS} at least")
    quarter = len(steps) // 4
    return {
        part: _rise(_by_prompt(steps[:quarter], part), _by_prompt(steps[-quarter:], part)) for part in PARTS
    }


def broken_rises(found: Mapping[str, Rise]) -> list[str]:
    """What does not rise by STANDARD_ERRORS, in words."""
    return [
        f"{part} goes from {rise.first:.3f} in the first quarter of the steps to {rise.last:.3f} in the last, "
        f"{rise.errors:.1f} standard errors; {STANDARD_ERRORS:g} were claimed"
        for part, rise in found.items()
        if not rise.errors >= STANDARD_ERRORS
    ]


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


def _by_prompt(steps: Sequence[Step], part: str) -> dict[int, float]:
    replies: dict[int, list[float]] = defaultdict(list)
    for step in steps:
        for row, group in zip(step.rows, step.groups, strict=True):
            replies[row] += [rollout[part] for rollout in group]
    return {row: sum(its) / len(its) for row, its in replies.items()}


def _rise(first: Mapping[int, float], last: Mapping[int, float]) -> Rise:
    both = sorted(first.keys() & last.keys())
    if len(both) < 2:
        raise ValueError(f"the first and the last quarter share {len(both)} prompts; 2 at least")
    means = [sum(part[row] for row in both) / len(both) for part in (first, last)]
    rises = [last[row] - first[row] for row in both]
    mean = sum(rises) / len(rises)
    spread = sum((rise - mean) ** 2 for rise in rises) / (len(rises) - 1)
    return Rise(len(both), means[0], means[1], math.sqrt(spread / len(rises)))
