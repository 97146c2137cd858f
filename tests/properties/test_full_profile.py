"""The long form of the promises: every property with the profile `full`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_all_promises_with_many_more_examples() -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "not full",
            "-p",
            "no:cacheprovider",
            "--timeout=1200",
            str(HERE),
        ],
        env={**os.environ, "VIDEOSTR_PROPERTIES": "full"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
