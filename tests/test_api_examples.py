"""Every example of a docstring runs, where the packages that it needs are installed."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

import videostr

PACKAGE = Path(videostr.__file__).parent
#: What only an extra brings; an example may need it, and is then skipped where it is not installed.
EXTRAS = {"torch", "torchvision", "transformers", "verl", "vllm", "ray", "pyarrow", "av", "PIL", "hypothesis"}


def _module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = sorted(
    _module_of(path)
    for path in PACKAGE.rglob("*.py")
    if re.search(r"^\s*>>> ", path.read_text(encoding="utf-8"), re.MULTILINE)
)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        pytest.skip(f"{error.name} is not installed")
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


def test_the_modules_with_examples_are_found() -> None:
    assert {"videostr.scoring", "videostr.integrations.verl", "videostr.train.overrides"} <= set(MODULES)
