"""vLLM as the engine of a prediction, on GPUs and through the CPU platform."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from videostr.data.row_check import RowError
from videostr.integrations.verl_cpu.gate import REQUEST_VARIABLE, accelerator_present
from videostr.predict.output import Reply
from videostr.predict.prompts import Prompt, Prompter
from videostr.predict.settings import PredictSettings

#: Of this process and of those that vLLM starts, where they are not set already.
_ENVIRONMENT = {
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # standard output is the command's
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
}
#: The same for the CPU platform, as its recipe has them; the last keeps the engine in this process.
_CPU_ENVIRONMENT = {
    REQUEST_VARIABLE: "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "OMP_WAIT_POLICY": "PASSIVE",
    "TORCHDYNAMO_DISABLE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
#: Of this model a vLLM that drops the times of clips must be given them (videostr.integrations.verl_positions).
_TIMED = "qwen2_5_vl"


class VllmEngine:
    """A model in vLLM.

    Args:
        model: Its folder.
        settings: What is asked of it.
    """

    def __init__(self, model: Path, settings: PredictSettings) -> None:
        on_cpu = not accelerator_present()
        for name, value in {**_ENVIRONMENT, **(_CPU_ENVIRONMENT if on_cpu else {})}.items():
            os.environ.setdefault(name, value)
        if on_cpu:
            from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators

            declare_missing_operators()
        from transformers import AutoConfig
        from vllm import LLM, __version__

        from videostr.integrations.verl_positions import vllm_needs_times

        self._settings = settings
        kind = AutoConfig.from_pretrained(str(model)).model_type
        self.prompt = Prompter(model, settings, send_times=kind == _TIMED and vllm_needs_times(__version__))
        # With a cache vLLM hands the times of all clips of a prompt to those that the cache lacks.
        given = {
            "mm_processor_cache_gb": 0,
            "enforce_eager": on_cpu,
            "seed": settings.seed,
            **settings.engine,
        }
        self._llm = LLM(model=str(model), **given)

    def replies(self, prompts: Sequence[Prompt]) -> list[list[Reply] | RowError]:
        """The replies to each prompt, or why vLLM refuses it."""
        if not prompts:
            return []
        from vllm.exceptions import VLLMValidationError  # a ValueError in some versions, not in others

        parameters = [self._parameters(prompt.row) for prompt in prompts]
        try:
            outputs = self._llm.generate([prompt.request for prompt in prompts], parameters, use_tqdm=False)
        except (ValueError, VLLMValidationError) as error:
            if len(prompts) == 1:
                return [RowError(prompts[0].where, "prompt", f"vLLM refuses it: {error}")]
            return [reply for prompt in prompts for reply in self.replies([prompt])]
        return [[self._reply(output) for output in request.outputs] for request in outputs]

    def _parameters(self, row: int) -> Any:
        from vllm import SamplingParams

        settings = self._settings
        seeds = np.random.SeedSequence([settings.seed, row])
        return SamplingParams(
            n=settings.samples,
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_tokens,
            seed=int(seeds.generate_state(1)[0] >> 1) if settings.temperature else None,
            detokenize=False,
        )

    def _reply(self, output: Any) -> Reply:
        ids = list(output.token_ids)
        text = self.prompt.tokenizer.decode(ids, skip_special_tokens=True)
        return Reply(text, len(ids), str(output.finish_reason))
