"""Looks at the rows of a recipe before verl starts: references, media, lengths of prompts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videostr.cli._progress import Progress
from videostr.data.media_check import MediaCheck
from videostr.data.row_check import RowError
from videostr.data.rows import count_rows, read_rows
from videostr.errors import GroundTruthError
from videostr.train.prompt_length import PromptCounter
from videostr.train.refusal import LaunchError

#: How long media are opened and prompts counted; rows beyond that are only checked for their references.
SECONDS = 120.0
_SHOWN = 3


def check_rows(
    files: Sequence[str],
    *,
    scorer: Any = None,
    counter: PromptCounter | None = None,
    max_prompt_length: int = 0,
    seconds: float = SECONDS,
    root: str | None = "",
) -> list[str]:
    """Refuses what cannot be trained on, and tells what will fail in the run.

    Args:
        files: Parquet files.
        scorer: Prepares the references; None leaves them.
        counter: Counts prompts; None leaves their length.
        max_prompt_length: Tokens.
        seconds: Time for media and prompts together.
        root: Where relative paths of media start; None: the folder of each parquet file.

    Returns:
        Warnings.

    Raises:
        LaunchError: A file is not there or no parquet; a medium of a row cannot be read; every prompt
            is too long.
        GroundTruthError: A reference is not valid.
    """
    check = _Check(scorer, counter, max_prompt_length, time.monotonic() + seconds, root)
    for name in files:
        file = Path(name)
        if file.suffix != ".parquet":
            raise LaunchError(f"{file}: training rows are parquet files")
        if not file.is_file():
            raise LaunchError(f"{file}: there is no such file")
        check.file(file)
    return check.warnings()


class _Check:
    def __init__(
        self,
        scorer: Any,
        counter: PromptCounter | None,
        max_prompt_length: int,
        deadline: float,
        root: str | None,
    ) -> None:
        self._scorer = scorer
        self._counter = counter
        self._limit = max_prompt_length
        self._deadline = deadline
        self._root = root
        self._media = MediaCheck()
        self._rows = self._looked = self._counted = self._over = self._unread = 0
        self._over_shown: list[str] = []
        self._unread_shown: list[str] = []

    def file(self, file: Path) -> None:
        with Progress(count_rows(file), file.name) as progress:
            for number, row in enumerate(read_rows(file)):
                self._rows += 1
                progress.update(number, f"{number} rows")
                self._reference(row, file, number)
                if time.monotonic() < self._deadline:
                    self._looked += 1
                    self._look(
                        row, f"{file}: row {number}", file.parent if self._root is None else self._root
                    )
        if self._unread:
            more = f" and {self._unread - len(self._unread_shown)} more" if self._unread > _SHOWN else ""
            raise LaunchError(
                f"{'; '.join(self._unread_shown)}{more}. Each would take its prompt out of every step that draws "
                f"it: repair the files, or write the parquet without these rows (`videostr data check {file}` "
                f"names all of them)"
            )

    def _reference(self, row: dict[str, Any], file: Path, number: int) -> None:
        if self._scorer is None:
            return
        try:
            truth = row["reward_model"]["ground_truth"]
        except (KeyError, TypeError):
            raise LaunchError(f"{file}: row {number}: there is no reward_model.ground_truth") from None
        try:
            self._scorer.prepare(truth)
        except GroundTruthError as error:
            field = f"reward_model.ground_truth.{error.field}" if error.field else "reward_model.ground_truth"
            raise GroundTruthError(f"{error.message} ({file})", field, number) from error

    def _look(self, row: dict[str, Any], where: str, root: str | Path) -> None:
        try:
            headers = self._media.check(row, where, root)
            if self._counter is None or not isinstance(row.get("prompt"), list):
                return
            tokens = self._counter.count(row, headers)
        except RowError as error:
            self._bad(str(error))
            return
        except (ValueError, AssertionError) as error:  # what qwen_vl_utils raises on frame counts and sizes
            self._bad(f"{where}: videos: {error}")
            return
        self._counted += 1
        if tokens > self._limit:
            self._over += 1
            if len(self._over_shown) < _SHOWN:
                self._over_shown.append(f"{where} ({tokens} tokens)")

    def _bad(self, words: str) -> None:
        self._unread += 1
        if len(self._unread_shown) < _SHOWN:
            self._unread_shown.append(words)

    def warnings(self) -> list[str]:
        said = []
        if self._over:
            words = (
                f"{self._over} of {self._counted} prompts are longer than data.max_prompt_length={self._limit}, "
                f"first {', '.join(self._over_shown)}: raise it (and rollout.max_model_len), or give the clips "
                f"fewer frames or pixels"
            )
            if self._over == self._counted:
                raise LaunchError(words)
            said.append(f"{words}. verl leaves each of them out of the step that draws it")
        if self._looked < self._rows:
            said.append(
                f"only the first {self._looked} of {self._rows} rows were checked for media and length, to start "
                f"in time: `videostr data check FILE` checks the media of all"
            )
        return said
