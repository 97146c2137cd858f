"""The gate of benches/instructions.py: what it lets through, and when it is skipped. `make test` runs the counting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHES = Path(__file__).parent.parent / "benches"
sys.path.insert(0, str(BENCHES))
import instructions  # noqa: E402

GATE = {"parse": 1_000, "assign": 200_000}


@pytest.mark.parametrize(
    ("counted", "wrong"),
    [
        ({"parse": 1_000, "assign": 200_000}, []),
        ({"parse": 1_030, "assign": 206_000}, []),
        ({"parse": 500, "assign": 1}, []),
        ({"parse": 1_031, "assign": 200_000}, ["parse: 1,031 instructions, +3.1% over 1,000"]),
        ({"parse": 900, "assign": 400_000}, ["assign: 400,000 instructions, +100.0% over 200,000"]),
    ],
)
def test_only_more_than_three_percent_over_the_file_is_wrong(
    counted: dict[str, int], wrong: list[str]
) -> None:
    assert instructions.verdict(counted, GATE) == wrong


def test_a_part_that_the_file_does_not_have_is_wrong() -> None:
    assert len(instructions.verdict({**GATE, "score": 1}, GATE)) == 1
    assert len(instructions.verdict({"parse": 1_000}, GATE)) == 1


def test_the_file_has_every_part() -> None:
    gate = json.loads(instructions.GATE.read_text())
    assert list(gate["counts"]) == instructions.PARTS
    assert set(gate) == {"counts", *instructions.here()}


def test_without_valgrind_it_says_that_it_is_skipped(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCHES / "instructions.py"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "instruction gate: skipped, valgrind is not installed\n")


@pytest.mark.parametrize(("key", "value"), [("rustc", "rustc 1.0.0"), ("simd", "none")])
def test_for_another_compiler_or_processor_it_says_that_it_is_skipped(
    key: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "gate.json"
    other.write_text(json.dumps({**instructions.here(), key: value, "counts": {}}))
    monkeypatch.setattr(instructions, "GATE", other)
    monkeypatch.setattr(instructions.shutil, "which", lambda name: name)
    monkeypatch.setattr(sys, "argv", ["instructions.py"])
    instructions.main()
    assert "skipped" in capsys.readouterr().out
