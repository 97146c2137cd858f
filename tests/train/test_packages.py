"""What is missing is said in words, by the commands that need the training stack."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from videostr.data.media_check import read_header
from videostr.data.rows import read_rows, write_rows
from videostr.data.synth.video import write_mp4
from videostr.train.packages import LEARNING, MissingPackageError, require_packages

#: Runs a module as `python -m` does where none of the training stack can be found.
WITHOUT = """
import importlib.util, runpy, sys
find = importlib.util.find_spec
gone = {"torch", "torchvision", "transformers", "verl", "vllm", "ray"}
importlib.util.find_spec = lambda name, *rest: None if name in gone else find(name, *rest)
sys.modules.update(dict.fromkeys(gone))
sys.argv[0] = sys.argv.pop(1)
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("videostr.demo", ["--out", "out"]),
        ("videostr.train.cold_start", ["--rows", "r.parquet", "--model", "m", "--out", "out"]),
    ],
)
def test_without_the_training_stack(module: str, arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{module}: the ")
    assert "torch, torchvision, transformers" in line
    assert "videostr doctor" in line
    assert list(tmp_path.iterdir()) == [], "nothing is begun"


def test_a_prediction_without_the_training_stack(tmp_path: Path) -> None:
    command = ["predict", "rows.parquet", "--model", "m", "--out", "p.jsonl"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "videostr.cli", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("videostr: prediction needs torch, torchvision, transformers")
    assert "vllm" in line
    assert "videostr doctor" in line
    assert list(tmp_path.iterdir()) == []


def test_all_that_are_missing_are_named() -> None:
    require_packages("this", ["json", "numpy"])
    with pytest.raises(
        MissingPackageError, match=r"^this needs no_such_a, no_such_b, which are not installed"
    ):
        require_packages("this", ["json", "no_such_a", "no_such_b"])
    assert "torch" in LEARNING


@pytest.mark.parametrize(
    ("purpose", "gone", "call"),
    [
        ("reading rows", "pyarrow", lambda folder: list(read_rows(folder / "a.parquet"))),
        ("writing rows", "pyarrow", lambda folder: write_rows(folder / "a.parquet", [])),
        ("reading clips", "av", lambda folder: read_header(folder / "a.mp4")),
        ("writing clips", "av", lambda folder: write_mp4(folder / "b.mp4", [], 4)),
    ],
)
def test_without_the_data_extra(
    purpose: str, gone: str, call: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").write_text("not looked at")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == gone else find(name, *rest)
    )
    words = f"{purpose} needs {gone}, which is not installed: pip install 'videostr[data]'"
    with pytest.raises(MissingPackageError) as caught:
        call(tmp_path)
    assert str(caught.value) == words
