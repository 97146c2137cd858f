"""The demonstration clears its own earlier output and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from videostr.demo.plan import SHORT
from videostr.train.process import StageError

pytest.importorskip("av", reason="PyAV is not installed (extra data)")


def _until_the_rows(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a demonstration until it would render its first clips."""
    from videostr.demo import pipeline

    class ReachedError(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise ReachedError

    monkeypatch.setattr(pipeline, "build_world", stop)
    monkeypatch.setattr(pipeline, "_device", lambda: "cpu")
    monkeypatch.setattr(pipeline, "declare_missing_operators", lambda: False)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    with pytest.raises(ReachedError):
        pipeline.Demo(out, SHORT, 0).run()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("precious")
    with pytest.raises(StageError, match="was not written by a demonstration"):
        _until_the_rows(tmp_path, monkeypatch)
    assert (tmp_path / "model" / "weights").read_text() == "precious"


def test_its_own_earlier_output_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "demo"
    _until_the_rows(out, monkeypatch)
    (out / "grpo" / "rollouts").mkdir()
    (out / "notes").write_text("mine")
    _until_the_rows(out, monkeypatch)
    assert not (out / "grpo" / "rollouts").exists()
    assert (out / "notes").read_text() == "mine"


def test_a_gpu_that_torch_cannot_use_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from videostr.demo import pipeline

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(pipeline, "accelerator_present", lambda: False)
    assert pipeline._device() == "cpu"
    monkeypatch.setattr(pipeline, "accelerator_present", lambda: True)
    with pytest.raises(StageError, match="a GPU that torch cannot use"):
        pipeline._device()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pipeline._device() == "cuda"
