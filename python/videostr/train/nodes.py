"""What a recipe says about the nodes it is trained on, checked and completed before Ray starts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from videostr.errors import VideostrError
from videostr.integrations.verl_watch import RunPlace
from videostr.train.overrides import quoted

#: What `ray.init` takes for a cluster that it starts itself, and refuses, or must not have, for one that runs.
_OF_A_NEW_CLUSTER = ("num_cpus", "num_gpus", "object_store_memory", "include_dashboard", "_node_ip_address")
_INIT = "ray_kwargs.ray_init"
_PATHS = ("data.train_files", "data.val_files", "actor_rollout_ref.model.path")
_SHARD = re.compile(r"model_world_size_(\d+)_rank_\d+\.pt")


class NodesError(VideostrError, ValueError):
    """Nodes, cluster and checkpoint do not fit together; the message says what to do."""


def cluster_overrides(config: Any) -> list[str]:
    """The hydra overrides that make a recipe join the cluster that it names; none when it starts its own.

    ``ray_kwargs.ray_init.address=HOST:PORT`` (or ``auto``) names one. What only a new cluster is given, the
    number of CPUs and so on, is then left out, and paths are made absolute: a worker that a running cluster
    starts does not begin where this process stands.

    Raises:
        NodesError: Several nodes are asked of a cluster that is started for this run alone.
    """
    init = config.ray_kwargs.ray_init
    address = init.get("address")
    if address == "local" and config.trainer.nnodes > 1:
        raise NodesError(
            f"trainer.nnodes={config.trainer.nnodes}, but {_INIT}.address=local starts a Ray cluster of one node: "
            f"start Ray on every node and name the head, {_INIT}.address=HOST:6379 (docs/training.md, Several nodes)"
        )
    if address in (None, "local"):
        return []
    return [
        *(f"~{_INIT}.{key}" for key in _OF_A_NEW_CLUSTER if init.get(key) is not None),
        *_absolute_paths(config),
    ]


def _absolute_paths(config: Any) -> Iterable[str]:
    from omegaconf import OmegaConf

    for key in _PATHS:
        value = OmegaConf.select(config, key)
        if isinstance(value, str):
            yield f"{key}={quoted(_absolute(value))}"
        elif value is not None:
            yield f"{key}=[{','.join(quoted(_absolute(one)) for one in value)}]"


def _absolute(path: str) -> str:
    """A model may also be the name of one on the hub, which stays."""
    return str(Path(path).resolve()) if Path(path).exists() else path


def refuse_other_world_size(config: Any) -> None:
    """FSDP's shards can be loaded by as many workers as wrote them, and verl ends in a traceback otherwise.

    Raises:
        NodesError: The checkpoint that would be resumed from was written by another number of workers.
    """
    checkpoint = _resumed(config)
    if checkpoint is None:
        return
    actor = checkpoint / "actor"
    written = {int(found[1]) for path in actor.glob("*.pt") if (found := _SHARD.fullmatch(path.name))}
    asked = config.trainer.nnodes * config.trainer.n_gpus_per_node
    if written and asked not in written:
        raise NodesError(
            f"{checkpoint} was written by {' or '.join(map(str, sorted(written)))} workers and can be resumed by "
            f"as many only; trainer.nnodes x trainer.n_gpus_per_node is {asked}. Either start as many, or go on "
            f"from the merged model with a new optimizer, first\n"
            f"    python -m verl.model_merger merge --backend fsdp --local_dir {actor} --target_dir MERGED\n"
            f"and then with actor_rollout_ref.model.path=MERGED and another run_dir"
        )


def resumed_step(config: Any) -> int | None:
    """The step of the checkpoint that the run goes on from; None where it starts anew."""
    checkpoint = _resumed(config)
    step = "" if checkpoint is None else checkpoint.name.rpartition("_")[2]
    return int(step) if step.isdecimal() else None


def _resumed(config: Any) -> Path | None:
    if config.trainer.resume_mode == "auto":
        return RunPlace(Path(config.trainer.default_local_dir)).checkpoint()
    if config.trainer.resume_mode == "resume_path" and config.trainer.resume_from_path:
        return Path(config.trainer.resume_from_path)
    return None
