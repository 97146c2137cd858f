"""Keys of a recipe that verl 0.9.1 accepts and does not obey.

hydra only knows the shape of verl's configuration. A YAML that builds on it, and `+key=value` on the command
line, may add any key; and some of verl's own keys are left over from older versions.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

#: Sections of verl's configuration in which an unknown key is looked for. The rest (ray_kwargs, top-level
#: names of a recipe's own) is free.
_SECTIONS = ("actor_rollout_ref", "algorithm", "critic", "data", "reward", "trainer")
_DEFAULT_CLIP = 0.2


def dead_keys(config: Any, plain: Any, sources: tuple[Path, ...]) -> Iterator[str]:
    """What is wrong with a recipe's keys, one message each.

    Args:
        config: The composed recipe.
        plain: verl's own ``ppo_trainer``, composed alone: the keys that verl has.
        sources: Package folders, verl's and ours; a key that verl's configuration lacks is accepted when any
            of their files names it.
    """
    for rule in _RULES:
        message = rule(config)
        if message is not None:
            yield message
    yield from _legacy(config)
    for section in _SECTIONS:
        if section in plain:
            yield from _unknown(config.get(section), plain[section], section, sources)


def _legacy(config: Any) -> Iterator[str]:
    """verl 0.9 still accepts the reward keys of 0.6..0.8 (legacy_reward_impl.yaml) and does nothing with
    them.
    """
    for old, new in (
        ("custom_reward_function", "reward.custom_reward_function"),
        ("reward_model", "reward.reward_model"),
    ):
        for key in _set_leaves(config.get(old)):
            yield f"{old}.{key} is ignored by verl 0.9: write {new}.{key} (or its place in `reward`)"


def _set_leaves(node: Any) -> list[str]:
    if not isinstance(node, Mapping):
        return []
    leaves: list[str] = []
    for key, value in node.items():
        if isinstance(value, Mapping):
            leaves += [f"{key}.{leaf}" for leaf in _set_leaves(value)]
        elif value is not None:
            leaves.append(str(key))
    return leaves


def _unknown(node: Any, plain: Any, place: str, sources: tuple[Path, ...]) -> Iterator[str]:
    """Keys that `plain` lacks, below mappings that have keys there; what is empty or null there is free."""
    if not (plain and isinstance(node, DictConfig) and isinstance(plain, DictConfig)):
        return
    for key in node:
        if key not in plain:
            if str(key) not in _words_of(sources):
                near = difflib.get_close_matches(str(key), [str(name) for name in plain], n=1)
                hint = f"; did you mean {place}.{near[0]}?" if near else ""
                yield (
                    f"{place}.{key}: verl 0.9.1 has no such key and would ignore it{hint} (what code of your own "
                    f"reads can stand at the top level, under a name of its own)"
                )
        else:
            yield from _unknown(_value(node, key), _value(plain, key), f"{place}.{key}", sources)


def _value(node: Any, key: Any) -> Any:
    dangling = OmegaConf.is_missing(node, key) or OmegaConf.is_interpolation(node, key)
    return None if dangling else node[key]


@functools.lru_cache(maxsize=1)
def _words_of(sources: tuple[Path, ...]) -> frozenset[str]:
    words: set[str] = set()
    for file in (file for folder in sources for file in folder.rglob("*.py")):
        words.update(re.findall(r"\w+", file.read_text(encoding="utf-8", errors="replace")))
    return frozenset(words)


def _reward_fn_key(config: Any) -> str | None:
    key = config.data.get("reward_fn_key", "data_source")
    if key == "data_source":
        return None
    return (
        f"data.reward_fn_key={key} is ignored by verl 0.9.1, which reads the column data_source "
        f"(verl/experimental/reward_loop/reward_manager/naive.py:42): rename the column"
    )


def _reward_manager(config: Any) -> str | None:
    manager = config.reward.reward_manager
    module = manager.get("module") or {}
    if manager.source == "register" and module.get("path"):
        return (
            "reward.reward_manager.module.path is ignored with reward.reward_manager.source=register: "
            "set source=importlib"
        )
    name = module.get("name")
    if manager.source == "importlib" and name not in (None, "custom_reward_manager", manager.name):
        return (
            f"reward.reward_manager.module.name={name} is ignored: verl 0.9.1 takes the class's name from "
            f"reward.reward_manager.name, which is {manager.name} (verl/trainer/ppo/reward.py:105)"
        )
    return None


def _clip_ratio(config: Any) -> str | None:
    actor = config.actor_rollout_ref.actor
    mode = (actor.get("policy_loss") or {}).get("loss_mode", "vanilla")
    bounds = (actor.get("clip_ratio_low"), actor.get("clip_ratio_high"))
    if mode != "vanilla" or actor.clip_ratio == _DEFAULT_CLIP or bounds != (_DEFAULT_CLIP, _DEFAULT_CLIP):
        return None
    return (
        f"actor_rollout_ref.actor.clip_ratio={actor.clip_ratio} does nothing while clip_ratio_low and "
        f"clip_ratio_high are 0.2 (verl/trainer/ppo/core_algos.py:1321): set those two"
    )


def _rollout_mode(config: Any) -> str | None:
    mode = config.actor_rollout_ref.rollout.get("mode", "async")
    if mode == "async":
        return None
    return (
        f"actor_rollout_ref.rollout.mode={mode}: verl 0.9.1 has async rollouts only "
        f"(verl/workers/config/rollout.py:281): leave the key out"
    )


def _limit_images(config: Any) -> str | None:
    rollout = config.actor_rollout_ref.rollout
    limit = ((rollout.get("engine_kwargs") or {}).get("vllm") or {}).get("limit_mm_per_prompt")
    if not rollout.get("limit_images") or not limit:
        return None
    return (
        "actor_rollout_ref.rollout.limit_images replaces engine_kwargs.vllm.limit_mm_per_prompt "
        "(verl/workers/rollout/vllm_rollout/vllm_async_server.py:290): write the number of images there "
        "and leave limit_images out"
    )


def _trainer_mode(config: Any) -> str | None:
    if config.trainer.get("use_v1", True):
        return None
    return (
        "trainer.use_v1=false: verl's old trainer ignores trainer.v1, so nothing of videostr's trainer "
        "(reward components, failed prompts) would be logged: leave it true"
    )


_RULES: Sequence[Callable[[Any], str | None]] = (
    _reward_fn_key,
    _reward_manager,
    _clip_ratio,
    _rollout_mode,
    _limit_images,
    _trainer_mode,
)
