"""Rollouts of all lines of a source, malformed ones named and skipped; and their scores."""

from __future__ import annotations

import dataclasses
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from videostr import _json
from videostr.cli._common import FOUND, OK, CommandError
from videostr.cli._progress import Progress
from videostr.cli._rollouts import LineError, kind_of, read_rollout
from videostr.cli._sources import Source
from videostr.report import BatchReport
from videostr.rollouts.rollout import Rollout
from videostr.scoring import Scorer

#: verl names a rollout ``{sample}_{rollout}_{output}`` (verl/trainer/ppo/v1/trainer_base.py:1316).
_UID = re.compile(r"(.+)_\d+_\d+")

Check = Callable[[Rollout], Rollout]


class Reader:
    """Rollouts of a source from a row on; malformed lines are named and counted, or end the command.

    Args:
        check: Looks at a rollout and may return another in its place.
    """

    def __init__(
        self, source: Source, scorer: Scorer, progress: Progress, *, strict: bool, check: Check | None = None
    ) -> None:
        self.skipped = 0
        self._source = source
        self._scorer = scorer
        self._progress = progress
        self._strict = strict
        self._check = check

    def __call__(self, done: tuple[int, int] | None = None) -> Iterator[Rollout]:
        """All rollouts, or those after the row with this number and checksum."""
        first = done[0] if done else 0
        checked = done is None
        for line in self._source.lines(first):
            if done and not checked:
                if (line.row, zlib.crc32(line.raw)) != done:
                    break
                checked = True
                continue
            try:
                rollout = read_rollout(
                    line.path, line.row, line.end, line.raw, self._scorer, number=line.number
                )
                yield self._check(rollout) if self._check else rollout
            except LineError as error:
                self._skip(error)
        if not checked:
            raise CommandError(
                f"{self._source.path} is not the file that --out was begun with: its line {first + 1} is "
                "another; name another --out, or give --overwrite"
            )

    def _skip(self, error: LineError) -> None:
        if self._strict:
            raise CommandError(str(error), FOUND) from None
        self.skipped += 1
        self._progress.clear()
        print(f"skipped {error}", file=sys.stderr)


def code_of(rows: int, path: Path) -> int:
    """The exit code of a command that read `rows` rollouts: without one it says so, and that is 1."""
    if rows:
        return OK
    print(f"videostr: {path}: there is no rollout in it", file=sys.stderr)
    return FOUND


def score_chunk(scorer: Scorer, chunk: list[Rollout]) -> BatchReport:
    """The scores of whole groups."""
    return scorer.score_batch(
        [rollout.text for rollout in chunk],
        [rollout.reference for rollout in chunk],
        tokens=[rollout.tokens for rollout in chunk],
        group_ids=[None if rollout.group is None else (rollout.path, rollout.group) for rollout in chunk],
    )


def check_fields(rollout: Rollout) -> Rollout:
    """The rollout, its other fields checked, its group taken from verl's uid where it names none itself.

    Raises:
        LineError: Naming the field.
    """

    def wrong(field: str, message: str) -> LineError:
        return LineError(rollout.path, rollout.line, field, message)

    fields = rollout.fields
    for name in ("data_source", "uid", "fingerprint"):
        if not isinstance(fields.get(name, ""), str):
            raise wrong(name, f"is {kind_of(fields[name])}, expected a string")
        if not _json.is_unicode(fields.get(name, "")):
            raise wrong(name, _json.LONE_SURROGATE)
    components: Any = fields.get("components", {})
    if not isinstance(components, dict):
        raise wrong("components", f"is {kind_of(components)}, expected an object")
    for name, value in components.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise wrong(f"components.{name}", f"is {kind_of(value)}, expected a number or null")
        if isinstance(value, int) and abs(value) > 2**53:
            raise wrong(f"components.{name}", "is a whole number that no score reaches")
    uid = _UID.fullmatch(fields.get("uid", ""))
    return dataclasses.replace(rollout, group=uid[1]) if uid and rollout.group is None else rollout
