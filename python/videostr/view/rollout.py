"""All that a page tells of one rollout."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from videostr.errors import GroundTruthError, SpecError
from videostr.report import CHANCE_DRAWS, COMPONENTS, Report
from videostr.rollouts.alarms import differing
from videostr.rollouts.weighted import WEIGHTED, weighted_parts
from videostr.scoring import Reference, Scorer
from videostr.view.curves import BLIND, rounded
from videostr.view.marks import shown_text
from videostr.view.scene import scene_of

#: Characters of a prompt, of an answer and of an option that are shown.
PROMPT, ANSWER = 4000, 300
#: Scores of a group that are shown.
GROUP = 64


@dataclasses.dataclass(frozen=True)
class Told:
    """A rollout as it was found.

    Attributes:
        name: Names it on the page, e.g. ``12.jsonl:7``.
        recorded: Components that its line holds; None where it holds none.
        group_scores: Of the replies to its prompt.
    """

    name: str
    text: str
    truth: Any
    tokens: float | None = None
    step: int | None = None
    task: str = ""
    score: float | None = None
    prompt: str = ""
    why: Sequence[str] = ()
    recorded: Mapping[str, float | None] | None = None
    fingerprint: str | None = None
    terms: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    group_scores: Sequence[float] = ()
    rank: int = 1


def rollout_data(told: Told, scorer: Scorer) -> dict[str, Any]:
    """A rollout as plain values: scores, chance levels, the text with marks, the drawn scene, the answer.

    Args:
        told: The rollout.
        scorer: Of the spec that it was scored under.
    """
    data = {
        "id": told.name,
        "step": told.step,
        "task": told.task,
        "why": list(told.why),
        "score": rounded(told.score) if told.score is not None else None,
        "tokens": told.tokens,
        "characters": len(told.text),
        "prompt": told.prompt[:PROMPT],
        "group": [rounded(score) for score in told.group_scores[:GROUP]],
        "group_size": len(told.group_scores),
        "rank": told.rank,
        "terms": dict(told.terms),
        "notes": [],
    }
    try:
        reference = scorer.prepare(told.truth)
    except (GroundTruthError, SpecError) as error:
        notes = [f"the ground truth is not valid: {error}"]
        return {**data, **shown_text(told.text, (), ()), "notes": notes, "scene": None}
    full = Scorer(scorer.spec.replace(report="all"))
    report = full.score(told.text, reference.json, told.tokens)
    return {**data, **_scored(told, report, scorer), **_shown(told, report, full, reference)}


def _shown(told: Told, report: Report, scorer: Scorer, reference: Reference) -> dict[str, Any]:
    explanation = report.explanation()
    truth = reference.ground_truth
    scene = scene_of(truth, explanation)
    notes = []
    if told.fingerprint is not None and told.fingerprint != scorer.spec.fingerprint:
        notes.append(f"recorded under spec {told.fingerprint}, which is not there: explained under another")
    answer = explanation["answer"]
    return {
        **shown_text(told.text, explanation["repairs"], scene["frames"] if scene else ()),
        "scene": scene,
        "said": None if answer is None else answer[:ANSWER],
        "truth": _answer(truth.get("answer")),
        "chance": _chance(scorer, reference.json),
        "notes": notes,
    }


@functools.lru_cache(maxsize=64)
def _chance(scorer: Scorer, truth: str) -> dict[str, float | None]:
    """What right labels at random places earn with this reference."""
    levels = scorer.prepare(truth).describe(draws=CHANCE_DRAWS)["components"]
    return {
        name: rounded(level["mean"])
        for name, level in levels.items()
        if level["mean"] is not None and name not in BLIND
    }


def _scored(told: Told, report: Report, scorer: Scorer) -> dict[str, Any]:
    """Components as they were recorded, else as they are."""
    due = report.to_dict()
    components = {name: due["components"][name] for name in COMPONENTS}
    recorded = told.recorded
    if recorded is not None:
        components = {name: recorded.get(name) for name in COMPONENTS}
    values = np.array([[np.nan if value is None else value for value in components.values()]])
    adds = weighted_parts(scorer.spec, values)
    found: dict[str, Any] = {
        "components": {
            name: rounded(value) if value is not None else None for name, value in components.items()
        },
        "adds": {name: rounded(float(adds[name][0])) for name in WEIGHTED},
        "weights": {name: scorer.spec.weights[name] for name in WEIGHTED},
        "graph_status": due["graph_status"],
        "answer_status": due["answer_status"],
        "repairs": due["repairs"],
    }
    if recorded is not None and told.fingerprint == scorer.spec.fingerprint:
        partial = scorer.spec.report == "weighted"
        # length and total also depend on the group
        alone = {name: value for name, value in components.items() if name not in ("length", "total")}
        found["differs"] = differing(alone, report, partial=partial)
    return found


def _answer(answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The reference's answer, in words that fit."""
    if answer is None:
        return None
    value = answer["value"]
    told = {
        "kind": str(answer["kind"]),
        "value": (value if isinstance(value, str) else json.dumps(value))[:ANSWER],
    }
    if answer.get("unit"):
        told["unit"] = str(answer["unit"])
    if answer.get("options"):
        return {**told, "options": [str(option)[:ANSWER] for option in answer["options"][:26]]}
    return told
