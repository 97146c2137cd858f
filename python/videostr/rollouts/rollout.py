"""One rollout, and the runs of a chunk that form groups."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from videostr.scoring import Reference

#: Stands for the data source of a line that names none.
NO_SOURCE = "-"


@dataclasses.dataclass(frozen=True)
class Rollout:
    """One reply with what it is held against.

    Attributes:
        row: Number of its line in its file, from 0; through all files where there are several.
        tokens: Its length, None where it is not known.
        group: Names the replies to one prompt, None where it is not known.
        path, line: Its file, and the number of its line there, from 1.
        end: Where its line ends, in bytes, counted as `row` is.
        crc32: Of its line.
        fields: Other fields of the line, as they were written.
    """

    row: int
    text: str
    reference: Reference
    tokens: float | None = None
    group: str | int | None = None
    path: Path = Path("-")
    line: int = 0
    end: int = 0
    crc32: int = 0
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where a person finds it, e.g. ``12.jsonl:7``."""
        return f"{self.path.name}:{self.line}"

    @property
    def data_source(self) -> str:
        """What its line says, ``-`` where it says nothing."""
        return str(self.fields.get("data_source") or NO_SOURCE)


def groups(rollouts: Sequence[Rollout]) -> Iterator[range]:
    """Positions of adjacent rollouts of one group and file; a rollout without a group is alone."""

    def key(position: int) -> tuple[Any, ...]:
        rollout = rollouts[position]
        return (position,) if rollout.group is None else (rollout.path, rollout.group)

    for _, run in itertools.groupby(range(len(rollouts)), key):
        first, *rest = run
        yield range(first, first + 1 + len(rest))
