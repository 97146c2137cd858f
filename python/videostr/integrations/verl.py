"""The reward for verl 0.9 (``reward.custom_reward_function.path=pkg://videostr.integrations.verl``).

verl scores one reply at a time, in the threads of its reward workers, and has two habits that shape what is
returned: a reward that raises does not stop the run but silently shrinks the prompt's group, and the key set
of one sample is taken for all. So scoring never raises and its keys never change. What a caller can get
wrong, the spec, the terms and the ground truths, is checked before training by
``python -m videostr.train.launch``, which raises typed errors.

:class:`Reward` is a recipe's reward. verl reaches it through the reward manager ``videostr``
(`videostr.integrations.verl_manager`), which knows the token count of a reply, or through the plain function
:func:`compute_score`, which verl's own managers call without one.
"""

from __future__ import annotations

import functools
import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from videostr import ANSWER_STATUS, COMPONENTS, GRAPH_STATUS, REPAIRS, RewardSpec, Scorer, _json
from videostr.errors import SpecError, TermError
from videostr.report import Report
from videostr.terms import Sample, Term, load_terms, total_with_terms

__all__ = [
    "KEYS",
    "MANAGER",
    "REWARD_KWARGS",
    "REWARD_MODULE",
    "SECONDS",
    "Reward",
    "compute_score",
    "is_ours",
    "reward_for",
    "reward_of",
    "scorer_for",
]

#: ``reward.custom_reward_function.path`` of a recipe that uses this reward.
REWARD_MODULE = "pkg://videostr.integrations.verl"
#: ``reward.reward_manager.name`` of the manager that scores with it.
MANAGER = "videostr"

_PARTS = tuple(name for name in COMPONENTS if name != "total")
_INTERNAL_BIT = 1 << REPAIRS.index("internal")
_log = logging.getLogger(__name__)

#: Beside the keys of a reward, from the manager: CPU seconds that the reply took, decoding included.
SECONDS = "reward_seconds"

#: What a recipe may write under ``reward.custom_reward_function.reward_kwargs``.
REWARD_KWARGS = ("spec", "terms")

#: The keys of every result, in order; those of the recipe's own terms follow.
KEYS = (
    "score",
    "acc",
    *_PARTS,
    *(f"{name}_defined" for name in _PARTS),
    *(f"graph_status_{name}" for name in GRAPH_STATUS),
    *(f"answer_status_{name}" for name in ANSWER_STATUS),
    "internal",
    "bad_reference",
)


@dataclass(frozen=True)
class Reward:
    """A recipe's reward: what scoring gives, and the user's own terms.

    Picklable where the functions of its terms are; safe to use from many threads.

    Attributes:
        scorer: Scores replies under the recipe's spec.
        terms: The user's own terms, in the recipe's order.
    """

    scorer: Scorer
    terms: tuple[Term, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of every result: :data:`KEYS`, then ``term_<name>`` and ``term_<name>_failed`` of each
        term.
        """
        return KEYS + tuple(
            key for term in self.terms for key in (f"term_{term.name}", f"term_{term.name}_failed")
        )

    def score(
        self,
        text: str,
        ground_truth: str | Mapping[str, Any],
        *,
        tokens: float | None = None,
        truncated: bool | None = None,
        data_source: str = "",
        extra_info: Mapping[str, Any] | None = None,
    ) -> dict[str, float]:
        """The reward of one reply and what it is made of; never raises.

        Args:
            text: The decoded reply.
            ground_truth: Its reference, as JSON text or plain values.
            tokens: Its length in tokens; without it ``length`` is not defined.
            truncated: Whether it was cut at the longest length; for terms.
            data_source, extra_info: Of its row; for terms.

        Returns:
            :attr:`keys` -> finite float, as `compute_score` describes. ``length`` is without its condition on
            the group, which a single reply cannot know.
        """
        try:
            report = self.scorer.score(text, ground_truth, tokens)
        except Exception as error:  # verl hands over what stands in the rows, of any type
            return {**dict.fromkeys(self.keys, 0.0), **_refused(error)}
        sample = Sample(text, report.reference, report, tokens, truncated, str(data_source), extra_info or {})
        return self.values(report, [term.evaluate((sample,))[0] for term in self.terms])

    def values(self, report: Report, terms: Sequence[float | None]) -> dict[str, float]:
        """A report and the numbers of the terms (None: failed) under the fixed keys."""
        flat = _flatten(report)
        flat["score"] = total_with_terms(flat["score"], self.terms, terms)
        for term, value in zip(self.terms, terms, strict=True):
            flat[f"term_{term.name}"] = 0.0 if value is None else value
            flat[f"term_{term.name}_failed"] = float(value is None)
        return flat


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str | Mapping[str, Any],
    extra_info: Mapping[str, Any] | None = None,
    *,
    spec: str | Mapping[str, Any] = "pose-free",
    terms: Sequence[Mapping[str, Any]] | None = None,
    **_: Any,
) -> dict[str, float]:
    """The reward of one reply and what it is made of, as finite numbers under a fixed set of keys.

    ``score`` is scoring's `total` plus the weighted terms, ``acc`` its `answer`. Each component ``c`` has its
    value, or 0 where the reference does not define it, and ``c_defined`` (0 or 1). Each graph and answer
    status is a key of 0 or 1, ``graph_status_ok`` and so on. ``internal`` is 1 when a bug of ours was caught.
    verl gives a reward function no token count, so ``length`` is not defined here: the reward manager
    ``videostr`` has it. ``reward`` is never a key: verl adds one of its own.

    Safe to call from many threads; the references used last stay prepared (see `Scorer.prepare`).

    Args:
        data_source: verl's column, for terms.
        solution_str: The decoded reply.
        ground_truth: The reference as JSON text (or a dict), verl's ``reward_model.ground_truth``.
        extra_info: verl's column, for terms.
        spec: The recipe's ``reward_kwargs.spec``: a preset's name, or a dict of RewardSpec fields.
        terms: The recipe's ``reward_kwargs.terms`` (see `videostr.terms.load_terms`).

    Returns:
        :data:`KEYS` -> float, and ``term_<name>`` and ``term_<name>_failed`` of each term. Those of
        :data:`KEYS` are in [0, 1] but ``score``, the weighted sum. A ground truth, spec or term that is not
        valid gives 0 everywhere and ``bad_reference`` 1, and is logged: raising would hide it.

    Example:
        >>> from videostr.integrations.verl import compute_score
        >>> truth = '{"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}'
        >>> reply = "<think></think><answer>B</answer>"
        >>> result = compute_score("videostr/demo/side", reply, truth, spec="answer-only")
        >>> result["score"], result["acc"], result["node_defined"]
        (2.0, 1.0, 0.0)
    """
    try:
        reward = reward_for(spec, terms)
    except Exception as error:  # verl hands over what stands in the recipe, of any type
        return {**dict.fromkeys(KEYS, 0.0), **_refused(error)}
    return reward.score(solution_str, ground_truth, data_source=data_source, extra_info=extra_info)


def _refused(error: Exception) -> dict[str, float]:
    _log.error("a reply was scored 0 because its reference, the spec or a term is not valid: %s", error)
    return {"bad_reference": 1.0}


def is_ours(config: Any) -> bool:
    """Whether a recipe (the whole configuration) is rewarded by this module."""
    function = config.reward.get("custom_reward_function") or {}
    return bool(function.get("path") == REWARD_MODULE)


def reward_of(config: Any) -> Reward:
    """The reward of a recipe (the whole configuration).

    Raises:
        SpecError, TermError: Naming the key.
    """
    if not is_ours(config):
        raise SpecError(
            f"the reward manager {MANAGER!r} scores with videostr's reward alone: set this to {REWARD_MODULE}, "
            "or choose another manager (reward.reward_manager.name=naive)",
            "reward.custom_reward_function.path",
        )
    given = config.reward.custom_reward_function.get("reward_kwargs") or {}
    try:
        return reward_for(given.get("spec", "pose-free"), given.get("terms"))
    except (SpecError, TermError) as error:
        key = "spec" if isinstance(error, SpecError) else "terms"
        dot = "." if error.field and not error.field.startswith("[") else ""
        place = f"reward.custom_reward_function.reward_kwargs.{key}{dot}{error.field}"
        raise type(error)(error.message, place) from error.__cause__


def reward_for(spec: Any = "pose-free", terms: Any = None) -> Reward:
    """The reward of a recipe's ``spec`` and ``terms`` entries; one for equal entries.

    Raises:
        SpecError: As `scorer_for`.
        TermError: As `videostr.terms.load_terms`.

    Example:
        >>> from videostr.integrations.verl import reward_for
        >>> reward_for("so3", [{"function": "math:fsum", "weight": 0.1}]).keys[-2:]
        ('term_fsum', 'term_fsum_failed')
    """
    scorer = scorer_for(spec)
    if terms is None:
        return Reward(scorer)
    try:
        return _reward(scorer, _json.dumps(terms))
    except _json.NotJsonError as error:
        raise TermError(error.message, error.field) from None


@functools.lru_cache(maxsize=16)
def _reward(scorer: Scorer, terms_json: str) -> Reward:
    return Reward(scorer, load_terms(json.loads(terms_json)))


def scorer_for(spec: str | Mapping[str, Any]) -> Scorer:
    """The scorer of a recipe's ``spec`` entry: a preset's name or a mapping of fields (with ``preset`` as the
    base).

    Raises:
        SpecError: Naming the field and the nearest right one, or for what is neither a name nor a mapping.

    Example:
        >>> from videostr.integrations.verl import scorer_for
        >>> scorer_for({"preset": "so3", "max_starts": 8}).spec.max_starts
        8
    """
    try:
        return _scorer(_json.dumps(spec, sort_keys=True))
    except _json.NotJsonError as error:
        raise SpecError(error.message, error.field) from None


@functools.lru_cache(maxsize=16)
def _scorer(spec_json: str) -> Scorer:
    spec = json.loads(spec_json)
    if isinstance(spec, str):
        return Scorer(RewardSpec.preset(spec))
    if isinstance(spec, dict):
        return Scorer(RewardSpec.from_dict(spec))
    raise SpecError(f"a reward spec is the name of a preset or a mapping of fields, not {spec_json:.40}")


def _flatten(report: Report) -> dict[str, float]:
    parts = {name: float(report[name]) for name in _PARTS}
    values = {
        "score": float(report["total"]),
        **{name: 0.0 if math.isnan(value) else value for name, value in parts.items()},
        **{f"{name}_defined": float(not math.isnan(value)) for name, value in parts.items()},
        **_one_hot("graph_status", GRAPH_STATUS, report.graph_status),
        **_one_hot("answer_status", ANSWER_STATUS, report.answer_status),
        "internal": float(bool(report.repairs & _INTERNAL_BIT)),
        "bad_reference": 0.0,
    }
    values["acc"] = values["answer"]
    return {key: values[key] for key in KEYS}


def _one_hot(prefix: str, names: Iterable[str], code: int) -> dict[str, float]:
    return {f"{prefix}_{name}": float(i == code) for i, name in enumerate(names)}
