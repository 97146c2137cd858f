"""The lines of a prediction: whole rows in order, gone on with after a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

from videostr._lock import lock
from videostr.predict.settings import PredictError

if TYPE_CHECKING:
    from typing_extensions import Self

_AGAIN = "name another --out, or give --overwrite"
#: Of a run's record: what it says of places, which may change.
_PLACES = ("model", "rows")
_WORDS = {"model_digest": "another model", "rows_crc32": "other rows"}


@dataclass(frozen=True)
class Reply:
    """What a model wrote.

    Attributes:
        text: Decoded, without special tokens.
        tokens: How many it has, the end token too.
        finish: ``stop``, or ``length`` where it was cut.
    """

    text: str
    tokens: int
    finish: str


def record_path(out: Path) -> Path:
    """Where the record of a prediction lies: what it was made with.

    >>> record_path(Path("a/replies.jsonl")).as_posix()
    'a/replies.run.json'
    """
    return out.with_suffix(".run.json")


class Predictions:
    """A JSONL file of replies and its record, for one process at a time.

    A run that was killed is continued: a torn last line goes, and so do the lines of a row whose replies are not all
    there.

    Args:
        path: Ends in ``.jsonl``.
        record: What the replies are made with; an output that was made with anything else is refused.
        samples: Lines of a row.
        overwrite: Start anew.

    Attributes:
        next_row: The first row that is to be asked.
        rows: Rows that are in the file.

    Raises:
        PredictError: The output is of another run, no output of a prediction, or being written by another process.
    """

    def __init__(
        self, path: Path, record: Mapping[str, Any], samples: int, *, overwrite: bool = False
    ) -> None:
        if path.suffix != ".jsonl":
            raise PredictError(f"{path}: expected a name that ends in .jsonl")
        self.next_row = self.rows = 0
        self._path, self._record, self._samples = path, dict(record), samples
        self._file: BinaryIO = path.open("r+b" if path.exists() else "w+b")
        if not lock(self._file):
            self._file.close()
            raise PredictError(f"{path} is being written by another process")
        try:
            self._keep = 0 if overwrite else self._read_back()
        except BaseException:
            self._file.close()
            raise
        self._begun = False

    def write(self, row: int, fields: Mapping[str, Any], replies: Sequence[Reply]) -> None:
        """Adds the replies to a row; :meth:`flush` makes them last."""
        self._begin()
        for sample, reply in enumerate(replies):
            line = {
                "row": row,
                "sample": sample,
                "text": reply.text,
                "tokens": reply.tokens,
                "finish": reply.finish,
                **fields,
            }
            self._file.write(json.dumps(line, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n")
        self.rows += 1

    def flush(self) -> None:
        """What was written stays, whatever happens to this process."""
        self._file.flush()

    def _begin(self) -> None:
        """Drops what is not kept, once there is something to write: an error before that changes nothing."""
        if self._begun:
            return
        self._begun = True
        self._file.truncate(self._keep)
        self._file.seek(self._keep)
        if not self._keep:
            place = record_path(self._path)
            part = place.with_name(place.name + ".part")
            part.write_text(json.dumps(self._record, indent=2) + "\n", encoding="utf-8")
            os.replace(part, place)

    def _read_back(self) -> int:
        """Bytes to keep: those of whole rows."""
        keep = end = 0
        row, count = -1, self._samples
        for number, raw in enumerate(self._file, start=1):
            if not raw.endswith(b"\n"):
                break
            if number == 1:
                self._refuse_another_run()
            line = _read(self._path, number, raw)
            if line["sample"] == 0:
                follows = count == self._samples and line["row"] > row
            else:
                follows = count < self._samples and (line["row"], line["sample"]) == (row, count)
            if not follows:
                raise PredictError(f"{self._path}:{number}: does not follow on the line before it: {_AGAIN}")
            row, count = line["row"], line["sample"] + 1
            end += len(raw)
            if count == self._samples:
                keep, self.next_row = end, row + 1
                self.rows += 1
        return keep

    def _refuse_another_run(self) -> None:
        place = record_path(self._path)
        try:
            before = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise PredictError(
                f"{self._path} has lines, and {place}, which says what they were made with, cannot be read: {_AGAIN}"
            ) from None
        told = [
            _WORDS[name] if name in _WORDS else f"{name} {_short(before.get(name))}, not {_short(value)}"
            for name, value in self._record.items()
            if name not in _PLACES and before.get(name) != value
        ]
        if told:
            raise PredictError(f"{self._path} was begun with {'; '.join(told)}: {_AGAIN}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._begin()
        self._file.close()


def _short(value: Any) -> str:
    return json.dumps(value)[:60]


def _read(path: Path, number: int, raw: bytes) -> dict[str, Any]:
    try:
        line = json.loads(raw)
    except ValueError:
        line = None
    if not isinstance(line, dict) or not all(type(line.get(name)) is int for name in ("row", "sample")):
        raise PredictError(f"{path}:{number}: is not a line of `videostr predict`: {_AGAIN}")
    return line
