"""A progress bar on a terminal, for work that takes over a second."""

from __future__ import annotations

import sys
import time
from types import TracebackType

WIDTH = 30
FIRST_AFTER_S = 1.0
EVERY_S = 0.1


class Progress:
    """Draws on standard error, only where that is a terminal.

    Args:
        total: Size of the work, in the unit of `update`.
        label: What is being done.
    """

    def __init__(self, total: int, label: str) -> None:
        self._total = max(total, 1)
        self._label = label
        self._start = time.monotonic()
        self._next = self._start + FIRST_AFTER_S
        self._drawn = False
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def update(self, done: float, note: str = "") -> None:
        """Shows that `done` of the total is done."""
        now = time.monotonic()
        if not self._live or now < self._next:
            return
        self._next = now + EVERY_S
        share = min(done / self._total, 1.0)
        full = round(share * WIDTH)
        left = (now - self._start) * (1 - share) / share if share > 0 else 0.0
        bar = "#" * full + "." * (WIDTH - full)
        sys.stderr.write(f"\r\x1b[K{self._label} [{bar}] {share:4.0%} {left:4.0f} s left {note}")
        sys.stderr.flush()
        self._drawn = True

    def clear(self) -> None:
        """Takes the bar off the terminal, so that a line can be printed."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False
