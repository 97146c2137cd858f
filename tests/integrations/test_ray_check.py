"""`videostr doctor --ray`: what a real Ray worker finds."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from fresh_python import needs_verl

from videostr.cli import doctor, main


@needs_verl
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_ray_worker_finds_the_plug_in(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    code = main(["doctor", "--quick", "--ray", "--json"])
    worker = json.loads(capsys.readouterr().out)["ray_worker"]
    assert worker["works"], worker
    assert worker["manager"] == "videostr.integrations.verl_manager.VideostrRewardManager"
    assert worker["pid"] != worker["driver_pid"]
    assert code in (0, 1), "1 where a package of an extra is broken"


@pytest.mark.parametrize(
    ("out", "err", "says"),
    [
        ('x\n{"manager": null, "verl": "0.9.1"}\n', "", "verl 0.9.1 does not find videostr there: install"),
        ("", "Traceback\nModuleNotFoundError: No module named 'ray'\n", "did not start: ModuleNotFound"),
        ("", "", "did not start: ended with code 1"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, out: str, err: str, says: str
) -> None:
    def answer(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command == [sys.executable, "-m", "videostr.integrations.ray_check"]
        return subprocess.CompletedProcess(command, 1, out, err)

    monkeypatch.setattr(subprocess, "run", answer)
    found = doctor._ray_worker()
    assert not found["works"]
    assert found["says"].startswith(says)


def test_a_worker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(command: list[str], *, timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", never)
    assert doctor._ray_worker() == {"works": False, "says": "no answer within 300 s"}
