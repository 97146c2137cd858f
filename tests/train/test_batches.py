"""Batch sizes that do not divide each other are refused before anything starts."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from videostr.train.batches import refuse_uneven_batches
from videostr.train.refusal import LaunchError

omegaconf = pytest.importorskip("omegaconf")

#: 8 prompts of 4 replies on 2 x 2 workers: 8 replies each, 4 in a mini batch.
EVEN = {
    "data": {"train_batch_size": 8},
    "trainer": {"nnodes": 2, "n_gpus_per_node": 2},
    "algorithm": {"use_kl_in_reward": False},
    "actor_rollout_ref": {
        "actor": {
            "ppo_mini_batch_size": 4,
            "ppo_micro_batch_size_per_gpu": 2,
            "use_dynamic_bsz": False,
            "use_kl_loss": True,
        },
        "rollout": {"n": 4, "log_prob_micro_batch_size_per_gpu": 8, "log_prob_use_dynamic_bsz": False},
        "ref": {"log_prob_micro_batch_size_per_gpu": 4, "log_prob_use_dynamic_bsz": False},
    },
}


def _check(**changes: Any) -> None:
    config = omegaconf.OmegaConf.create(copy.deepcopy(EVEN))
    for key, value in changes.items():
        omegaconf.OmegaConf.update(config, key.replace("__", "."), value)
    refuse_uneven_batches(config)


def test_what_divides_is_let_through() -> None:
    _check()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trainer__nnodes": 3}, r"data.train_batch_size=8 times .*n=4 makes 32 .* 6 workers .* multiple of 3"),
        ({"actor_rollout_ref__actor__ppo_mini_batch_size": 3, "actor_rollout_ref__rollout__n": 2},
         r"actor.ppo_mini_batch_size=3 times .*n=2 makes 6 replies, which 4 workers .* multiple of 2"),
        ({"actor_rollout_ref__actor__ppo_micro_batch_size_per_gpu": 8},
         r"actor.ppo_micro_batch_size_per_gpu=8 does not divide the 4 replies .* 4 for instance"),
        ({"actor_rollout_ref__rollout__log_prob_micro_batch_size_per_gpu": 16},
         r"rollout.log_prob_micro_batch_size_per_gpu=16 does not divide the 8 replies .* 8 for instance"),
        ({"actor_rollout_ref__ref__log_prob_micro_batch_size_per_gpu": 6},
         r"ref.log_prob_micro_batch_size_per_gpu=6 does not divide the 8 replies .* 2 for instance"),
    ],
)  # fmt: skip
def test_what_does_not_divide_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(LaunchError, match=words):
        _check(**changes)


def test_what_is_not_used_need_not_divide() -> None:
    _check(
        actor_rollout_ref__actor__use_kl_loss=False,
        actor_rollout_ref__ref__log_prob_micro_batch_size_per_gpu=6,
    )
    _check(
        actor_rollout_ref__actor__use_dynamic_bsz=True,
        actor_rollout_ref__actor__ppo_micro_batch_size_per_gpu=3,
    )
    _check(actor_rollout_ref__actor__ulysses_sequence_parallel_size=2, trainer__nnodes=2)
