"""Whether a recipe's model fits into the memory of its machines, as far as weights and optimizer go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr.integrations.checkpoint_room import gigabytes
from videostr.train.model_check import local_model
from videostr.train.model_files import parameters_of
from videostr.train.refusal import LaunchError

#: Bytes a parameter: FSDP's float32 weights, their gradients, and Adam's two moments.
_WEIGHTS, _GRADIENTS, _MOMENTS = 4, 4, 8
_DTYPES = {"float32": 4, "float": 4}
_OTHERS = "activations, vLLM's cache and the decoded clips come on top"


@dataclass(frozen=True)
class Need:
    """Bytes that one GPU (or the host, on a CPU) needs at least.

    Attributes:
        rollout: vLLM's weights.
        training: What FSDP keeps of the actor, gradients included.
        total: The most that is there at a time.
    """

    rollout: float
    training: float
    total: float


def need_of(config: Any, parameters: int) -> Need:
    """What a GPU needs for a recipe with FSDP and vLLM; on a CPU what the host needs for all its workers.

    The reference model lies in the host's memory (verl offloads it), and so does what the actor offloads.
    """
    actor, rollout, trainer = (
        config.actor_rollout_ref.actor,
        config.actor_rollout_ref.rollout,
        config.trainer,
    )
    fsdp = actor.fsdp_config
    shards = fsdp.get("fsdp_size", -1)
    shards = shards if shards > 0 else trainer.nnodes * trainer.n_gpus_per_node
    on_host = trainer.device == "cpu"
    weights, trained = parameters * _WEIGHTS / shards, 0 if _is_lora(config) else parameters / shards
    moments, gradients = trained * _MOMENTS, trained * _GRADIENTS
    asleep = 0.0 if fsdp.get("param_offload") else weights
    asleep += 0.0 if fsdp.get("optimizer_offload") else moments
    training = weights + moments + gradients
    if fsdp.get("offload_policy"):
        asleep = training = 0.0
    served = parameters * _DTYPES.get(str(rollout.dtype), 2) / rollout.tensor_model_parallel_size
    if on_host:
        reference = weights if config.actor_rollout_ref.actor.get("use_kl_loss") else 0.0
        workers = trainer.n_gpus_per_node
        total = workers * (weights + moments + gradients + reference + served)
        return Need(workers * served, workers * (weights + moments + gradients), total)
    beside = 0.0 if rollout.get("free_cache_engine", True) else served
    return Need(served, training, max(asleep + served, training + beside))


def check_memory(config: Any, memory: int | None = None) -> str | None:
    """The warning of a recipe whose weights and optimizer are larger than the memory, or None.

    Nothing is said where the size of the model or of the memory is not known here, or where the run joins a cluster
    by its address: its nodes may be others than this one.

    Args:
        config: The composed recipe.
        memory: Of one GPU (on a CPU: of the host, what is free), in bytes; None asks the machine.

    Raises:
        LaunchError: Not even the weights that vLLM serves from fit.
    """
    folder = local_model(config)
    strategy = config.actor_rollout_ref.actor.strategy
    parameters = parameters_of(folder) if folder is not None and strategy in ("fsdp", "fsdp2") else None
    if parameters is None or _joins_a_cluster(config):
        return None
    on_cpu = config.trainer.device == "cpu"
    memory = memory or (_host_memory() if on_cpu else _gpu_memory())
    if memory is None:
        return None
    need = need_of(config, parameters)
    rollout = config.actor_rollout_ref.rollout
    place = "the memory that is free here" if on_cpu else "a GPU's memory here"
    share = 1.0 if on_cpu else rollout.gpu_memory_utilization
    if need.rollout > memory * share:
        keys = "take a smaller model"
        if not on_cpu:
            keys = (
                f"raise actor_rollout_ref.rollout.tensor_model_parallel_size="
                f"{rollout.tensor_model_parallel_size} or gpu_memory_utilization={rollout.gpu_memory_utilization}"
            )
        raise LaunchError(
            f"actor_rollout_ref.model.path: the weights alone take {gigabytes(need.rollout)} in vLLM, which gets "
            f"{gigabytes(memory * share)} of {place} ({gigabytes(memory)}): {keys}"
        )
    if need.total <= memory:
        return None
    keys = "take a smaller model"
    if not on_cpu:
        keys = (
            "more GPUs (trainer.nnodes, trainer.n_gpus_per_node) share it, and "
            "actor_rollout_ref.actor.fsdp_config.param_offload=true and optimizer_offload=true keep it in the "
            "host's memory"
        )
    return (
        f"the model needs about {gigabytes(need.total)} of {place} ({gigabytes(memory)}): weights, gradients and "
        f"optimizer of the actor {gigabytes(need.training)}, vLLM's weights {gigabytes(need.rollout)}; {_OTHERS}. "
        f"It is likely to run out of memory: {keys}"
    )


def _joins_a_cluster(config: Any) -> bool:
    init = (config.get("ray_kwargs") or {}).get("ray_init") or {}
    return init.get("address") not in (None, "local")


def _is_lora(config: Any) -> bool:
    model = config.actor_rollout_ref.model
    return bool(model.get("lora_rank", 0) or (model.get("lora") or {}).get("rank", 0))


def _gpu_memory() -> int | None:
    """Of the first GPU, in bytes; None where torch sees none."""
    import torch

    return int(torch.cuda.get_device_properties(0).total_memory) if torch.cuda.is_available() else None


def _host_memory() -> int | None:
    """What the kernel says can be had without swapping, in bytes; None where it does not say."""
    try:
        told = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"MemAvailable:\s+(\d+) kB", told)
    return int(found[1]) * 1024 if found else None
