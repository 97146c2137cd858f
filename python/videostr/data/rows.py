"""Training rows: one question a row, in the columns that verl reads. Files need the extra `data`.

| column | content |
|---|---|
| data_source | `videostr/<source>/<task>` |
| prompt | chat messages; `<video>` or `<image>` marks the place of each medium |
| videos, images | media structs, with the same keys and no null in every row |
| ability | `static`, `dynamic` or `spatio-temporal` |
| reward_model | `{"style": "rule", "ground_truth": <reference as JSON text>}` |
| extra_info | index, split, source, scene, task, question, answer_kind, frames, seed, builder_version |
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostr._packages import require_packages
from videostr.data.row_check import EXTRA_INFO, MEDIA_COLUMNS, Row, RowError, check_media, validate_row

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = [
    "RowError",
    "check_media",
    "count_rows",
    "make_row",
    "open_rows",
    "read_rows",
    "validate_row",
    "write_rows",
]
_Keys = tuple[tuple[str, str], ...]


def make_row(
    *,
    reference: Mapping[str, Any],
    prompt: str,
    source: str,
    task: str,
    ability: str,
    question: str,
    scene: str,
    split: str,
    index: int,
    frames: Sequence[float],
    seed: int,
    builder_version: str,
    videos: Sequence[Mapping[str, Any]] = (),
    images: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """One checked row. frames: times in seconds of the frames that reach the model, empty without a clip.

    Raises RowError naming the field.
    """
    answer: Mapping[str, Any] | None = reference.get("answer")
    row: dict[str, Any] = {
        "data_source": f"videostr/{source}/{task}",
        "prompt": [{"role": "user", "content": prompt}],
        "ability": ability,
        "reward_model": {
            "style": "rule",
            "ground_truth": json.dumps(reference, ensure_ascii=False, separators=(",", ":")),
        },
        "extra_info": {
            "index": index,
            "split": split,
            "source": source,
            "scene": scene,
            "task": task,
            "question": question,
            "answer_kind": "none" if answer is None else str(answer["kind"]),
            "frames": [float(time) for time in frames],
            "seed": seed,
            "builder_version": builder_version,
        },
    }
    if videos:
        row["videos"] = [dict(video) for video in videos]
    if images:
        row["images"] = [dict(image) for image in images]
    validate_row(row, f"row {index}")
    return row


def write_rows(path: str | os.PathLike[str], rows: Iterable[Row], *, batch_size: int = 512) -> int:
    """Stream `rows` to a parquet file; return how many. Memory holds one batch.

    The first rows fix the media columns and the keys of their structs; a row that differs is a RowError
    (Arrow would fill the gaps with nulls, which readers trip over). The file appears whole or not at all.
    """
    require_packages("writing rows", ["pyarrow"])
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = Path(path)
    part = target.with_name(target.name + ".part")
    source = iter(rows)
    count = 0
    shape: dict[str, _Keys] | None = None
    writer: pq.ParquetWriter | None = None
    try:
        while batch := list(islice(source, batch_size)):
            for offset, row in enumerate(batch):
                validate_row(row, f"{target.name} row {count + offset}")
            shape = _shape_of(batch) if shape is None else shape
            for offset, row in enumerate(batch):
                _match_shape(row, shape, f"{target.name} row {count + offset}")
            table = pa.Table.from_pylist([dict(row) for row in batch], schema=_schema(shape))
            writer = writer or pq.ParquetWriter(part, table.schema)
            writer.write_table(table)
            count += len(batch)
    except BaseException:
        if writer is not None:
            writer.close()
        part.unlink(missing_ok=True)
        raise
    if writer is None:
        raise RowError(target.name, "rows", "there are none to write")
    writer.close()
    os.replace(part, target)
    return count


@contextmanager
def open_rows(path: str | os.PathLike[str]) -> Iterator[pq.ParquetFile]:
    """A parquet file while it is used; RowError where it is none."""
    require_packages("reading rows", ["pyarrow"])
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's, such as a missing file; Arrow's own have no number
        raise RowError(str(path), "file", f"cannot be read as parquet: {error}") from None


def count_rows(path: str | os.PathLike[str]) -> int:
    """How many rows a parquet file has; RowError where it is none."""
    with open_rows(path) as file:
        return int(file.metadata.num_rows)


def read_rows(path: str | os.PathLike[str], *, batch_size: int = 512) -> Iterator[dict[str, Any]]:
    """The rows of a parquet file, one by one, unchecked. Memory holds one batch.

    Raises RowError where the file is no parquet file, or a damaged one.
    """
    with open_rows(path) as file:
        for batch in file.iter_batches(batch_size):
            yield from batch.to_pylist()


def _keys_of(struct: Mapping[str, Any]) -> _Keys:
    return tuple(sorted((key, type(value).__name__) for key, value in struct.items()))


def _shape_of(rows: Sequence[Row]) -> dict[str, _Keys]:
    """The media columns of the first row, each with the keys of the first struct that any row has there."""
    shape: dict[str, _Keys] = {}
    for column in MEDIA_COLUMNS:
        if column in rows[0]:
            structs = (struct for row in rows for struct in row.get(column, ()))
            shape[column] = _keys_of(next(structs, {}))
    return shape


def _match_shape(row: Row, shape: Mapping[str, _Keys], where: str) -> None:
    for column in MEDIA_COLUMNS:
        if (column in row) != (column in shape):
            raise RowError(
                where, column, "is in this row or in the first one, not in both; give all rows the same"
            )
        for position, struct in enumerate(row.get(column, ())):
            if _keys_of(struct) != shape[column]:
                raise RowError(
                    where,
                    f"{column}[{position}]",
                    f"has the keys {_told(_keys_of(struct))}, the file has {_told(shape[column])}",
                )


def _told(keys: _Keys) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in keys) or "none"


def _schema(shape: Mapping[str, _Keys]) -> pa.Schema:
    import pyarrow as pa

    types = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    fields = [
        pa.field("data_source", pa.string()),
        pa.field("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ]
    for column, keys in shape.items():
        fields.append(pa.field(column, pa.list_(pa.struct([(key, types[kind]) for key, kind in keys]))))
    info = {int: pa.int64(), str: pa.string(), list: pa.list_(pa.float64())}
    fields += [
        pa.field("ability", pa.string()),
        pa.field("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        pa.field("extra_info", pa.struct([(name, info[kind]) for name, kind in EXTRA_INFO.items()])),
    ]
    return pa.schema(fields)
