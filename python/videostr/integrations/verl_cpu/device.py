"""What verl asks of ``torch.<device>`` (``get_torch_device()``), for the CPU.

``torch.cpu`` has the device and stream calls but no caching allocator. Each function below
names the line of verl 0.9.1 that calls it.
"""

from __future__ import annotations

import os

import torch
from torch.cpu import Stream, current_device, current_stream, device_count, set_device, stream, synchronize

__all__ = [
    "Stream",
    "current_device",
    "current_stream",
    "device_count",
    "empty_cache",
    "get_device_name",
    "ipc_collect",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "set_device",
    "set_rng_state",
    "stream",
    "synchronize",
]


def is_available() -> bool:
    """No accelerator: verl/utils/memory_utils.py:80 then leaves the accelerator's memory alone."""
    return False


def get_device_name() -> str:
    """verl/utils/flops_counter.py:80 looks the peak FLOP/s up by name and has one under "CPU"."""
    return "CPU"


def empty_cache() -> None:
    """verl/workers/engine_workers.py:769; the CPU allocator keeps no cache."""


def ipc_collect() -> None:
    """verl/workers/rollout/vllm_rollout/bucketed_weight_transfer.py:220; there is no CUDA IPC."""


def set_rng_state(state: torch.Tensor) -> None:
    """verl/utils/checkpoint/checkpoint_manager.py:219, when a run is resumed."""
    torch.set_rng_state(state)


def memory_allocated() -> int:
    """Bytes of accelerator memory, hence 0; verl/utils/profiler/performance.py:49."""
    return 0


def memory_reserved() -> int:
    """Bytes of accelerator memory, hence 0; verl/utils/profiler/performance.py:50."""
    return 0


def max_memory_allocated() -> int:
    """Bytes of accelerator memory, hence 0; verl/workers/engine_workers.py:219."""
    return 0


def max_memory_reserved() -> int:
    """Bytes of accelerator memory, hence 0; verl/workers/engine_workers.py:220."""
    return 0


def mem_get_info() -> tuple[int, int]:
    """Free and total bytes of the host; verl/utils/profiler/performance.py:54."""
    page = os.sysconf("SC_PAGE_SIZE")
    return os.sysconf("SC_AVPHYS_PAGES") * page, os.sysconf("SC_PHYS_PAGES") * page
