"""References and rows one by one, each sound or with what is wrong in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videostr import _json
from videostr.cli._rollouts import lines
from videostr.errors import GroundTruthError, SpecError
from videostr.scoring import Scorer


@dataclasses.dataclass(frozen=True)
class Checked:
    """One row.

    Attributes:
        row: Its number, from 0.
        end: Where it ends in the file, in bytes (of parquet an estimate).
        kind: Of its answer, ``none`` without one.
        problem, field: What is wrong and where; None when it is sound.
    """

    row: int
    end: int
    kind: str
    problem: str | None = None
    field: str = ""


def check_jsonl(path: Path, scorer: Scorer) -> Iterator[Checked]:
    """The references of a JSONL file: bare, or under ``ground_truth`` or ``gts``."""
    for row, end, raw in lines(path):
        try:
            line = _json.loads(raw)
        except _json.NotJsonError as error:
            yield Checked(row, end, "none", error.message, error.field)
            continue
        except (ValueError, RecursionError) as error:
            yield Checked(row, end, "none", f"is not JSON: {error}")
            continue
        field = next(
            (name for name in ("ground_truth", "gts") if isinstance(line, dict) and name in line), ""
        )
        yield _check(scorer, line[field] if field else line, row, end, field)


def check_parquet(path: Path, scorer: Scorer, *, decode: bool = False) -> Iterator[Checked]:
    """The rows of a parquet file: their columns, their media, and their references.

    Relative paths of media start at the folder of the file.

    decode: Decode the media, beyond opening them.
    """
    from videostr.data.media_check import MediaCheck
    from videostr.data.rows import RowError, count_rows, read_rows, validate_row

    media = MediaCheck(decode=decode)
    total = max(count_rows(path), 1)
    size = path.stat().st_size
    for row, columns in enumerate(read_rows(path)):
        end = size * (row + 1) // total
        try:
            validate_row(columns, path.name)
            media.check(columns, path.name, path.resolve().parent)
        except RowError as error:
            yield Checked(row, end, "none", error.message, error.field)
            continue
        yield _check(scorer, columns["reward_model"]["ground_truth"], row, end, "reward_model.ground_truth")


def _check(scorer: Scorer, truth: Any, row: int, end: int, field: str) -> Checked:
    try:
        reference = scorer.prepare(truth)
    except (GroundTruthError, SpecError) as error:
        where = ".".join(part for part in (field, error.field) if part)
        return Checked(row, end, "none", error.message, where)
    return Checked(row, end, str((reference.ground_truth.get("answer") or {}).get("kind", "none")))
