"""The demonstration in its long form: what it claims of learning holds for every committed seed.

10 to 15 minutes each.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from videostr.demo.claims import read_steps
from videostr.demo.plan import LONG, SEEDS
from videostr.demo.rise import broken_rises, rises

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        importlib.util.find_spec("verl") is None or importlib.util.find_spec("vllm") is None,
        reason="verl and vLLM are not installed (`make demo` installs them)",
    ),
]


@pytest.mark.parametrize("seed", SEEDS)
def test_answer_and_graph_rise(seed: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "videostr.demo", "--out", str(tmp_path), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    steps = read_steps(tmp_path / "grpo")
    assert len(steps) == LONG.steps
    assert broken_rises(rises(steps)) == []
