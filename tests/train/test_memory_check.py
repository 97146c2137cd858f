"""Memory that a recipe needs: the arithmetic, the warning, and the refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from model_folders import write_model, write_shard

OmegaConf = pytest.importorskip("omegaconf").OmegaConf

from videostr.train import memory_check  # noqa: E402
from videostr.train.memory_check import Need, check_memory, need_of  # noqa: E402
from videostr.train.refusal import LaunchError  # noqa: E402

GB = 10**9


def config(path: Any = "m", *, device: str = "cuda", **changes: Any) -> Any:
    made = OmegaConf.create(
        {
            "trainer": {"device": device, "nnodes": 1, "n_gpus_per_node": 8},
            "actor_rollout_ref": {
                "model": {"path": str(path)},
                "actor": {
                    "strategy": "fsdp2",
                    "use_kl_loss": True,
                    "fsdp_config": {
                        "fsdp_size": -1,
                        "param_offload": False,
                        "optimizer_offload": False,
                        "offload_policy": False,
                    },
                },
                "rollout": {
                    "dtype": "bfloat16",
                    "tensor_model_parallel_size": 1,
                    "gpu_memory_utilization": 0.5,
                    "free_cache_engine": True,
                },
            },
        }
    )
    for key, value in changes.items():
        OmegaConf.update(made, key.replace("__", "."), value, force_add=True)
    return made


FSDP = "actor_rollout_ref__actor__fsdp_config__"
ROLLOUT = "actor_rollout_ref__rollout__"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # 8 billion parameters over 8 GPUs: a billion each, 4 weights + 4 gradients + 8 moments; vLLM has all,
        # in bfloat16. While it serves, weights and moments (12) lie beside it; it sleeps while the actor learns.
        ({}, Need(16 * GB, 16 * GB, 28 * GB)),
        ({f"{ROLLOUT}tensor_model_parallel_size": 4}, Need(4 * GB, 16 * GB, 16 * GB)),
        ({f"{ROLLOUT}dtype": "float32"}, Need(32 * GB, 16 * GB, 44 * GB)),
        ({f"{ROLLOUT}free_cache_engine": False}, Need(16 * GB, 16 * GB, 32 * GB)),
        ({f"{FSDP}fsdp_size": 4}, Need(16 * GB, 32 * GB, 40 * GB)),
        ({"trainer__nnodes": 2}, Need(16 * GB, 8 * GB, 22 * GB)),
        ({f"{FSDP}param_offload": True, f"{FSDP}optimizer_offload": True}, Need(16 * GB, 16 * GB, 16 * GB)),
        ({f"{FSDP}offload_policy": True}, Need(16 * GB, 0, 16 * GB)),
        ({"actor_rollout_ref__model__lora_rank": 8}, Need(16 * GB, 4 * GB, 20 * GB)),
        # On a CPU all of it lies in the host's memory at once, the reference model too.
        (
            {"device": "cpu", "trainer__n_gpus_per_node": 1, f"{ROLLOUT}dtype": "float32"},
            Need(32 * GB, 128 * GB, 192 * GB),
        ),
    ],
)
def test_the_arithmetic(changes: dict[str, Any], expected: Need) -> None:
    assert need_of(config(**changes), 8 * GB) == expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model whose header tells of 8 billion parameters."""
    folder = write_model(tmp_path / "m")
    write_shard(next(folder.glob("*.safetensors")), (8000, 1000, 1000), data=False)
    return folder


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_check, "_gpu_memory", lambda: None)


def test_enough_says_nothing(folder: Path) -> None:
    assert check_memory(config(folder), 80 * GB) is None
    assert check_memory(config(folder), 33 * GB) is None


def test_too_little_is_a_warning_with_the_figures_and_the_keys(folder: Path) -> None:
    said = check_memory(config(folder, **{f"{FSDP}fsdp_size": 2}), 40 * GB)
    assert said is not None
    assert said.startswith("the model needs about 64.00 GB of a GPU's memory here (40.00 GB): ")
    assert "of the actor 64.00 GB, vLLM's weights 16.00 GB" in said
    assert "actor_rollout_ref.actor.fsdp_config.param_offload=true" in said


def test_weights_that_do_not_fit_are_refused(folder: Path) -> None:
    with pytest.raises(LaunchError) as caught:
        check_memory(config(folder), 24 * GB)
    assert str(caught.value).startswith(
        "actor_rollout_ref.model.path: the weights alone take 16.00 GB in vLLM, which gets 12.00 GB of a GPU's"
    )
    assert "raise actor_rollout_ref.rollout.tensor_model_parallel_size=1" in str(caught.value)
    check_memory(config(folder, **{f"{ROLLOUT}tensor_model_parallel_size": 2}), 24 * GB)


def test_on_a_cpu_the_host_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, words in [(10 * GB, "refused"), (100 * GB, "the model needs about "), (10**13, "")]:
        monkeypatch.setattr(memory_check, "_host_memory", lambda free=free: free)
        on_cpu = config(folder, device="cpu", trainer__n_gpus_per_node=1)
        if words == "refused":
            with pytest.raises(LaunchError, match="of the memory that is free here"):
                check_memory(on_cpu)
        else:
            assert str(check_memory(on_cpu) or "").startswith(words)


def test_what_is_not_known_is_not_judged(folder: Path) -> None:
    assert check_memory(config("Qwen/Qwen2.5-VL-7B-Instruct"), 1) is None
    assert check_memory(config(folder)) is None, "no GPU that torch sees"
    assert check_memory(config(folder, actor_rollout_ref__actor__strategy="megatron"), 1) is None
    elsewhere = config(folder, ray_kwargs__ray_init__address="10.0.0.1:6379")
    assert check_memory(elsewhere, 1) is None, "the cluster's machines may be others"
    with pytest.raises(LaunchError):
        check_memory(config(folder, ray_kwargs__ray_init__address="local"), 1)


def test_the_hosts_memory_is_read() -> None:
    assert 10**8 < (memory_check._host_memory() or 0) < 10**14
