"""verl's file logger, going on with the file of an interrupted run.

verl/utils/tracking.py:541 opens its file for writing anew, so that a resumed run would lose the metrics of
all steps before it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

PATH_VARIABLE = "VERL_FILE_LOGGER_PATH"


def append_metrics() -> None:
    """Make verl's file logger of this process append, where the launcher has named its file.

    A step that is made again after a crash has two lines then: the later one counts.
    """
    import verl.utils.tracking as module

    original: type[Any] = module.FileLogger
    if not os.environ.get(PATH_VARIABLE) or getattr(original, "appends", False):
        return

    class AppendingFileLogger(original):  # type: ignore[misc]
        appends = True

        def __init__(self, project_name: str, experiment_name: str) -> None:
            self.project_name = project_name
            self.experiment_name = experiment_name
            self.filepath = os.environ[PATH_VARIABLE]
            cut_torn_line(Path(self.filepath))
            self.fp = open(self.filepath, "ab", buffering=0)  # noqa: SIM115 (closed by verl's own finish)

    module.FileLogger = AppendingFileLogger


def cut_torn_line(path: Path) -> None:
    """Remove what a killed process left behind the last whole line."""
    if path.exists():
        with path.open("r+b") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                file.truncate(whole)
