"""Keys that verl 0.9.1 accepts and ignores are refused; keys that it reads pass."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import videostr

needs_verl = pytest.mark.skipif(
    importlib.util.find_spec("verl") is None, reason="verl is not installed (extra verl-cpu)"
)
pytestmark = needs_verl
OURS = Path(str(videostr.__file__)).parent
REQUIRED = [
    "run_dir=r",
    "data.train_files=a.parquet",
    "data.val_files=b.parquet",
    "actor_rollout_ref.model.path=m",
]
ACTOR, ROLLOUT = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"

DEAD = [
    (
        ["custom_reward_function.path=x.py"],
        r"custom_reward_function\.path is ignored by verl 0\.9: write reward\.cust",
    ),
    (["reward_model.reward_manager=batch"], r"reward_model\.reward_manager is ignored by verl 0\.9"),
    (
        ["data.reward_fn_key=task"],
        r"data\.reward_fn_key=task is ignored by verl 0\.9\.1, which reads .* data_source",
    ),
    (
        [
            "reward.reward_manager.source=importlib",
            "reward.reward_manager.module.path=pkg://mine",
            "reward.reward_manager.module.name=Mine",
        ],
        r"reward\.reward_manager\.module\.name=Mine is ignored: .* reward\.reward_manager\.name, which is videostr",
    ),
    (
        ["reward.reward_manager.module.path=pkg://mine"],
        r"module\.path is ignored with reward\.reward_manager\.source=register: set source=importlib",
    ),
    (
        [f"{ACTOR}.clip_ratio=0.3"],
        r"clip_ratio=0\.3 does nothing while clip_ratio_low and clip_ratio_high are 0\.2",
    ),
    ([f"{ROLLOUT}.mode=sync"], r"rollout\.mode=sync: verl 0\.9\.1 has async rollouts only"),
    (
        [f"+{ROLLOUT}.limit_images=2", f"+{ROLLOUT}.engine_kwargs.vllm.limit_mm_per_prompt={{video: 1}}"],
        r"limit_images replaces engine_kwargs\.vllm\.limit_mm_per_prompt",
    ),
    (["trainer.use_v1=false"], r"use_v1=false: verl's old trainer ignores trainer\.v1"),
    (
        ["+data.max_promt_length=9"],
        r"data\.max_promt_length: verl 0\.9\.1 has no such key .* mean data\.max_prompt_len",
    ),
    (
        [f"+{ACTOR}.optim.learning_rat=1"],
        r"optim\.learning_rat: verl 0\.9\.1 has no such key and would ignore it",
    ),
]
ALIVE = [
    ["reward.reward_manager.name=dapo", "+reward.max_concurrent=4"],
    [f"{ACTOR}.clip_ratio_low=0.1", f"{ACTOR}.clip_ratio_high=0.3", f"{ACTOR}.clip_ratio=0.3"],
    [f"{ACTOR}.clip_ratio=0.3", f"{ACTOR}.policy_loss.loss_mode=dppo_tv"],
    [f"+{ROLLOUT}.limit_images=2"],
    [
        f"+{ROLLOUT}.engine_kwargs.vllm.some_flag_of_vllm=true",
        "+my_own_name=3",
    ],
    ["+actor_rollout_ref.model.override_config.any_thing=1", "algorithm.filter_groups.enable=true"],
]


def _said(*overrides: str) -> list[str]:
    from videostr.integrations.verl_version import require_tested_verl
    from videostr.train.dead_keys import dead_keys
    from videostr.train.launch import _plain, compose

    verl = require_tested_verl()
    config = compose("demo", [*REQUIRED, *overrides])
    return list(dead_keys(config, _plain(verl / "trainer" / "config"), (verl, OURS)))


@pytest.mark.parametrize(
    ("overrides", "words"), DEAD, ids=lambda value: value[0] if isinstance(value, list) else ""
)
def test_a_dead_key_is_refused(overrides: list[str], words: str) -> None:
    (message,) = _said(*overrides)
    assert re.search(words, message), message


@pytest.mark.parametrize("overrides", ALIVE, ids=lambda value: value[0])
def test_a_living_key_passes(overrides: list[str]) -> None:
    assert _said(*overrides) == []


def test_a_typo_in_a_recipe_of_the_users_own(tmp_path: Path) -> None:
    """hydra itself lets any key into a YAML that builds on another."""
    from videostr.train.launch import LaunchError, prepare

    own = tmp_path / "mine.yaml"
    own.write_text("defaults: [demo, _self_]\ntrainer: {save_frequ: 3}\n")
    with pytest.raises(LaunchError, match=r"trainer\.save_frequ: .* did you mean trainer\.save_freq\?"):
        prepare(str(own), REQUIRED)


@pytest.mark.parametrize("recipe", ["demo", "video_str"])
def test_our_own_recipes_have_none(recipe: str) -> None:
    from videostr.integrations.verl_version import require_tested_verl
    from videostr.train.dead_keys import dead_keys
    from videostr.train.launch import _plain, compose

    verl = require_tested_verl()
    assert list(dead_keys(compose(recipe, REQUIRED), _plain(verl / "trainer" / "config"), (verl, OURS))) == []
