"""The reward of a whole GRPO step: what a single reply cannot know is applied here, with no trainer in sight.

verl's reward workers see one reply at a time. The length rule also asks about the reply's group
(docs/scoring.md, section 6), so the step's replies are scored again together, with token counts and groups.
The numbers of the user's own terms are those that the workers computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from videostr.errors import GroundTruthError, SpecError
from videostr.integrations.verl import KEYS, Reward
from videostr.report import Report
from videostr.scoring import Reference

__all__ = ["Row", "Scored", "score_step"]


@dataclass(frozen=True)
class Row:
    """The reply of one session of a prompt's group.

    Attributes:
        key: verl's name of the trajectory; of the last output, where a session has several.
        group: verl's name of the prompt in this step.
        text: The reply as it was scored: decoded, without special tokens.
        ground_truth: Its reference, as its row of the data has it.
        tokens: Its length in tokens.
        given: What the reward worker returned beside the score.
        reward: The score that it returned, in single precision.
        prompt: Decoded, without special tokens.
        data_source, index: Of its row of the data.
        earlier: Texts of the session's earlier outputs.
    """

    key: str
    group: str
    text: str
    ground_truth: Any
    tokens: int
    given: Mapping[str, Any]
    reward: float
    prompt: str = ""
    data_source: str = ""
    index: Any = None
    earlier: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Scored:
    """A row with its reward in its group.

    Attributes:
        row: What was scored.
        score: What training uses (verl keeps it in single precision).
        report: The components behind it; None where the ground truth is not valid.
        terms: Numbers of the recipe's own terms by name; None for one that failed.
        values: What is logged: the keys of `Reward.keys`, or of a row that another reward scored its numbers.
    """

    row: Row
    score: float
    report: Report | None
    terms: Mapping[str, float | None]
    values: Mapping[str, float]


def score_step(reward: Reward, rows: Sequence[Row]) -> list[Scored]:
    """The rows of a step with the group's part of their reward, in their order.

    A row that the recipe's reward did not score (an agent loop of the user's own may set another) keeps its
    score, and so does one without a valid ground truth, which is worth 0.

    Args:
        rows: Every reply of every group of the step that is there; some of a group may have failed.
    """
    references = [_prepared(reward, row.ground_truth) for row in rows]
    valid = [place for place, reference in enumerate(references) if reference is not None]
    batch = reward.scorer.score_batch(
        [rows[place].text for place in valid],
        [reference for reference in references if reference is not None],
        tokens=[rows[place].tokens for place in valid],
        group_ids=[rows[place].group for place in valid],
    )
    reports = dict(zip(valid, batch, strict=True))
    return [_scored(reward, row, reports.get(place)) for place, row in enumerate(rows)]


def _prepared(reward: Reward, ground_truth: Any) -> Reference | None:
    try:
        return reward.scorer.prepare(ground_truth)
    except (GroundTruthError, SpecError):
        return None  # the worker has said so, and flagged the row


def _scored(reward: Reward, row: Row, report: Report | None) -> Scored:
    terms = {term.name: _given_term(row.given, term.name) for term in reward.terms}
    if report is None or not set(KEYS) <= row.given.keys():
        numbers = {key: float(value) for key, value in row.given.items() if isinstance(value, (int, float))}
        return Scored(row, row.reward, report, terms, {**numbers, "score": row.reward})
    values = reward.values(report, list(terms.values()))
    return Scored(row, values["score"], report, terms, values)


def _given_term(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(f"term_{name}")
    return None if value is None or given.get(f"term_{name}_failed") else float(value)
