"""One set of rotary positions for rollout and training of Qwen2.5-VL: a mixin for verl's agent loop worker.

Stock verl 0.9.1 gives a clip three different time axes: vLLM before 0.31 drops the clip's metadata
(vllm/model_executor/models/qwen2_vl.py:845 asks for none) and takes every clip for one of 24 frames per second;
the trainer's positions come from transformers without seconds (verl/experimental/agent_loop/agent_loop.py:953);
the clip itself has its own. So the policy that is updated is not the one that replied. Here

* vLLM gets each clip's metadata with the request, as processor arguments that it passes on to the model's own
  processor, and so knows the seconds;
* the trainer gets the positions that vLLM then computes (:mod:`videostr.integrations.mrope`).

With another model, or another engine than vLLM, it is verl's own agent loop unchanged. Nothing is patched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch
from packaging.version import Version

from videostr.integrations.mrope import Medium, PositionsError, mrope_positions

MODEL_TYPE = "qwen2_5_vl"
#: From this version on vLLM passes a clip's metadata to the processor by itself, and refuses it twice.
_VLLM_KEEPS_METADATA = Version("0.31")
#: Rollout dtypes as verl hands them to vLLM, which also rounds the seconds of a grid to them
#: (vllm/multimodal/processing/context.py:234).
_DTYPES = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "half": torch.float16,
    "float32": torch.float32,
    "float": torch.float32,
}


def vllm_needs_times(vllm: str) -> bool:
    """Whether a version of vLLM drops the metadata of a clip unless they come as processor arguments."""
    return Version(vllm) < _VLLM_KEEPS_METADATA


class Qwen25VLPositions:
    """What of a run's configuration decides about positions.

    Args:
        hf_config: The model's transformers configuration.
        rollout: ``actor_rollout_ref.rollout``.

    Raises:
        PositionsError: The rollout's dtype is left to vLLM (``auto``).
    """

    def __init__(self, hf_config: Any, rollout: Any) -> None:
        if str(rollout.dtype) not in _DTYPES:
            raise PositionsError(
                f"actor_rollout_ref.rollout.dtype: {rollout.dtype} is not one of {', '.join(_DTYPES)}; vLLM "
                "rounds a clip's seconds to its dtype, so the trainer must know which it is"
            )
        self._dtype = _DTYPES[str(rollout.dtype)]
        self._image_token = int(hf_config.image_token_id)
        self._video_token = int(hf_config.video_token_id)
        self._merge = int(hf_config.vision_config.spatial_merge_size)
        self._tokens_per_second = getattr(hf_config.vision_config, "tokens_per_second", 1.0)

    def __call__(self, input_ids: torch.Tensor, inputs: Mapping[str, Any]) -> torch.Tensor:
        """Positions of one sequence.

        Args:
            input_ids: Prompt and reply without padding, shape (L,).
            inputs: What the model's processor returned for it: `image_grid_thw` (images, 3),
                `video_grid_thw` (clips, 3) and `second_per_grid_ts` (clips,), each only where there are some.

        Returns:
            Shape (3, L).

        Raises:
            PositionsError: Tokens, grids and seconds do not belong together.
        """
        clips = self._grids(inputs.get("video_grid_thw"))
        given = inputs.get("second_per_grid_ts")
        seconds = [] if given is None else torch.as_tensor(given).to(self._dtype).tolist()
        if len(seconds) != len(clips):
            raise PositionsError(
                f"second_per_grid_ts: {len(seconds)} values for {len(clips)} clips; the processor gives one a clip"
            )
        media = {
            self._image_token: [Medium(grid) for grid in self._grids(inputs.get("image_grid_thw"))],
            self._video_token: [
                Medium(grid, second * self._tokens_per_second)
                for grid, second in zip(clips, seconds, strict=True)
            ],
        }
        return torch.from_numpy(mrope_positions(input_ids.cpu().numpy(), media))

    def _grids(self, grid_thw: torch.Tensor | None) -> list[tuple[int, int, int]]:
        rows = [] if grid_thw is None else grid_thw.tolist()
        return [(t, h // self._merge, w // self._merge) for t, h, w in rows]


class ClipTimes:
    """verl's client of the rollout servers, handing over the metadata of every clip that it is given.

    Args:
        client: verl's own.
        cached: Whether vLLM keeps processed clips (`mm_processor_cache_gb` is not 0).
    """

    def __init__(self, client: Any, *, cached: bool) -> None:
        self._client = client
        self._cached = cached

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def generate(
        self,
        request_id: str,
        *,
        video_data: Sequence[Any] | None = None,
        mm_processor_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """As verl's (verl/workers/rollout/llm_server.py:99).

        Raises:
            PositionsError: Several clips, and vLLM could have some of them cached: it would give those
                that are left the metadata of all.
        """
        clips = [] if video_data is None else list(video_data)
        metadata = [clip[1] for clip in clips if isinstance(clip, tuple)]  # verl's (frames, metadata)
        if metadata:
            if len(clips) > 1 and self._cached:
                raise PositionsError(
                    f"a prompt with {len(clips)} clips needs "
                    "actor_rollout_ref.rollout.engine_kwargs.vllm.mm_processor_cache_gb=0: vLLM would hand the "
                    "metadata of all clips to those that its cache lacks"
                )
            times = {"video_metadata": metadata, "do_sample_frames": False}
            mm_processor_kwargs = {**(mm_processor_kwargs or {}), **times}
        return await self._client.generate(
            request_id, video_data=video_data, mm_processor_kwargs=mm_processor_kwargs, **kwargs
        )


class ExactPositions:
    """Placed before verl's agent loop worker among the bases of a class; for Qwen2.5-VL on vLLM it hands clip
    times over and replaces positions.
    """

    config: Any
    hf_model_type: str
    llm_client: Any
    model_config: Any
    processor: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rollout = self.config.actor_rollout_ref.rollout
        self._positions: Qwen25VLPositions | None = None
        if self.hf_model_type != MODEL_TYPE or rollout.name != "vllm" or self.processor is None:
            return
        self._positions = Qwen25VLPositions(self.model_config.hf_config, rollout)
        if vllm_needs_times(version("vllm")):
            engine = (rollout.get("engine_kwargs") or {}).get("vllm") or {}
            self.llm_client = ClipTimes(self.llm_client, cached=engine.get("mm_processor_cache_gb") != 0)

    def _compute_position_ids(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        multi_modal_inputs: dict[str, Any],
        mm_processor_kwargs: dict[str, Any] | None = None,
    ) -> torch.Tensor:
        """verl's (1, 4, L): the index of the token, then the three rotary axes, which alone are replaced."""
        position_ids: torch.Tensor = super()._compute_position_ids(  # type: ignore[misc]
            input_ids, attention_mask, multi_modal_inputs, mm_processor_kwargs
        )
        if self._positions is not None:
            valid = attention_mask[0].bool()
            position_ids[0, 1:, valid] = self._positions(input_ids[0, valid], multi_modal_inputs)
        return position_ids
