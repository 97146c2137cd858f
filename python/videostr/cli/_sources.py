"""The files behind FILE: one, or a folder of a run's shards."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from videostr.cli._common import CommandError
from videostr.spec import PRESETS

#: What our trainer writes beside its rollouts.
SPEC_FILE = "spec.json"
FILE_HELP = "rollouts, one JSON object a line; or a folder of such files, as <step>.jsonl of a run"


#: What files begin with that are often given in place of JSON lines, and what to do about it.
_OTHERS = {
    b"\x1f\x8b": "is compressed with gzip: unpack it first (gunzip)",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd: unpack it first (unzstd)",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"PAR1": "is parquet: rollouts are JSON lines",
}


@dataclasses.dataclass(frozen=True)
class Line:
    """One line that is not blank.

    Attributes:
        row: Its number through all files, from 0.
        end: Where it ends, in bytes through all files.
        number: In its file, from 1.
    """

    path: Path
    number: int
    row: int
    end: int
    raw: bytes


class Source:
    """Rollout files in natural order (2.jsonl before 10.jsonl).

    Raises:
        CommandError: A folder without a .jsonl file; a file of another kind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.is_dir()
        self.files = sorted(path.glob("*.jsonl"), key=_natural) if self.is_folder else [path]
        if not self.files:
            raise CommandError(f"{path}: there is no .jsonl file in this folder")
        for file in self.files:
            _refuse_others(file)
        self.size = sum(file.stat().st_size for file in self.files)

    def lines(self, first_row: int = 0) -> Iterator[Line]:
        """The lines that are not blank, from `first_row` on."""
        row = end = 0
        for path in self.files:
            with path.open("rb") as file:
                for number, raw in enumerate(file, start=1):
                    end += len(raw)
                    if row >= first_row and not raw.isspace():
                        yield Line(path, number, row, end, raw.rstrip(b"\r\n"))
                    row += 1

    def recorded_spec(self) -> str:
        """The spec that a run left beside its files, else the default preset."""
        beside = (self.path if self.is_folder else self.path.parent) / SPEC_FILE
        return str(beside) if beside.is_file() else PRESETS[0]

    def holds(self, path: Path) -> bool:
        """Whether `path` is one of the files, or would be one of them."""
        own = {file.resolve() for file in self.files}
        return path.resolve() in own or (
            self.is_folder and path.suffix == ".jsonl" and path.resolve().parent == self.path.resolve()
        )


def _refuse_others(path: Path) -> None:
    if not path.is_file():  # a pipe can be read once
        return
    with path.open("rb") as file:
        start = file.read(4)
    for mark, words in _OTHERS.items():
        if start.startswith(mark):
            raise CommandError(f"{path}: {words}")


def _natural(path: Path) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", path.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
