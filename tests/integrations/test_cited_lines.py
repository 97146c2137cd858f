"""Each line of verl or vLLM that a comment of ours cites is still the line that it is cited for."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from fresh_python import needs_verl

import videostr

ROOT = Path(str(videostr.__file__)).parent
CITED = re.compile(r"\b((?:verl|vllm)/[\w/]+\.py):(\d+)")
#: Cited line -> what stands there.
EXPECTED = {
    "verl/trainer/ppo/ray_trainer.py:256": '"uid" in data.non_tensor_batch',
    "verl/__init__.py:49": "VERL_USE_EXTERNAL_MODULES",
    "verl/__init__.py:62": "import entry_points",
    "verl/__init__.py:75": "except Exception",
    "verl/experimental/agent_loop/agent_loop.py:147": "rm_scores[-1] = reward_score",
    "verl/experimental/agent_loop/agent_loop.py:301": "self.dataset_cls.process_multi_modal_info(",
    "verl/experimental/agent_loop/agent_loop.py:353": "len(prompt_ids) > prompt_length",
    "verl/experimental/agent_loop/agent_loop.py:953": "self.processor.get_rope_index(",
    "verl/experimental/agent_loop/agent_loop.py:1025": "random.choice(self.reward_loop_worker_handles)",
    "verl/experimental/reward_loop/reward_manager/naive.py:35": "data = data[-1:]",
    "verl/experimental/reward_loop/reward_manager/naive.py:42": 'data_item.non_tensor_batch["data_source"]',
    "verl/models/transformers/qwen2_vl.py:331": "_flash_use_top_left_mask",
    "verl/single_controller/ray/base.py:226": "_check_resource_available",
    "verl/third_party/vllm/__init__.py:31": "get_version(package_name)",
    "verl/trainer/main_ppo.py:120": "agent_loop_manager_class",
    "verl/models/transformers/qwen2_vl.py:393": "image_embeds = model.visual(",
    "verl/trainer/ppo/core_algos.py:1321": "clip_ratio_low = config.clip_ratio_low",
    "verl/trainer/ppo/reward.py:105": "object_name=reward_manager_cfg.name",
    "verl/trainer/ppo/reward.py:152": "return reward_manager_cls(",
    "verl/trainer/ppo/v1/agent_loop_tq.py:133": "session_errors = await _settle_session_tasks(tasks)",
    "verl/trainer/ppo/v1/replay_buffer.py:503": "self._wait_for_next_poll(",
    "verl/trainer/ppo/v1/replay_buffer.py:507": "no materializable trajectories",
    "verl/trainer/ppo/v1/trainer_base.py:898": "No dataloader state found",
    "verl/trainer/ppo/v1/trainer_base.py:1022": "latest_checkpointed_iteration.txt",
    "verl/trainer/ppo/v1/trainer_base.py:1024": 'latest_checkpointed_iteration, "w"',
    "verl/trainer/ppo/v1/trainer_base.py:1316": "{sample}_{rollout}_{output}",
    "verl/trainer/ppo/v1/trainer_base.py:1868": "def _compute_metrics",
    "verl/utils/checkpoint/checkpoint_manager.py:219": "set_rng_state(",
    "verl/utils/checkpoint/checkpoint_manager.py:222": "def find_latest_ckpt_path",
    "verl/utils/checkpoint/checkpoint_manager.py:259": "latest_checkpointed_iteration.txt",
    "verl/utils/distributed.py:63": "cpu:gloo,",
    "verl/utils/distributed.py:89": "cpu:gloo,",
    "verl/utils/flops_counter.py:80": "get_device_name()",
    "verl/utils/memory_utils.py:80": "is_available()",
    "verl/utils/profiler/performance.py:49": "memory_allocated()",
    "verl/utils/profiler/performance.py:50": "memory_reserved()",
    "verl/utils/profiler/performance.py:54": "mem_get_info()",
    "verl/utils/tracking.py:534": "VERL_FILE_LOGGER_PATH",
    "verl/utils/tracking.py:541": 'open(self.filepath, "wb"',
    "verl/workers/config/model.py:185": "flash_attention_2",
    "verl/workers/config/rollout.py:281": 'self.mode == "sync"',
    "verl/workers/engine/base.py:405": "VERL_ENGINE_DEVICE",
    "verl/workers/engine/fsdp/transformer_impl.py:462": "CPUOffloadPolicy(pin_memory=True)",
    "verl/workers/engine/fsdp/transformer_impl.py:1143": 'device=["cuda", "npu"]',
    "verl/workers/engine/utils.py:125": "assert total_data_size %",
    "verl/workers/engine_workers.py:219": "max_memory_allocated()",
    "verl/workers/engine_workers.py:220": "max_memory_reserved()",
    "verl/workers/engine_workers.py:769": "empty_cache()",
    "verl/workers/rollout/llm_server.py:99": "async def generate",
    "verl/workers/rollout/vllm_rollout/__init__.py:28": "get_version(vllm_package_name)",
    "verl/workers/rollout/vllm_rollout/bucketed_weight_transfer.py:220": "ipc_collect()",
    "verl/workers/rollout/vllm_rollout/vllm_async_server.py:290": 'engine_kwargs["limit_mm_per_prompt"] = {"image"',
    "vllm/model_executor/layers/linear.py:220": "dispatch_cpu_unquantized_gemm(layer, remove_weight=True)",
    "vllm/model_executor/layers/utils.py:313": "_supports_onednn",
    "vllm/model_executor/models/qwen2_5_vl.py:1296": "def get_mrope_input_positions",
    "vllm/model_executor/models/qwen2_vl.py:845": "def get_data_parser",
    "vllm/multimodal/processing/context.py:234": "x.to(dtype=self.model_config.dtype)",
}


def _cited() -> set[str]:
    files = [ROOT / "cli" / "_reader.py", *(ROOT / "recipes").rglob("*.yaml")]
    files += [*(ROOT / "train").glob("*.py"), *(ROOT / "integrations").rglob("*.py")]
    return {":".join(found) for file in files for found in CITED.findall(file.read_text(encoding="utf-8"))}


def test_every_cited_line_is_known_here() -> None:
    assert _cited() == set(EXPECTED)


@needs_verl
@pytest.mark.parametrize("place", EXPECTED)
def test_the_line_is_there(place: str) -> None:
    path, _, line = place.partition(":")
    package, _, rest = path.partition("/")
    spec = find_spec(package)
    if spec is None:
        pytest.skip(f"{package} is not installed")
    source = Path(str((spec.submodule_search_locations or [])[0])) / rest
    assert EXPECTED[place] in source.read_text(encoding="utf-8").splitlines()[int(line) - 1]
