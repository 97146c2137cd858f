"""What a GRPO step's replies were, as numbers for the trainer's loggers (docs/metrics.md lists the keys).

verl's loop logs the mean reward and drops what it was made of.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from videostr import ANSWER_STATUS, COMPONENTS, GRAPH_STATUS, REPAIRS
from videostr.integrations.verl_step import Scored
from videostr.report import Report
from videostr.rollouts.solved import is_solved
from videostr.scoring import Reference

__all__ = ["PREFIX", "step_metrics", "task_of"]

PREFIX = "videostr"
#: Blind replies behind the chance level of one reference: a step averages over its prompts.
CHANCE_DRAWS = 16
#: What is logged by task.
BY_TASK = ("format", "answer", "graph", "success")

Floats = npt.NDArray[np.float64]

#: Chance levels by reference, so that one of an earlier epoch is not drawn again.
_levels: dict[int, dict[str, float]] = {}
_KNOWN_LEVELS = 65_536


def step_metrics(scored: Sequence[Scored], *, token_limit: int | None = None) -> dict[str, float]:
    """The metrics of a step; finite numbers, and no key for what nothing defines.

    Args:
        scored: The step's replies as training used them, one a session.
        token_limit: Longest reply that the recipe allows, in tokens.

    Returns:
        ``videostr/...`` -> number; empty for no replies.
    """
    if not scored:
        return {}
    metrics: dict[str, float] = {}
    scores = np.array([one.score for one in scored])
    metrics |= _spread("score", scores)
    reports = [one.report for one in scored if one.report is not None]
    for name in COMPONENTS:
        values = _values(reports, name)
        metrics |= _spread(name, values)
        metrics[f"{name}/defined"] = len(values) / len(scored)
    metrics |= _chance(reports)
    metrics |= _statuses(reports, len(scored))
    metrics |= _terms(scored)
    metrics |= _groups(scored)
    metrics |= _lengths(np.array([one.row.tokens for one in scored], dtype=np.float64), token_limit)
    metrics |= _tasks(scored)
    return {f"{PREFIX}/{key}": float(value) for key, value in metrics.items()}


def task_of(data_source: str) -> str:
    """The task in the name of a row's source, ``videostr/<source>/<task>`` in rows of ours.

    >>> task_of("videostr/kitti/displacement"), task_of("mine"), task_of("")
    ('kitti/displacement', 'mine', 'unnamed')
    """
    return data_source.removeprefix(f"{PREFIX}/").strip("/") or "unnamed"


def _values(reports: Iterable[Report], name: str) -> Floats:
    values = (report[name] for report in reports)
    return np.array([value for value in values if not math.isnan(value)])


def _spread(name: str, values: Floats) -> dict[str, float]:
    return {f"{name}/mean": values.mean(), f"{name}/std": values.std()} if len(values) else {}


def _chance(reports: Sequence[Report]) -> dict[str, float]:
    """Means over the replies of what right labels at random places earn for the same references."""
    levels = [_chance_of(report.reference) for report in reports]
    known = {name: [level[name] for level in levels if name in level] for name in COMPONENTS}
    return {f"{name}/chance": float(np.mean(means)) for name, means in known.items() if means}


def _chance_of(reference: Reference) -> dict[str, float]:
    key = hash((reference.spec_json, reference.json))
    if key not in _levels:
        if len(_levels) >= _KNOWN_LEVELS:
            del _levels[next(iter(_levels))]
        levels = reference.describe(draws=CHANCE_DRAWS)["components"]
        _levels[key] = {name: level["mean"] for name, level in levels.items() if level["mean"] is not None}
    return _levels[key]


def _statuses(reports: Sequence[Report], replies: int) -> dict[str, float]:
    graph = Counter(GRAPH_STATUS[report.graph_status] for report in reports)
    answer = Counter(ANSWER_STATUS[report.answer_status] for report in reports)
    repairs = [set(report.repair_names) for report in reports]
    bits = Counter(name for names in repairs for name in names)
    return {
        **{f"graph_status/{name}": graph[name] / replies for name in GRAPH_STATUS},
        **{f"answer_status/{name}": answer[name] / replies for name in ANSWER_STATUS},
        **{f"repairs/{name}": bits[name] / replies for name in REPAIRS if name != "internal"},
        "repairs/any": sum(bool(names - {"internal"}) for names in repairs) / replies,
        "internal": bits["internal"] / replies,
        "bad_reference": 1.0 - len(reports) / replies,
    }


def _terms(scored: Sequence[Scored]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name in scored[0].terms:
        values = np.array([value for one in scored if (value := one.terms.get(name)) is not None])
        metrics |= _spread(f"term_{name}", values)
        metrics[f"term_{name}/failed"] = 1.0 - len(values) / len(scored)
    return metrics


def _groups(scored: Sequence[Scored]) -> dict[str, float]:
    """Of the prompts: how many of their replies solve them, and whether their scores differ at all."""
    groups: dict[str, list[Scored]] = {}
    for one in scored:
        groups.setdefault(one.row.group, []).append(one)
    shares = Counter(_solved(group) for group in groups.values())
    same = sum(len({one.score for one in group}) == 1 for group in groups.values())
    return {
        "groups/count": len(groups),
        "groups/replies": len(scored) / len(groups),
        **{f"groups/solved_{name}": shares[name] / len(groups) for name in ("none", "some", "all")},
        "groups/zero_variance": same / len(groups),
    }


def _solved(group: Sequence[Scored]) -> str:
    reports = [one.report for one in group]
    solved = sum(report is not None and is_solved(report["answer"], report["graph"]) for report in reports)
    return "none" if not solved else "all" if solved == len(group) else "some"


def _lengths(tokens: Floats, limit: int | None) -> dict[str, float]:
    lengths = {**_spread("tokens", tokens), "tokens/min": tokens.min(), "tokens/max": tokens.max()}
    return {**lengths, "tokens/at_limit": (tokens >= limit).mean()} if limit else lengths


def _tasks(scored: Sequence[Scored]) -> dict[str, float]:
    tasks: dict[str, list[Scored]] = {}
    for one in scored:
        tasks.setdefault(task_of(one.row.data_source), []).append(one)
    metrics = {}
    for task, replies in tasks.items():
        metrics[f"task/{task}/replies"] = float(len(replies))
        metrics[f"task/{task}/score/mean"] = float(np.mean([one.score for one in replies]))
        reports = [one.report for one in replies if one.report is not None]
        for name in BY_TASK:
            values = _values(reports, name)
            if len(values):
                metrics[f"task/{task}/{name}/mean"] = float(values.mean())
    return metrics
