"""Whether the packages of the training stack are there, said in words before the first import fails."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from videostr.errors import VideostrError

#: What learning from rows imports (extra `verl-cpu` or `verl`).
LEARNING = ("torch", "torchvision", "transformers", "qwen_vl_utils", "pyarrow")
#: What the whole demonstration imports.
TRAINING = (*LEARNING, "verl", "vllm", "ray", "av", "PIL")


class MissingPackageError(VideostrError, ImportError):
    """Packages that are needed and not installed; the message names them and how they are installed."""


def require_packages(purpose: str, modules: Sequence[str]) -> None:
    """Refuse to begin when one of `modules` is not installed. Imports none of them.

    Raises:
        MissingPackageError: Naming all that are missing.

    Example:
        >>> from videostr.train.packages import require_packages
        >>> require_packages("this", ["json", "no_such_module"])
        Traceback (most recent call last):
        videostr.train.packages.MissingPackageError: this needs no_such_module, ... `videostr doctor` ...
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        is_are = "is" if len(missing) == 1 else "are"
        raise MissingPackageError(
            f"{purpose} needs {', '.join(missing)}, which {is_are} not installed: in a checkout `make demo` "
            f"installs the training stack, elsewhere `videostr doctor` tells how to"
        )
