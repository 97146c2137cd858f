"""The recipes against verl's real configuration."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from fresh_python import needs_verl, run_python

import videostr.recipes
from videostr.integrations.verl import MANAGER
from videostr.train.launch import compose, prepare

pytestmark = needs_verl

FOLDER = Path(str(videostr.recipes.__file__)).parent
FILES = sorted(FOLDER.rglob("*.yaml"))
REQUIRED = ["data.train_files=a.parquet", "data.val_files=b.parquet", "actor_rollout_ref.model.path=m"]
#: What a user starts: recipe, platform.
STARTED = [("demo", "cpu"), ("demo", "gpu"), ("video_str", "gpu")]

#: Ours: read by interpolation in the recipes and by the launcher, or by `videostr sft`.
OUR_KEYS = {"run_dir", "seed", "prompt_check", "out", "rows"}
#: Keys that verl, Ray or vLLM reads although verl's own YAML does not declare them: prefix -> the file that
#: reads the name.
READ_ELSEWHERE = {
    "data.data_root": "videostr/integrations/verl_dataset.py",
    "data.media_cache_bytes": "videostr/integrations/verl_dataset.py",
    "advantages.": "videostr/integrations/verl_advantages.py",
    "data.model_path": "videostr/integrations/verl_sft_rows.py",
    "data.rollout_dtype": "videostr/integrations/verl_sft_rows.py",
    "data.form": "videostr/integrations/verl_sft_rows.py",
    "data.decimals": "videostr/integrations/verl_sft_rows.py",
    "model.override_config.attn_implementation": "verl/workers/config/model.py",
    "engine.mixed_precision.": "verl/workers/engine/fsdp/transformer_impl.py",
    "actor_rollout_ref.rollout.enable_sleep_mode": "verl/workers/config/rollout.py",
    "actor_rollout_ref.rollout.engine_kwargs.vllm.distributed_executor_backend": "vllm/engine/arg_utils.py",
    "actor_rollout_ref.model.override_config.attn_implementation": "verl/workers/config/model.py",
    "actor_rollout_ref.actor.fsdp_config.mixed_precision.": "verl/workers/engine/fsdp/transformer_impl.py",
    "actor_rollout_ref.ref.fsdp_config.mixed_precision.": "verl/workers/engine/fsdp/transformer_impl.py",
    "actor_rollout_ref.rollout.agent.agent_loop_manager_class": "verl/trainer/main_ppo.py",
    "reward.custom_reward_function.reward_kwargs": "verl/trainer/ppo/reward.py",
    "ray_kwargs.ray_init.address": "ray/_private/worker.py",
    "ray_kwargs.ray_init._node_ip_address": "ray/_private/worker.py",
    "ray_kwargs.ray_init.num_gpus": "ray/_private/worker.py",
    "ray_kwargs.ray_init.include_dashboard": "ray/_private/worker.py",
    "ray_kwargs.ray_init.object_store_memory": "ray/_private/worker.py",
    "ray_kwargs.ray_init.runtime_env.env_vars.VLLM_CPU_KVCACHE_SPACE": "vllm/envs.py",
    "ray_kwargs.ray_init.runtime_env.env_vars.OMP_WAIT_POLICY": "torch/lib/libgomp.so.1",
    "ray_kwargs.ray_init.runtime_env.env_vars.TORCHDYNAMO_DISABLE": "torch/_dynamo/eval_frame.py",
    "ray_kwargs.ray_init.runtime_env.env_vars.VERL_USE_EXTERNAL_MODULES": "verl/__init__.py",
}


def _leaves(node: Any, prefix: str = "") -> Iterator[str]:
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _declared(config: dict[str, Any], key: str) -> bool:
    node: Any = config
    for name in key.split("."):
        if not isinstance(node, dict) or name not in node:
            return False
        node = node[name]
    return True


@pytest.fixture(scope="module")
def verls_own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """verl's own configurations: of its trainer, and of its SFT trainer."""
    from omegaconf import OmegaConf

    found: dict[str, Any] = {}
    for name in ("ppo_trainer", "sft_trainer_engine"):
        stock = tmp_path_factory.mktemp("stock") / "stock.yaml"
        stock.write_text(f"defaults: [{name}]\n")
        found[name] = OmegaConf.to_container(compose(str(stock)))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_key_is_read_by_somebody(path: Path, verls_own: dict[str, dict[str, Any]]) -> None:
    from omegaconf import OmegaConf

    supervised = path.is_relative_to(FOLDER / "sft")
    declared = verls_own["sft_trainer_engine" if supervised else "ppo_trainer"]
    recipe: Any = OmegaConf.to_container(OmegaConf.load(path))
    recipe.pop("defaults", None)
    recipe.pop("hydra", None)
    for key in _leaves(recipe):
        if _declared(declared, key) or key.partition(".")[0] in OUR_KEYS:
            continue
        readers = [
            reader for prefix, reader in READ_ELSEWHERE.items() if key == prefix or key.startswith(prefix)
        ]
        assert readers, f"{path.name}: {key} is read by nobody"
        name = key.removeprefix("reward.custom_reward_function.").split(".")[
            0 if "reward_kwargs" in key else -1
        ]
        package, _, rest = readers[0].partition("/")
        spec = find_spec(package)
        assert spec is not None
        source = Path(str((spec.submodule_search_locations or [])[0])) / rest
        assert name.encode() in source.read_bytes(), f"{readers[0]} does not mention {name}"


def test_the_list_of_exceptions_has_no_dead_entry() -> None:
    from omegaconf import OmegaConf

    keys = [key for path in FILES for key in _leaves(OmegaConf.to_container(OmegaConf.load(path)))]
    for prefix in READ_ELSEWHERE:
        assert any(key.startswith(prefix) for key in keys), prefix
    text = "\n".join(path.read_text() for path in FILES)
    assert "${seed}" in text
    assert "${run_dir}" in text


def test_what_the_paper_states_is_what_the_recipe_says() -> None:
    config = compose("video_str", [*REQUIRED, "run_dir=r"])
    actor = config.actor_rollout_ref.actor
    assert config.actor_rollout_ref.rollout.n == 8
    assert (actor.use_kl_loss, actor.kl_loss_coef) == (True, 0.04)
    assert config.algorithm.use_kl_in_reward is False
    assert config.reward.custom_reward_function.reward_kwargs.spec == "video-str"


def test_a_platform_changes_no_part_of_the_task() -> None:
    cpu, gpu = (compose("demo", [*REQUIRED, "run_dir=r", f"platform={name}"]) for name in ("cpu", "gpu"))
    assert (cpu.trainer.device, gpu.trainer.device) == ("cpu", "cuda")
    assert cpu.algorithm == gpu.algorithm
    assert cpu.reward.custom_reward_function == gpu.reward.custom_reward_function
    assert cpu.reward.reward_manager.name == gpu.reward.reward_manager.name == MANAGER
    for key in ("train_batch_size", "max_prompt_length", "max_response_length", "seed"):
        assert cpu.data[key] == gpu.data[key]
    assert cpu.actor_rollout_ref.rollout.n == gpu.actor_rollout_ref.rollout.n
    assert cpu.actor_rollout_ref.actor.optim == gpu.actor_rollout_ref.actor.optim


@pytest.mark.slow
def test_verl_validates_every_recipe_on_its_platform() -> None:
    code = f"""
from videostr.integrations.verl import MANAGER
from videostr.train.launch import compose
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.utils.config import omega_conf_to_dataclass, validate_config
for recipe, platform in {STARTED!r}:
    config = compose(recipe, {REQUIRED!r} + ["run_dir=r", f"platform={{platform}}"])
    reference, critic = need_reference_policy(config), need_critic(config)
    validate_config(config=config, use_reference_policy=reference, use_critic=critic)
    rollout = omega_conf_to_dataclass(config.actor_rollout_ref.rollout)
    actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
    omega_conf_to_dataclass(config.algorithm)
    print("valid", recipe, platform, rollout.n, actor.strategy)
"""
    done = run_python(code)
    for recipe, platform in STARTED:
        assert f"valid {recipe} {platform} 8 fsdp2" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_verl_composes_what_the_launcher_checked(tmp_path: Path) -> None:
    """`--cfg job` makes verl's own entry point print its configuration instead of running it."""
    other = ["reward.custom_reward_function.path=pkg://other", "reward.reward_manager.name=naive"]
    overrides = [*REQUIRED, f"run_dir={tmp_path / 'run'}", *other]
    launch = prepare("demo", overrides)
    done = subprocess.run(
        [*launch.command, "--cfg", "job"], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    from omegaconf import OmegaConf

    seen = OmegaConf.create(done.stdout[done.stdout.index("model_engine:") :])
    expected = OmegaConf.to_container(launch.config)
    environment = seen.ray_kwargs.ray_init.runtime_env.env_vars
    assert {name: environment.pop(name) for name in launch.environment} == launch.environment
    assert OmegaConf.to_container(seen) == expected
