"""A module that is imported right after another one."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from videostr.integrations._after_import import import_after


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package whose `registry` is filled by `follower`, which asks for `registry` itself."""
    folder = tmp_path / "followed"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "registry.py").write_text("NAMES = ['own']\n")
    (tmp_path / "follower.py").write_text("from followed.registry import NAMES\nNAMES.append('ours')\n")
    (tmp_path / "broken_follower.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    finders = list(sys.meta_path)
    yield
    sys.meta_path[:] = finders
    for name in ("followed", "followed.registry", "follower", "broken_follower"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("package")
def test_it_comes_with_the_other_and_not_before() -> None:
    import_after("followed.registry", "follower")
    import_after("followed.registry", "follower")
    importlib.import_module("followed")
    assert "follower" not in sys.modules
    assert importlib.import_module("followed.registry").NAMES == ["own", "ours"]
    assert not [finder for finder in sys.meta_path if type(finder).__name__ == "_Follow"]


@pytest.mark.usefixtures("package")
def test_it_comes_at_once_when_the_other_is_there() -> None:
    registry = importlib.import_module("followed.registry")
    import_after("followed.registry", "follower")
    assert registry.NAMES == ["own", "ours"]


@pytest.mark.usefixtures("package")
def test_it_may_be_asked_for_first() -> None:
    import_after("followed.registry", "follower")
    importlib.import_module("follower")
    assert importlib.import_module("followed.registry").NAMES == ["own", "ours"]


@pytest.mark.usefixtures("package")
def test_one_that_is_broken_breaks_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    import_after("followed.registry", "broken_follower")
    with caplog.at_level(logging.ERROR):
        assert importlib.import_module("followed.registry").NAMES == ["own"]
    assert "broken_follower could not be imported" in caplog.text
    assert "ZeroDivisionError" in caplog.text
