"""Prompts that verl could not roll out: what each failure is called, which row it came from, and how it is
told. Imports neither verl nor Ray; :mod:`.verl_failures` catches the failures inside verl.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from videostr.errors import VideostrError

#: Reason -> what to do about it, for the log.
REASONS: Mapping[str, str] = {
    "over_length": "raise data.max_prompt_length (and rollout.max_model_len), or give the clip fewer frames or "
    "pixels in its row",
    "unreadable_media": "`videostr data check FILE --decode` names every such row; repair the file or leave the "
    "row out",
    "reward_failed": "the traceback stands above in the log, under RewardLoopWorker",
    "other": "the traceback stands above in the log, under AgentLoopWorker",
}
_TOO_LONG = ("rollout.prompt_length", "maximum model length", "max_model_len", "maximum context length")
_MEDIA_FUNCTIONS = ("process_multi_modal_info", "process_vision_info")
_MEDIA_TYPES = ("video", "image")
_MARK = "videostr_reason"
_MESSAGE_LENGTH = 400

_log = logging.getLogger(__name__)


class PromptsFailedError(VideostrError, RuntimeError):
    """No prompt of a step got a reply, so there is nothing to train on; the message says why."""


def mark(error: BaseException, reason: str) -> None:
    """Says what an exception is, where the place of its raising does not tell."""
    setattr(error, _MARK, reason)


def reason_of(error: BaseException) -> str:
    """Which of :data:`REASONS` an exception of a rollout is.

    Example:
        >>> from videostr.integrations.prompt_failures import reason_of
        >>> reason_of(ValueError("produced 300 tokens, exceeding rollout.prompt_length=256"))
        'over_length'
    """
    given = getattr(error, _MARK, None)
    if given in REASONS:
        return str(given)
    if any(words in str(error) for words in _TOO_LONG):
        return "over_length"
    if any(name in _MEDIA_FUNCTIONS for name in _functions(error.__traceback__)):
        return "unreadable_media"
    return "other"


def _functions(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_name
        traceback = traceback.tb_next


def record_of(error: BaseException, prompt: Mapping[str, Any], *, uid: str, validate: bool) -> dict[str, Any]:
    """A failed rollout as plain values: reason, message, and what names its row.

    Args:
        error: What the rollout raised.
        prompt: verl's fields of the prompt, the row's columns among them.
        uid: verl's name of the prompt, the same for all replies to it.
        validate: Whether it is a validation prompt.
    """
    message = " ".join(str(error).split()) or type(error).__name__
    return {
        "uid": uid,
        "validate": validate,
        "reason": reason_of(error),
        "message": f"{type(error).__name__}: {message}"[:_MESSAGE_LENGTH],
        "data_source": str(prompt.get("data_source", "")),
        "index": _number(prompt.get("index")),
        "media": list(_media(prompt.get("raw_prompt"))),
    }


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1


def _media(messages: Any) -> Iterator[str]:
    for message in messages if isinstance(messages, list | tuple) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, Mapping) and part.get("type") in _MEDIA_TYPES:
                medium = part.get(part["type"])
                if isinstance(medium, str):
                    yield medium


class Rows:
    """Finds the row of a parquet file behind a failed prompt, by data_source and extra_info.index.

    Args:
        files: The recipe's ``data.train_files`` or ``data.val_files``. What cannot be read is passed over:
            this only makes a message better.
    """

    def __init__(self, files: str | Sequence[str]) -> None:
        self._files = [files] if isinstance(files, str) else list(files)

    def find(self, data_source: str, index: int) -> str:
        """``FILE: row N``, or the index alone where no row, or more than one, has it."""
        places = self._places.get((data_source, index), [])
        return places[0] if len(places) == 1 else f"the row with extra_info.index {index}"

    @functools.cached_property
    def _places(self) -> dict[tuple[str, int], list[str]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        places: dict[tuple[str, int], list[str]] = {}
        for file in self._files:
            try:
                with pq.ParquetFile(Path(file)) as opened:  # read_table would flatten the struct
                    rows = opened.read(columns=["data_source", "extra_info.index"]).to_pylist()
            except (pa.ArrowException, OSError, ValueError) as error:
                _log.warning("videostr: cannot look up rows of %s: %s", file, error)
                continue
            for number, row in enumerate(rows):
                key = (str(row.get("data_source")), _number((row.get("extra_info") or {}).get("index")))
                places.setdefault(key, []).append(f"{file}: row {number}")
        return places


class FailureCount:
    """Counts and tells the failures of each step.

    Args:
        train_files, val_files: The recipe's, to name rows.
    """

    def __init__(self, train_files: str | Sequence[str], val_files: str | Sequence[str]) -> None:
        self._rows = {False: Rows(train_files), True: Rows(val_files)}

    def metrics(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """The same keys each step; a prompt counts as failed when any of its replies is missing.

        Example:
            >>> from videostr.integrations.prompt_failures import FailureCount
            >>> counted = FailureCount([], []).metrics([])
            >>> counted["videostr/prompts_failed"], counted["videostr/prompts_failed/over_length"]
            (0.0, 0.0)
        """
        train = [record for record in records if not record["validate"]]
        val = [record for record in records if record["validate"]]
        by_reason = {
            f"videostr/prompts_failed/{reason}": _prompts(one for one in train if one["reason"] == reason)
            for reason in REASONS
        }
        return {
            "videostr/prompts_failed": _prompts(train),
            **by_reason,
            "videostr/replies_failed": float(len(train)),
            "videostr/val_prompts_failed": _prompts(val),
        }

    def lines(self, records: Sequence[Mapping[str, Any]], step: int) -> list[str]:
        """One line a kind of failure, each with one row by file, number and media."""
        lines = []
        for validate in (False, True):
            for reason, advice in REASONS.items():
                ours = [one for one in records if one["validate"] == validate and one["reason"] == reason]
                if ours:
                    what = "validation prompts" if validate else "prompts"
                    lines.append(
                        f"step {step}: {what} without all their replies: {_prompts(ours):.0f} "
                        f"({len(ours)} replies), {reason}, e.g. {self._row(ours[0])}: {ours[0]['message']}. "
                        f"To do: {advice}"
                    )
        return lines

    def _row(self, record: Mapping[str, Any]) -> str:
        row = self._rows[bool(record["validate"])].find(record["data_source"], record["index"])
        media = cast(Sequence[str], record["media"])
        return f"{row} ({', '.join([record['data_source'], *media])})"


def _prompts(records: Any) -> float:
    return float(len({record["uid"] for record in records}))
