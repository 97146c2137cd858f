"""The components of a run, step by step, as text."""

from __future__ import annotations

from collections.abc import Sequence

from videostr.demo.claims import VARYING, Step

_COLUMNS = (*VARYING, "score")


def component_table(steps: Sequence[Step]) -> str:
    """One line a step: means over its rollouts, components varying within a group, grad_norm, seconds."""
    head = " ".join(["step", *(f"{name:>9}" for name in _COLUMNS), "  varying", "grad_norm", "  seconds"])
    return "\n".join([head, *(_line(step) for step in steps)])


def _line(step: Step) -> str:
    means = (f"{step.mean(name):9.3f}" for name in _COLUMNS)
    tail = (f"{len(step.varying()):9d}", f"{step.grad_norm:9.4f}", f"{step.seconds:9.1f}")
    return " ".join([f"{step.number:4d}", *means, *tail])
