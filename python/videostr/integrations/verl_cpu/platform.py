"""The CPU as one of verl's platforms (``verl.plugin.platform``, verl 0.9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from verl.plugin.platform import PlatformBase

from videostr.integrations.verl_cpu import device


class PlatformCPU(PlatformBase):  # type: ignore[misc]
    """verl's platform interface answered for a host without an accelerator."""

    @property
    def device_name(self) -> str:
        return "cpu"

    @property
    def vendor_name(self) -> str:
        return "cpu"

    @property
    def device_module(self) -> ModuleType:
        return device

    def is_available(self) -> bool:
        return True

    def current_device(self) -> str:
        """A name, not an index: verl writes ``tensor.to(get_device_id())``."""
        return "cpu"

    def device_count(self) -> int:
        return 1

    def set_device(self, device_index: int) -> None:
        """One device: nothing to select."""

    def synchronize(self, device_index: int | None = None) -> None:
        """CPU operations are synchronous."""

    def manual_seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def manual_seed_all(self, seed: int) -> None:
        torch.manual_seed(seed)

    def set_allocator_settings(self, settings: str) -> None:
        """No caching allocator to configure."""

    def empty_cache(self) -> None:
        """No caching allocator to empty."""

    def get_device_capability(self, device_index: int = 0) -> tuple[int | None, int | None]:  # noqa: ARG002
        return None, None

    def communication_backend_name(self) -> str:
        return "gloo"

    def visible_devices_envvar(self) -> str:
        return "VIDEOSTR_VISIBLE_CPU_SLOTS"

    @contextmanager
    def nvtx_range(self, msg: str) -> Iterator[None]:  # noqa: ARG002
        yield

    def profiler_start(self) -> None:
        """No device profiler."""

    def profiler_stop(self) -> None:
        """No device profiler."""

    def ray_resource_name(self) -> str:
        """verl counts worker slots as Ray's GPU or NPU only (verl/single_controller/ray/base.py:226).

        The recipe declares them as logical GPUs: ``ray_kwargs.ray_init.num_gpus``.
        """
        return "GPU"

    def ray_noset_envvars(self) -> list[str]:
        return []

    def is_ipc_supported(self) -> bool:
        """False: new weights reach vLLM through shared memory, verl's own way round CUDA IPC."""
        return False

    def cudart(self) -> Any:
        return None
