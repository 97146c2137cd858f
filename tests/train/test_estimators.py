"""What a recipe's estimator needs beside it, refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from videostr.train.estimators import NAMES, refuse_wrong_estimator
from videostr.train.refusal import LaunchError

OmegaConf = pytest.importorskip("omegaconf").OmegaConf


def recipe(
    name: str = "videostr_ema", *, path: str = "pkg://videostr.integrations.verl", **algorithm: Any
) -> Any:
    trainer = {"use_v1": True, "v1": {"trainer_mode": algorithm.pop("mode", "videostr_sync")}}
    own = {key: algorithm.pop(key) for key in list(algorithm) if key.startswith("ema_")}
    return OmegaConf.create(
        {
            "algorithm": {"adv_estimator": name, "use_kl_in_reward": False, **algorithm},
            "advantages": own,
            "reward": {"custom_reward_function": {"path": path}},
            "trainer": trainer,
        }
    )


@pytest.mark.parametrize("name", [*NAMES, "grpo", "rloo"])
def test_what_can_work_passes(name: str) -> None:
    refuse_wrong_estimator(recipe(name, ema_decay=0.9, ema_largest=3))
    refuse_wrong_estimator(recipe("grpo", mode="sync", path="mine.py", use_kl_in_reward=True))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (recipe("videostr_emma"), "there is no videostr_emma; ours are videostr_ema and videostr_components"),
        (recipe(path="mine.py"), "the recipe has another: choose grpo"),
        (recipe(mode="sync"), "trainer.v1.trainer_mode=videostr_sync, not sync"),
        (recipe("videostr_components", use_kl_in_reward=True), "algorithm.use_kl_in_reward=false"),
        (recipe(ema_decay=1.0), "advantages.ema_decay is 1.0: expected a number from 0 to below 1"),
        (recipe(ema_decay="much"), "advantages.ema_decay is much"),
        (recipe(ema_largest=0), "advantages.ema_largest is 0: expected a number over 0"),
        (recipe(ema_largest=True), "advantages.ema_largest is True"),
    ],
)
def test_what_cannot_is_refused(config: Any, words: str) -> None:
    with pytest.raises(LaunchError) as caught:
        refuse_wrong_estimator(config)
    assert words in str(caught.value)
