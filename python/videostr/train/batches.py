"""Whether a step's replies can be dealt out evenly: verl finds out in the first step, minutes after the start."""

from __future__ import annotations

import math
from typing import Any

from videostr.train.refusal import LaunchError

_MODEL = "actor_rollout_ref"


def refuse_uneven_batches(config: Any) -> None:
    """Each worker gets as many replies as the others, and each micro batch of a worker is full.

    verl asserts the second (verl/workers/engine/utils.py:125), unless micro batches are made by tokens
    (``use_dynamic_bsz``).

    Raises:
        LaunchError: A batch size does not divide what it is made from; the message names the keys.
    """
    actor, rollout, ref = (config[_MODEL][part] for part in ("actor", "rollout", "ref"))
    workers = config.trainer.nnodes * config.trainer.n_gpus_per_node
    workers //= actor.get("ulysses_sequence_parallel_size") or 1
    batch = _share("data.train_batch_size", config.data.train_batch_size, rollout.n, workers)
    mini = _share(f"{_MODEL}.actor.ppo_mini_batch_size", actor.ppo_mini_batch_size, rollout.n, workers)
    if not actor.use_dynamic_bsz:
        _divides("actor.ppo_micro_batch_size_per_gpu", actor.ppo_micro_batch_size_per_gpu, mini)
    if not rollout.log_prob_use_dynamic_bsz:
        _divides(
            "rollout.log_prob_micro_batch_size_per_gpu", rollout.log_prob_micro_batch_size_per_gpu, batch
        )
    if not ref.log_prob_use_dynamic_bsz and (actor.use_kl_loss or config.algorithm.use_kl_in_reward):
        _divides("ref.log_prob_micro_batch_size_per_gpu", ref.log_prob_micro_batch_size_per_gpu, batch)


def _share(key: str, prompts: int, replies: int, workers: int) -> int:
    """The replies of one worker."""
    if prompts * replies % workers:
        raise LaunchError(
            f"{key}={prompts} times {_MODEL}.rollout.n={replies} makes {prompts * replies} replies, which "
            f"{workers} workers cannot share evenly: choose a multiple of {workers // math.gcd(workers, replies)}"
        )
    return prompts * replies // workers


def _divides(key: str, size: int | None, share: int) -> None:
    if size and share % size:
        raise LaunchError(
            f"{_MODEL}.{key}={size} does not divide the {share} replies of a worker (prompts times "
            f"{_MODEL}.rollout.n, over all workers): choose a divisor, {math.gcd(size, share)} for instance"
        )
