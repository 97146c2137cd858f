"""Entry points for vLLM, which calls them in each of its processes. They do nothing unless the CPU platform
is in use.
"""

from __future__ import annotations

from videostr.integrations.verl_cpu.gate import accelerator_present, is_requested


def register() -> None:
    """Group ``vllm.general_plugins``: keep vLLM's weights replaceable on a CPU."""
    if is_requested() and not accelerator_present():
        from videostr.integrations.verl_cpu.vllm_weights import keep_linear_weights

        keep_linear_weights()


def prepare_platform() -> None:
    """Group ``vllm.platform_plugins``, the one hook that vLLM calls before it imports torchvision.

    Returns None, which in that group means "no platform of mine": the choice stays vLLM's.
    """
    if is_requested() and not accelerator_present():
        from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators

        declare_missing_operators()
