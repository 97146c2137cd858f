"""Whether optional packages are there, said in words, with the extra that brings them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from videostr.errors import VideostrError

_DATA = frozenset({"pyarrow", "av", "PIL"})
_VIEW = frozenset({"matplotlib", *_DATA})


class MissingPackageError(VideostrError, ImportError):
    """Packages that are needed and not installed; the message names them and how they are installed."""


def require_packages(purpose: str, modules: Sequence[str]) -> None:
    """Refuse to begin when one of `modules` is not installed. Imports none of them.

    Raises:
        MissingPackageError: Naming all that are missing, the extra that has them, and the command.

    Example:
        >>> from videostr.train.packages import require_packages
        >>> require_packages("this", ["json", "no_such_module"])
        Traceback (most recent call last):
        videostr._packages.MissingPackageError: this needs no_such_module, which is not installed: ...
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        is_are = "is" if len(missing) == 1 else "are"
        raise MissingPackageError(
            f"{purpose} needs {', '.join(missing)}, which {is_are} not installed: {_remedy(missing)}"
        )


def _remedy(missing: Sequence[str]) -> str:
    for extra, modules in (("data", _DATA), ("view", _VIEW)):
        if modules.issuperset(missing):
            return f"pip install 'videostr[{extra}]'"
    return (
        "with a GPU `pip install 'videostr[verl]'`, without one the extra verl-cpu, whose command "
        "`videostr doctor` prints; in a checkout `make demo` installs them"
    )
