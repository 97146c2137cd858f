"""The reward function for verl 0.9 (``reward.custom_reward_function.path=pkg://videostr.integrations.verl``).

verl scores one reply at a time, in the threads of its reward workers, and has two habits that shape what is
returned: a reward that raises does not stop the run but silently shrinks the prompt's group, and the key set
of one sample is taken for all. So :func:`compute_score` never raises and its keys never change. What a caller
can get wrong, the spec and the ground truths, is checked before training by
``python -m videostr.train.launch``, which raises typed errors.
"""

from __future__ import annotations

import functools
import json
import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any

from videostr import ANSWER_STATUS, COMPONENTS, GRAPH_STATUS, REPAIRS, RewardSpec, Scorer, _json
from videostr.errors import SpecError
from videostr.report import Report

__all__ = ["KEYS", "REWARD_KWARGS", "compute_score", "scorer_for"]

_PARTS = tuple(name for name in COMPONENTS if name != "total")
_INTERNAL_BIT = 1 << REPAIRS.index("internal")
_log = logging.getLogger(__name__)

#: What a recipe may write under ``reward.custom_reward_function.reward_kwargs``.
REWARD_KWARGS = ("spec",)

#: The keys of every result, in order.
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


def compute_score(
    data_source: str,  # noqa: ARG001 (verl passes it by name)
    solution_str: str,
    ground_truth: str | Mapping[str, Any],
    extra_info: Mapping[str, Any] | None = None,  # noqa: ARG001 (verl passes it by name)
    *,
    spec: str | Mapping[str, Any] = "pose-free",
    **_: Any,
) -> dict[str, float]:
    """The reward of one reply and what it is made of, as finite numbers under a fixed set of keys.

    ``score`` is scoring's `total`, ``acc`` its `answer`. Each component ``c`` has its value, or 0 where the
    reference does not define it, and ``c_defined`` (0 or 1). Each graph and answer status is a key of 0 or 1,
    ``graph_status_ok`` and so on. ``internal`` is 1 when a bug of ours was caught. verl gives a reward
    function no token count, so ``length`` is not defined here. ``reward`` is never a key: verl adds one of
    its own.

    Safe to call from many threads; the references used last stay prepared (see `Scorer.prepare`).

    Args:
        data_source: verl's column, not used: the reference says what is asked.
        solution_str: The decoded reply.
        ground_truth: The reference as JSON text (or a dict), verl's ``reward_model.ground_truth``.
        extra_info: verl's column, not used.
        spec: The recipe's ``reward_kwargs.spec``: a preset's name, or a dict of RewardSpec fields.

    Returns:
        :data:`KEYS` -> float. All are in [0, 1] but ``score``, the weighted sum. A ground
        truth or spec that is not valid gives 0 everywhere and ``bad_reference`` 1, and is logged: raising
        would hide it.

    Example:
        >>> from videostr.integrations.verl import compute_score
        >>> truth = '{"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}'
        >>> reply = "<think></think><answer>B</answer>"
        >>> result = compute_score("videostr/demo/side", reply, truth, spec="answer-only")
        >>> result["score"], result["acc"], result["node_defined"]
        (2.0, 1.0, 0.0)
    """
    try:
        report = scorer_for(spec).score(solution_str, ground_truth)
    except Exception as error:  # verl hands over what stands in the recipe and the rows, of any type
        _log.error("a reply was scored 0 because its reference or the spec is not valid: %s", error)
        return {**dict.fromkeys(KEYS, 0.0), "bad_reference": 1.0}
    return _flatten(report)


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
