"""A fresh interpreter a test, so that no shim reaches the process of the tests."""

from __future__ import annotations

import importlib.util
import json
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


_RUN_EACH = """
import json, sys, traceback
for name, code in json.loads(sys.stdin.read()).items():
    try:
        exec(code, {**globals()})
        print("held", name)
    except BaseException:
        print("BROKEN", name, file=sys.stderr)
        traceback.print_exc()
"""


def run_checks(set_up: str, checks: dict[str, str], **environment: str) -> tuple[set[str], str]:
    """Run pieces of code after one `set_up`, in one interpreter, each with globals of its own.

    Returns:
        The names of those that held, and what the process said of the others.
    """
    done = run_python(set_up + _RUN_EACH, text=json.dumps(checks), **environment)
    names = {line[5:] for line in done.stdout.splitlines() if line.startswith("held ")}
    return names, done.stdout + done.stderr


def fake_distribution(folder: Path, name: str, version: str) -> Path:
    """Metadata of a distribution that is not there; put `folder` first on the module path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder
