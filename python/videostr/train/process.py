"""Run one stage of a longer work as a process of its own, its output kept in a log."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from videostr.errors import VideostrError

_LAST_LINES = 30
_GRACE_SECONDS = 30


class StageError(VideostrError, RuntimeError):
    """A stage failed; the message says which, and shows the end of its log."""


def run_stage(
    name: str,
    command: Sequence[str],
    log: Path,
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run `command` to its end, writing what it says to `log`.

    Args:
        name: Of the stage, for the message of a failure.
        seconds: When it is given up: interrupted first, so that Ray can take its processes down, then killed.
        environment: Added to this process's own.
        on_line: Called with each line as it comes.

    Raises:
        StageError: It failed, or took longer than `seconds`.
        SystemExit: SIGTERM came; the stage was ended first.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with (
        _ended_by_sigterm(),
        log.open("w", encoding="utf-8", buffering=1) as out,
        subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process,
    ):
        late = threading.Event()
        timer = threading.Timer(seconds, _give_up, (process, late))
        timer.daemon = True
        timer.start()
        try:
            for line in process.stdout or ():
                out.write(line)
                last.append(line)
                if on_line:
                    on_line(line)
            code = process.wait()
        except BaseException:
            _stop(process)
            raise
        finally:
            timer.cancel()
    if late.is_set():
        raise StageError(f"{name} took over {seconds:.0f} s and was stopped; its log is {log}")
    if code:
        raise StageError(f"{name} ended with exit status {code}; the end of {log}:\n{''.join(last)}")


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends this process as an interrupt does, by way of what has to be cleared up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _give_up(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """End the process and its session; Ray's own processes end with their driver."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
