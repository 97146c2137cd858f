"""A fresh interpreter a test, so that no shim reaches the process of the tests."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

needs_verl = pytest.mark.skipif(
    importlib.util.find_spec("verl") is None, reason="verl is not installed (extra verl-cpu)"
)


def run_python(
    code: str, *, text: str = "", path: Path | None = None, seconds: float = 240, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `code` with `text` as its input; VIDEOSTR_VERL_CPU is set only when given, `path` is searched
    first.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "VIDEOSTR_VERL_CPU"}
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**inherited, **environment},
        input=text,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def fake_distribution(folder: Path, name: str, version: str) -> Path:
    """Metadata of a distribution that is not there; put `folder` first on the module path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder
