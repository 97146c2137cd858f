"""Rollout lines: ours (`text`, `ground_truth`, `tokens`, `group`) and those that verl dumps (`output`,
`gts`).
"""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from videostr import _json
from videostr.errors import GroundTruthError, SpecError
from videostr.scoring import Reference, Scorer

#: Rows, and bytes of their lines, after which a chunk ends with the group that it is in.
CHUNK_ROWS = 2048
CHUNK_BYTES = 8 * 2**20
#: A longer run of one group is cut.
GROUP_ROWS = 4096


class LineError(Exception):
    """A line that is no rollout.

    Attributes:
        line: Its number in the file, from 1.
        field: What is wrong in it; empty when the whole line is.
    """

    def __init__(self, path: Path, line: int, field: str, message: str) -> None:
        named = f"{field}: " if field else ""
        super().__init__(f"{path}:{line}: {named}{message}")
        self.line = line
        self.field = field


@dataclasses.dataclass(frozen=True)
class Rollout:
    """One reply with what it is held against.

    Attributes:
        row: Number of its line in the file, from 0.
        end: Where its line ends in the file, in bytes.
        crc32: Of its line.
    """

    row: int
    end: int
    crc32: int
    text: str
    reference: Reference
    tokens: float | None
    group: str | int | None


def read_rollout(path: Path, row: int, end: int, raw: bytes, scorer: Scorer) -> Rollout:
    """The rollout that a line holds.

    Raises:
        LineError: Naming the file, the line and the field.
    """

    def wrong(field: str, message: str) -> LineError:
        return LineError(path, row + 1, field, message)

    try:
        line = _json.loads(raw)
    except _json.NotJsonError as error:
        raise wrong(error.field, error.message) from None
    except (ValueError, RecursionError) as error:
        raise wrong("", f"is not JSON: {error}") from None
    if not isinstance(line, dict):
        raise wrong("", f"is {_kind(line)}, expected an object with text and ground_truth")
    text_field = "output" if "text" not in line and "output" in line else "text"
    truth_field = "gts" if "ground_truth" not in line and "gts" in line else "ground_truth"
    for field in (text_field, truth_field):
        if field not in line:
            raise wrong(field, "is missing")
    text, truth = line[text_field], line[truth_field]
    if not isinstance(text, str):
        raise wrong(text_field, f"is {_kind(text)}, expected a string")
    if not isinstance(truth, (str, dict)):
        raise wrong(truth_field, f"is {_kind(truth)}, expected an object or a string that holds one")
    try:
        reference = scorer.prepare(truth)
    except (GroundTruthError, SpecError) as error:
        field = f"{truth_field}.{error.field}" if error.field else truth_field
        raise wrong(field, error.message) from None
    group = line.get("group")
    if isinstance(group, bool) or not (group is None or isinstance(group, (str, int))):
        raise wrong("group", f"is {_kind(group)}, expected a string or a whole number")
    if isinstance(group, str) and not _json.is_unicode(group):
        raise wrong("group", _json.LONE_SURROGATE)
    return Rollout(
        row=row,
        end=end,
        crc32=zlib.crc32(raw),
        text=text,
        reference=reference,
        tokens=_tokens(line.get("tokens"), lambda message: wrong("tokens", message)),
        group=group,
    )


def _tokens(value: Any, wrong: Callable[[str], LineError]) -> float | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(f"is {_kind(value)}, expected a count")
    if not 0 <= value < 2**53:
        raise wrong(f"is {value}, expected a count")
    return float(value)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def lines(path: Path, first_row: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """(row, end in bytes, line) of each line that is not blank, from `first_row` on."""
    end = 0
    with path.open("rb") as file:
        for row, raw in enumerate(file):
            end += len(raw)
            if row >= first_row and not raw.isspace():
                yield row, end, raw.rstrip(b"\r\n")


def chunks(rollouts: Iterator[Rollout]) -> Iterator[list[Rollout]]:
    """Rollouts in chunks of bounded size, never cutting a run of one group (up to 4,096 rows)."""
    chunk: list[Rollout] = []
    size = 0
    run = 0
    for rollout in rollouts:
        same = bool(chunk) and rollout.group is not None and rollout.group == chunk[-1].group
        run = run + 1 if same else 1
        full = len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES
        if chunk and ((full and not same) or run > GROUP_ROWS):
            yield chunk
            chunk, size, run = [], 0, 1
        chunk.append(rollout)
        size += len(rollout.text)
    if chunk:
        yield chunk
