"""Import one module right after another was imported, whoever asks for it and whenever."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_log = logging.getLogger(__name__)


def import_after(module: str, follower: str) -> None:
    """Import `follower` as soon as `module` was imported: at once when it is there already, else never
    before.

    A follower that cannot be imported is logged as an error and breaks nothing: only who asks for what it
    gives will miss it.
    """
    if module in sys.modules:
        _import(follower)
    elif not any(isinstance(finder, _Follow) and finder.follower == follower for finder in sys.meta_path):
        sys.meta_path.insert(0, _Follow(module, follower))


class _Follow(MetaPathFinder):
    def __init__(self, module: str, follower: str) -> None:
        self._module = module
        self.follower = follower

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 (importlib's own signature)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_then_follow(module: ModuleType) -> None:
            execute(module)
            _import(self.follower)

        spec.loader.exec_module = execute_then_follow  # type: ignore[method-assign]
        return spec


def _import(follower: str) -> None:
    try:
        importlib.import_module(follower)
    except Exception:
        _log.exception("%s could not be imported", follower)
