"""`_core.pyi` says what the binary has."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_stubs_match_the_binary() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "videostr._core"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
