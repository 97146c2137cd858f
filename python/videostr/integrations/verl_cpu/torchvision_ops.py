"""Let a CUDA-built torchvision import beside a CPU-only torch.

``torchvision/_C.so`` of a CUDA build cannot be loaded without CUDA libraries. Its operators then do not
exist, and ``torchvision/_meta_registrations.py``, which registers shapes for two of them, ends the import
with "operator torchvision::nms does not exist". What video processors use (``transforms.v2``) is Python: with
the two operators declared it imports and works.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: list[Any] = []


def declare_missing_operators() -> bool:
    """Declare torchvision's two operators where its binary cannot be loaded; call before torchvision is
    imported.

    Returns:
        Whether they had to be declared (False also when torchvision is not installed, or was done before).

    Example:
        >>> from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators
        >>> declare_missing_operators() in (True, False)
        True
    """
    spec = importlib.util.find_spec("torchvision")
    if _library or spec is None or spec.origin is None or _binary_loads(Path(spec.origin).parent):
        return False
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _library.append(library)
    return True


def _binary_loads(package: Path) -> bool:
    import torch

    if hasattr(torch.ops.torchvision, "nms"):
        return True
    binaries = sorted(package.glob("_C*.so"))
    try:
        for binary in binaries:
            torch.ops.load_library(str(binary))
    except OSError:
        return False
    return bool(binaries)
