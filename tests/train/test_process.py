"""Stages as processes: their log, their failures, their time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from videostr.train.process import StageError, run_stage


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_its_output_is_logged_and_shown(tmp_path: Path) -> None:
    log, lines = tmp_path / "log", []
    code = "import os, sys; print(os.environ['WORD']); print('b', file=sys.stderr)"
    run_stage("it", _python(code), log, seconds=60, environment={"WORD": "a"}, on_line=lines.append)
    assert log.read_text() == "a\nb\n"
    assert lines == ["a\n", "b\n"]


def test_a_failure_names_the_stage_and_shows_the_end_of_the_log(tmp_path: Path) -> None:
    code = "import sys; print('\\n'.join(map(str, range(100)))); sys.exit(3)"
    with pytest.raises(StageError, match=r"(?s)the export ended with exit status 3; .*log:\n70\n.*99"):
        run_stage("the export", _python(code), tmp_path / "log", seconds=60)


def test_a_stage_that_hangs_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    code = "import os, subprocess; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    start = time.monotonic()
    with pytest.raises(StageError, match="GRPO took over 4 s and was stopped"):
        run_stage("GRPO", _python(code), tmp_path / "log", seconds=4)
    assert time.monotonic() - start < 90
    child = int((tmp_path / "log").read_text().split()[0])
    assert _ends(child)


def test_sigterm_ends_the_stage_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    inner = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    code = (
        "import sys; from pathlib import Path; from videostr.train.process import run_stage\n"
        f"run_stage('it', [sys.executable, '-c', {inner!r}], Path({str(log)!r}), seconds=600,"
        " on_line=lambda line: print(line, end='', flush=True))"
    )
    outer = subprocess.Popen(_python(code), stdout=subprocess.PIPE, text=True)
    assert outer.stdout is not None
    stage = int(outer.stdout.readline())
    outer.terminate()
    assert outer.wait(60) == 143
    outer.stdout.close()
    assert _ends(stage)


def _ends(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
