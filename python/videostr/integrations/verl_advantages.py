"""The advantage estimators of :mod:`videostr.train.advantages` under verl's names, and their state in checkpoints.

verl 0.9.1 hands an estimator token rewards, a mask and group names (verl/trainer/ppo/ray_trainer.py:256), no task
and no components, so the recipes' trainer (:mod:`.verl_trainer`) lays out what the step's replies earned before it
asks verl for the advantages. ``algorithm.adv_estimator`` chooses: ``videostr_ema``, ``videostr_components``, or any
of verl's own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from videostr import RewardSpec, _json
from videostr.integrations.step_metrics import task_of
from videostr.integrations.verl import Reward
from videostr.integrations.verl_step import Scored
from videostr.train.advantages import EmaStds, StateError, component_advantages, ema_advantages
from videostr.train.estimators import EMA, NAMES

__all__ = ["STATE_FILE", "Estimator", "lay_out", "register", "weighted_parts"]

#: In the folder of a checkpoint.
STATE_FILE = "videostr_advantages.json"

_GATED = ("node", "edge", "chirality", "motion")
_GATE_OVER = 0.1


class Estimator:
    """One run's estimator: its settings and its state.

    Args:
        config: The recipe (the whole configuration).
        reward: Whose components have weights.
    """

    def __init__(self, config: Any, reward: Reward) -> None:
        self.name = str(config.algorithm.adv_estimator)
        self._reward = reward
        settings = config.get("advantages") or {}
        self._largest = float(settings.get("ema_largest", 5.0))
        self._stds = EmaStds(float(settings.get("ema_decay", 0.99)))

    def advantages(self, scored: Sequence[Scored]) -> dict[str, float]:
        """Advantages of a step's replies, one a session, by the key of their trajectory; the state moves on by a
        step.
        """
        groups = [one.row.group for one in scored]
        if self.name == EMA:
            tasks = [task_of(one.row.data_source) for one in scored]
            scores = np.array([one.score for one in scored])
            found = ema_advantages(scores, groups, tasks, self._stds, largest=self._largest)
        else:
            parts, weights = weighted_parts(self._reward, scored)
            found = component_advantages(parts, weights, groups)
        return {one.row.key: float(value) for one, value in zip(scored, found, strict=True)}

    def metrics(self) -> dict[str, float]:
        """The moving standard deviation of each task."""
        return {f"videostr/task/{task}/ema_std": self._stds.std(task) for task in self._stds.moments}

    def save(self, folder: Path) -> None:
        """Write the state into a checkpoint's folder, whole or not at all; before the checkpoint is named."""
        if self.name != EMA:
            return
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{STATE_FILE}.tmp"
        unfinished.write_text(json.dumps(self._stds.to_dict()) + "\n", encoding="utf-8")
        unfinished.replace(folder / STATE_FILE)

    def load(self, folder: Path) -> None:
        """Go on from the state in a checkpoint's folder; one without a state is told, and begins anew.

        Raises:
            StateError: The file is there and cannot be used.
        """
        if self.name != EMA:
            return
        path = folder / STATE_FILE
        try:
            state = _json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            sys.stderr.write(
                f"videostr: {path} is not there (was the checkpoint written with another estimator?): the moving "
                "standard deviations of the tasks begin anew\n"
            )
            sys.stderr.flush()
            return
        except (ValueError, OSError) as error:
            raise StateError(f"{path}: {error}; remove it to begin its standard deviations anew") from error
        try:
            self._stds = EmaStds.from_dict(state, decay=self._stds.decay)
        except StateError as error:
            raise StateError(f"{path}: {error}; remove it to begin its standard deviations anew") from None


def weighted_parts(reward: Reward, scored: Sequence[Scored]) -> tuple[Any, list[float]]:
    """What `score` adds up: (N, K) values of the weighted components and terms, NaN where undefined, and (K,) weights.

    A gate of the spec shuts node, edge, chirality and motion to 0 as it does in ``total``. A reply without a valid
    reference is 0 everywhere.
    """
    spec = reward.scorer.spec
    weights = {name: weight for name, weight in spec.weights.items() if weight}
    terms = {term.name: term.weight for term in reward.terms if term.weight}
    columns = [*weights, *(f"term {name}" for name in terms)]
    parts = np.zeros((len(scored), len(columns)))
    for row, one in enumerate(scored):
        if one.report is not None:
            values = {name: one.report[name] for name in weights}
            if _is_shut(spec, one.report):
                values |= {name: 0.0 for name in _GATED if name in values and not np.isnan(values[name])}
            parts[row, : len(weights)] = list(values.values())
        parts[row, len(weights) :] = [one.terms.get(name) or 0.0 for name in terms]
    return parts, [*weights.values(), *terms.values()]


def _is_shut(spec: RewardSpec, report: Any) -> bool:
    if spec.gate == "answer":
        return bool(report["answer"] <= _GATE_OVER)  # no answer asked for: NaN, open
    return spec.gate == "format" and report["format"] != 1.0


class _Step:
    """The advantages of the rows of the batch that verl is about to estimate, in its order."""

    advantages: Sequence[float] | None = None


def lay_out(advantages: Sequence[float] | None) -> None:
    """Give the rows' advantages to the registered estimators of this process; None takes them back."""
    _Step.advantages = advantages


def register() -> None:
    """Make verl know the names. Each call of verl's takes what was laid out."""
    from verl.trainer.ppo.core_algos import register_adv_est

    def laid_out(
        token_level_rewards: torch.Tensor, response_mask: torch.Tensor, **_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if _Step.advantages is None:
            raise StateError(
                f"{' and '.join(NAMES)} need the trainer of videostr: trainer.v1.trainer_mode=videostr_sync"
            )
        rows = torch.tensor(_Step.advantages, dtype=token_level_rewards.dtype, device=response_mask.device)
        advantages = rows.unsqueeze(-1) * response_mask
        return advantages, advantages

    for name in NAMES:
        register_adv_est(name)(laid_out)
