"""Rollout lines: ours (`text`, `ground_truth`, `tokens`, `group`) and those that verl dumps (`output`,
`gts`).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from videostr import _json
from videostr.errors import GroundTruthError, SpecError
from videostr.rollouts.rollout import Rollout
from videostr.scoring import Scorer

#: Rows, and bytes of their lines, after which a chunk ends with the group that it is in.
CHUNK_ROWS = 2048
CHUNK_BYTES = 8 * 2**20
#: A longer run of one group is cut.
GROUP_ROWS = 4096
#: Fields beside those of a rollout that our trainer and verl write and that a command may look at.
OTHER_FIELDS = ("data_source", "uid", "components", "fingerprint")


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


def read_rollout(
    path: Path, row: int, end: int, raw: bytes, scorer: Scorer, *, number: int | None = None
) -> Rollout:
    """The rollout that a line holds; `number` is its line in the file where that is not row + 1.

    Raises:
        LineError: Naming the file, the line and the field.
    """

    number = row + 1 if number is None else number

    def wrong(field: str, message: str) -> LineError:
        return LineError(path, number, field, message)

    try:
        line = _json.loads(raw)
    except _json.NotJsonError as error:
        raise wrong(error.field, error.message) from None
    except (ValueError, RecursionError) as error:
        raise wrong("", f"is not JSON: {error}") from None
    if not isinstance(line, dict):
        raise wrong("", f"is {kind_of(line)}, expected an object with text and ground_truth")
    text_field = "output" if "text" not in line and "output" in line else "text"
    truth_field = "gts" if "ground_truth" not in line and "gts" in line else "ground_truth"
    for field in (text_field, truth_field):
        if field not in line:
            raise wrong(field, "is missing")
    text, truth = line[text_field], line[truth_field]
    if not isinstance(text, str):
        raise wrong(text_field, f"is {kind_of(text)}, expected a string")
    if not isinstance(truth, (str, dict)):
        raise wrong(truth_field, f"is {kind_of(truth)}, expected an object or a string that holds one")
    try:
        reference = scorer.prepare(truth)
    except (GroundTruthError, SpecError) as error:
        field = f"{truth_field}.{error.field}" if error.field else truth_field
        raise wrong(field, error.message) from None
    group = line.get("group")
    if isinstance(group, bool) or not (group is None or isinstance(group, (str, int))):
        raise wrong("group", f"is {kind_of(group)}, expected a string or a whole number")
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
        path=path,
        line=number,
        fields={name: line[name] for name in OTHER_FIELDS if line.get(name) is not None},
    )


def _tokens(value: Any, wrong: Callable[[str], LineError]) -> float | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(f"is {kind_of(value)}, expected a count")
    if not 0 <= value < 2**53:
        raise wrong(f"is {value}, expected a count")
    return float(value)


def kind_of(value: Any) -> str:
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
        same = bool(chunk) and _one_group(chunk[-1], rollout)
        run = run + 1 if same else 1
        full = len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES
        if chunk and ((full and not same) or run > GROUP_ROWS):
            yield chunk
            chunk, size, run = [], 0, 1
        chunk.append(rollout)
        size += len(rollout.text)
    if chunk:
        yield chunk


def _one_group(a: Rollout, b: Rollout) -> bool:
    return a.group is not None and (a.path, a.group) == (b.path, b.group)
