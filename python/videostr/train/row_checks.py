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
from videostr.prompts import PromptError, render_reply
from videostr.train.prompt_check import PromptCheck
from videostr.train.prompt_length import PromptCounter
from videostr.train.refusal import LaunchError
from videostr.train.targets import form_of

#: How long media are opened and prompts counted; rows beyond that are only checked for their references.
SECONDS = 120.0
_SHOWN = 3


def check_rows(
    files: Sequence[str],
    *,
    scorer: Any = None,
    counter: PromptCounter | None = None,
    prompts: PromptCheck | None = None,
    max_prompt_length: int = 0,
    max_response_length: int = 0,
    seconds: float = SECONDS,
    root: str | None = "",
) -> list[str]:
    """Refuses what cannot be trained on, and tells what will fail in the run.

    Args:
        files: Parquet files.
        scorer: Prepares the references; None leaves them.
        counter: Counts prompts; None leaves their length.
        prompts: Compares prompts with the reward's spec; None leaves that.
        max_prompt_length: Tokens.
        max_response_length: Tokens; 0 leaves whether the references fit.
        seconds: Time for media and prompts together.
        root: Where relative paths of media start; None: the folder of each parquet file.

    Returns:
        Warnings.

    Raises:
        LaunchError: A file is not there or no parquet; a medium of a row cannot be read; every prompt
            is too long; no reference fits into a reply; prompts do not ask for what the spec pays for.
        GroundTruthError: A reference is not valid.
    """
    check = _Check(
        scorer=scorer,
        counter=counter,
        prompts=prompts,
        max_prompt_length=max_prompt_length,
        max_response_length=max_response_length,
        deadline=time.monotonic() + seconds,
        root=root,
    )
    for name in files:
        file = Path(name)
        if file.suffix != ".parquet":
            raise LaunchError(f"{file}: training rows are parquet files")
        if not file.is_file():
            raise LaunchError(f"{file}: there is no such file")
        check.file(file)
    if prompts is not None:
        prompts.refuse()
    return check.warnings()


class _Check:
    def __init__(
        self,
        *,
        scorer: Any,
        counter: PromptCounter | None,
        prompts: PromptCheck | None,
        max_prompt_length: int,
        max_response_length: int,
        deadline: float,
        root: str | None,
    ) -> None:
        self._scorer = scorer
        self._counter = counter
        self._prompts = prompts
        self._limit = max_prompt_length
        self._room = max_response_length
        self._deadline = deadline
        self._root = root
        self._media = MediaCheck()
        self._rows = self._looked = self._counted = self._over = self._unread = 0
        self._over_shown: list[str] = []
        self._rendered = self._cramped = 0
        self._cramped_shown: list[str] = []
        self._unread_shown: list[str] = []

    def file(self, file: Path) -> None:
        with Progress(count_rows(file), file.name) as progress:
            for number, row in enumerate(read_rows(file)):
                self._rows += 1
                progress.update(number, f"{number} rows")
                self._reference(row, file, number)
                if self._prompts is not None:
                    self._prompts.look(row, f"{file}: row {number}")
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
        if self._room and self._prompts is not None:
            self._reply(row, where)
        self._counted += 1
        if tokens > self._limit:
            self._over += 1
            if len(self._over_shown) < _SHOWN:
                self._over_shown.append(f"{where} ({tokens} tokens)")

    def _reply(self, row: dict[str, Any], where: str) -> None:
        """Whether the shortest reply that says what the reference says fits: without a thought, one decimal."""
        if self._counter is None:
            return
        try:
            text = render_reply(row["reward_model"]["ground_truth"], form=form_of(row), decimals=1)
        except (PromptError, KeyError, TypeError):  # of a kind that has no rendering
            return
        self._rendered += 1
        tokens = self._counter.text_tokens(text) + 1  # and the end of the turn
        if tokens > self._room:
            self._cramped += 1
            if len(self._cramped_shown) < _SHOWN:
                self._cramped_shown.append(f"{where} ({tokens} tokens)")

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
        if self._cramped:
            words = (
                f"{self._cramped} of {self._rendered} references are longer than data.max_response_length={self._room} "
                f"when they are written as a reply, without any thought, first {', '.join(self._cramped_shown)}: "
                f"raise it (and rollout.max_model_len), or take fewer frames or objects into the references"
            )
            if self._cramped == self._rendered and not (self._prompts and self._prompts.is_off("length")):
                raise LaunchError(f"{words}. Where it is meant, say why: prompt_check.length='...'")
            said.append(words)
        if self._looked < self._rows:
            said.append(
                f"only the first {self._looked} of {self._rows} rows were checked for media and length, to start "
                f"in time: `videostr data check FILE` checks the media of all"
            )
        return said
