"""Where scored rows go: JSONL that can be resumed, or parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from videostr._lock import lock
from videostr.cli._common import CommandError
from videostr.cli._rollouts import GROUP_ROWS
from videostr.cli._summary import Summary
from videostr.report import COMPONENTS
from videostr.spec import RewardSpec

if TYPE_CHECKING:
    from typing_extensions import Self

Record = dict[str, Any]
_KEYS = {"row", "crc32", "fingerprint", "group", "components", "graph_status", "answer_status", "repairs"}


class Output(Protocol):
    """A place for scored rows."""

    @property
    def done(self) -> tuple[int, int] | None:
        """Row and checksum of the last row that an earlier, interrupted run left there."""

    def write(self, records: Sequence[Record]) -> None:
        """Adds rows."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class NoOutput:
    """Only the summary is wanted."""

    done = None

    def write(self, records: Sequence[Record]) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class JsonLines:
    """One JSON object a row, in the order of the rows.

    A run that was killed is continued: a torn last line goes, and so do the rows of the last group, which
    may not have been written whole; what stays is added to `summary`, and `done` is its last row. A second
    process that writes to the same file at the same time is refused.
    """

    done: tuple[int, int] | None

    def __init__(self, path: Path, spec: RewardSpec, summary: Summary, *, overwrite: bool) -> None:
        self.done = None
        self._file: BinaryIO = path.open("r+b" if path.exists() else "w+b")
        if not lock(self._file):
            self._file.close()
            raise CommandError(f"{path} is being written by another process")
        try:
            self._keep = 0 if overwrite else self._read_back(path, spec, summary)
        except BaseException:
            self._file.close()
            raise
        self._begun = False

    def _read_back(self, path: Path, spec: RewardSpec, summary: Summary) -> int:
        """Bytes to keep: the whole lines, without the last group's."""
        keep = end = 0
        run: list[Record] = []
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                break
            record = _read_record(path, number, line)
            if record["fingerprint"] != spec.fingerprint:
                raise CommandError(
                    f"{path}:{number}: has spec {record['fingerprint']}, not {spec.fingerprint}: "
                    "name another --out, or give --overwrite"
                )
            if run and (
                record["group"] is None or _group(record) != _group(run[0]) or len(run) == GROUP_ROWS
            ):
                keep = self._settle(run, end, summary)
            run.append(record)
            end += len(line)
            if record["group"] is None:
                keep = self._settle(run, end, summary)
        return keep

    def _settle(self, run: list[Record], end: int, summary: Summary) -> int:
        for record in run:
            summary.add(record)
        self.done = (run[-1]["row"], run[-1]["crc32"])
        run.clear()
        return end

    def _begin(self) -> None:
        """Drops what is not kept, once there is something to write: an error before that changes nothing."""
        if not self._begun:
            self._begun = True
            self._file.truncate(self._keep)
            self._file.seek(self._keep)

    def write(self, records: Sequence[Record]) -> None:
        lines = (json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n" for record in records)
        self._begin()
        self._file.write("".join(lines).encode("ascii"))
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._begin()
        self._file.close()


def _group(record: Record) -> tuple[Any, ...]:
    return record.get("file"), record["group"]


def _read_record(path: Path, number: int, line: bytes) -> Record:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not record.keys() >= _KEYS:
        raise CommandError(
            f"{path}:{number}: is not a line of `videostr score`: name another --out, or give --overwrite"
        )
    return record


class Parquet:
    """One parquet row a row; the file appears under its name when it is whole."""

    done = None

    def __init__(self, path: Path, spec: RewardSpec) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise CommandError(f"{path}: parquet needs pyarrow: pip install 'videostr[data]'") from None
        self._pa = pa
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        columns = [
            ("row", pa.int64()),
            ("file", pa.string()),
            ("group", pa.string()),
            ("tokens", pa.float64()),
        ]
        columns += [(name, pa.float64()) for name in COMPONENTS]
        columns += [("graph_status", pa.string()), ("answer_status", pa.string())]
        columns += [("repairs", pa.list_(pa.string())), ("fingerprint", pa.string())]
        self._schema = pa.schema(columns, metadata={"videostr.spec": spec.to_json()})
        self._writer = pq.ParquetWriter(self._partial, self._schema)

    def write(self, records: Sequence[Record]) -> None:
        rows = [
            {
                **record,
                **record["components"],
                "group": None if record["group"] is None else str(record["group"]),
            }
            for record in records
        ]
        if rows:
            self._writer.write_table(self._pa.Table.from_pylist(rows, schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        if error is None:
            os.replace(self._partial, self._path)
        else:
            self._partial.unlink(missing_ok=True)


def open_output(path: Path | None, spec: RewardSpec, summary: Summary, *, overwrite: bool) -> Output:
    """The output that the ending of `path` names; none without a path."""
    if path is None:
        return NoOutput()
    if path.suffix == ".parquet":
        if path.exists() and not overwrite:
            raise CommandError(
                f"{path} exists and parquet cannot be resumed: name another --out, or give --overwrite"
            )
        return Parquet(path, spec)
    if path.suffix in {".jsonl", ".ndjson"}:
        return JsonLines(path, spec, summary, overwrite=overwrite)
    raise CommandError(f"--out {path}: expected a name that ends in .jsonl or .parquet")
