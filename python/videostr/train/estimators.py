"""Whether a recipe's advantage estimator can work as it is set."""

from __future__ import annotations

import math
from typing import Any

from videostr.integrations.verl import is_ours
from videostr.train.refusal import LaunchError

#: Those of :mod:`videostr.integrations.verl_advantages`, which needs verl to be imported.
NAMES = (EMA, COMPONENTS) = ("videostr_ema", "videostr_components")


def refuse_wrong_estimator(config: Any) -> None:
    """Look at ``algorithm`` and what our estimators need beside it.

    Raises:
        LaunchError: In words, naming the key.
    """
    algorithm = config.algorithm
    name = str(algorithm.adv_estimator)
    if name not in NAMES:
        if name.startswith("videostr"):
            raise LaunchError(f"algorithm.adv_estimator: there is no {name}; ours are {' and '.join(NAMES)}")
        return
    what = f"algorithm.adv_estimator={name}"
    if not is_ours(config):
        raise LaunchError(
            f"{what} compares what videostr's reward gives, and the recipe has another: choose grpo"
        )
    mode = config.trainer.get("v1", {}).get("trainer_mode")
    if mode != "videostr_sync" or not config.trainer.get("use_v1", True):
        raise LaunchError(
            f"{what} needs videostr's trainer: set trainer.v1.trainer_mode=videostr_sync, not {mode}"
        )
    if algorithm.use_kl_in_reward:
        raise LaunchError(
            f"{what} compares scores without a KL term: set algorithm.use_kl_in_reward=false and "
            "actor_rollout_ref.actor.use_kl_loss=true"
        )
    if name == EMA:
        settings = config.get("advantages") or {}
        _number(settings, "ema_decay", "from 0 to below 1", lambda value: 0.0 <= value < 1.0)
        _number(settings, "ema_largest", "over 0", lambda value: value > 0.0)


def _number(settings: Any, key: str, wanted: str, fits: Any) -> None:
    value = settings.get(key)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if value is not None and not (is_number and fits(value)):
        raise LaunchError(f"advantages.{key} is {value}: expected a number {wanted}")
