"""A rollout without an engine: every part of verl and vLLM that decides on positions, run for one prompt.

verl's agent loop, its client and its server's `generate` are the real ones, as are vLLM's input processing
and the model's own positions. Left out: Ray between client and server, the TransferQueue, and the forward
passes; the reply is fixed. Imported in a fresh process only, with VIDEOSTR_VERL_CPU=1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from copy import deepcopy
from types import MethodType, SimpleNamespace
from typing import Any

import verl  # first: its plug-ins prepare the platform  # noqa: F401

import numpy as np  # isort: skip
import torch  # isort: skip
from vllm.engine.arg_utils import AsyncEngineArgs  # isort: skip
from vllm.model_executor.layers.rotary_embedding.mrope import MRotaryEmbedding  # isort: skip
from vllm.model_executor.models.qwen2_5_vl import Qwen2_5_VLForConditionalGeneration  # isort: skip
from vllm.v1.engine.input_processor import InputProcessor  # isort: skip
from verl.trainer.ppo.v1 import agent_loop_tq  # isort: skip
from verl.utils.dataset.rl_dataset import RLHFDataset  # isort: skip
from verl.workers.rollout.llm_server import LLMServerClient  # isort: skip
from verl.workers.rollout.vllm_rollout.vllm_async_server import vLLMHttpServer  # isort: skip

from videostr.integrations import verl_agent_loop  # isort: skip
from videostr.train.launch import compose  # isort: skip

REPLY = [5, 6, 7, 8]
LONGEST = 8192

Message = dict[str, Any]


class Engine:
    """vLLM up to the model: input processing as AsyncLLM does it, then the model's positions."""

    def __init__(self, model: str, dtype: str, cache_gb: float) -> None:
        args = AsyncEngineArgs(
            model=model,
            dtype=dtype,
            max_model_len=LONGEST,
            enforce_eager=True,
            mm_processor_cache_gb=cache_gb,
            limit_mm_per_prompt={"image": 3, "video": 3},
        )
        config = args.create_engine_config()
        self._inputs = InputProcessor(config)
        self._model = SimpleNamespace(config=config.model_config.hf_config)
        of_model = Qwen2_5_VLForConditionalGeneration
        self._model.iter_mm_grid_thw = MethodType(of_model.iter_mm_grid_thw, self._model)
        self._positions = MethodType(of_model.get_mrope_input_positions, self._model)
        self.positions: Any = None
        self.reply_only = (
            False  # no positions: what is cached is in the engine's process, which there is none of
        )

    async def generate(self, *, prompt: Any, sampling_params: Any, request_id: str, **_: Any) -> Any:
        request = self._inputs.process_inputs(request_id, prompt, sampling_params, ("generate",))
        if not self.reply_only:
            self._place(request.prompt_token_ids, request.mm_features or [])
        reply = SimpleNamespace(token_ids=REPLY, logprobs=None, finish_reason="stop")
        yield SimpleNamespace(outputs=[reply], prompt_logprobs=None)

    def _place(self, tokens: list[int], features: list[Any]) -> None:
        """Positions of the prompt, and of the reply as the model runner extends them."""
        positions, delta = self._positions(tokens, features)
        self.positions = np.concatenate([positions.numpy(), np.zeros((3, len(REPLY)), np.int64)], axis=1)
        MRotaryEmbedding.get_next_input_positions_tensor(
            self.positions, len(tokens), delta, len(tokens), len(REPLY)
        )


class Client(LLMServerClient):  # type: ignore[misc]
    """verl's client with its one server in this process."""

    def __init__(self, config: Any, server: Any) -> None:
        super().__init__(config)
        self._handle = SimpleNamespace(generate=SimpleNamespace(remote=server.generate))

    async def _acquire_server(self, *_: Any, **__: Any) -> tuple[str, Any]:
        return "0", self._handle

    def _release_server(self, *_: Any, **__: Any) -> None:
        pass


class Prepared(RLHFDataset):  # type: ignore[misc]
    """A dataset whose clips are decoded already: a message holds verl's pair of frames and metadata."""

    @classmethod
    async def process_multi_modal_info(cls, messages: Any, **_: Any) -> Any:
        parts = [part for message in messages for part in message["content"]]
        images = [part["image"] for part in parts if part["type"] == "image"]
        clips = [part["video"] for part in parts if part["type"] == "video"]
        return images or None, clips or None, None


class Rollout:
    """verl's agent loop worker on an :class:`Engine`.

    Args:
        model: Folder of the model.
        dtype: Of the rollout.
        cache_gb: vLLM's memory for processed media.
        worker: The worker's class; verl's own is `verl_agent_loop.VerlWorker`.
    """

    def __init__(
        self,
        model: str,
        dtype: str = "float32",
        cache_gb: float = 4,
        worker: Any = verl_agent_loop.VideostrAgentLoopWorker,
    ) -> None:
        self.config = compose(
            "demo",
            [
                "run_dir=unused",
                "data.train_files=unused",
                "data.val_files=unused",
                f"actor_rollout_ref.model.path={model}",
                f"actor_rollout_ref.rollout.dtype={dtype}",
                f"actor_rollout_ref.rollout.prompt_length={LONGEST - 64}",
                "actor_rollout_ref.rollout.response_length=32",
                f"actor_rollout_ref.rollout.max_model_len={LONGEST}",
                f"+actor_rollout_ref.rollout.engine_kwargs.vllm.mm_processor_cache_gb={cache_gb}",
            ],
        )
        self._stored: dict[str, Any] = {}
        agent_loop_tq.tq = SimpleNamespace(init=lambda: None, async_kv_batch_put=self._store)
        self.engine = Engine(model, dtype, cache_gb)
        server = vLLMHttpServer.__new__(vLLMHttpServer)
        self.worker = worker(self.config, Client(self.config, server))
        server.config = self.worker.rollout_config
        server.model_config = self.worker.model_config
        server.engine = self.engine
        server._submission_paused = False
        server._disaggregation_role = None
        server.replica_rank = server.global_steps = server._admitting = 0

    async def _store(self, *, fields: Any, **_: Any) -> None:
        self._stored = {
            "positions": fields["position_ids"][0].numpy(),
            "ids": fields["input_ids"][0].tolist(),
        }

    def run(self, content: Sequence[Message] | str, *, decoded: bool = False) -> dict[str, Any]:
        """One prompt: `rollout` (3, L) of vLLM, `trained` (4, L) of what verl stores, and the token `ids`.

        decoded: whether the clips in `content` are pairs of frames and metadata, for no reader.
        """
        self.worker.dataset_cls = Prepared if decoded else RLHFDataset
        agent_loop_tq.tq.async_kv_batch_put = self._store
        trajectory = {"step": 0, "sample_index": 0, "rollout_n": 0, "validate": False}
        row = {"raw_prompt": [{"role": "user", "content": deepcopy(content)}], "uid": "u", "session_id": 0}
        run = self.worker._run_agent_loop(
            {"temperature": 1.0}, trajectory, agent_name="single_turn_agent", global_steps=0, index=0, **row
        )
        asyncio.new_event_loop().run_until_complete(run)
        trained = self._stored["positions"]
        return {"rollout": self.engine.positions, "trained": trained, "ids": self._stored["ids"]}


def clip(
    frames: int, fps: float, size: tuple[int, int] = (56, 84), raw_fps: float | None = None
) -> tuple[torch.Tensor, dict[str, Any]]:
    """Frames of noise, shape (frames, 3, *size), and their metadata: every frame of a clip of `fps` frames
    per second, or, given `raw_fps`, those out of a longer clip that come nearest to `fps`.
    """
    generator = torch.Generator().manual_seed(frames * 1000 + int(fps * 100))
    pixels = torch.randint(0, 255, (frames, 3, *size), generator=generator).float()
    total = frames if raw_fps is None else max(frames, round(frames / fps * raw_fps))
    indices = np.linspace(0, total - 1, frames).round().astype(int).tolist()
    metadata = {"fps": raw_fps or fps, "frames_indices": indices, "total_num_frames": total}
    return pixels, metadata
