"""A whole prediction: rows in, lines out, batch by batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from videostr.data.row_check import Row, RowError
from videostr.data.rows import count_rows, read_rows
from videostr.predict.engine import VllmEngine
from videostr.predict.files import model_digest, rows_crc32
from videostr.predict.output import Predictions, Reply
from videostr.predict.prompts import Prompt
from videostr.predict.settings import PredictError, PredictSettings
from videostr.train.packages import PREDICTING, require_packages

#: Rows in hand at a time; their clips are decoded while the batch before them is answered.
BATCH_ROWS = 16


class Engine(Protocol):
    """What a prediction needs of a model; :class:`.engine.VllmEngine` is one."""

    @property
    def prompt(self) -> Callable[[Row, int, str, Path], Prompt]: ...

    def replies(self, prompts: Sequence[Prompt]) -> list[list[Reply] | RowError]: ...


@dataclass
class PredictReport:
    """What a prediction did.

    Attributes:
        out: The file of replies.
        rows: Rows whose replies are in it.
        resumed: Of them, those of earlier runs.
        skipped: Rows that were passed over: they could not be read, or vLLM refused them.
        cut: Replies of this run that ended at ``max_tokens``.
        tokens: Of this run's replies together.
    """

    out: str
    rows: int = 0
    resumed: int = 0
    skipped: int = 0
    cut: int = 0
    tokens: int = 0


def predict(
    rows: str | os.PathLike[str],
    model: str | os.PathLike[str],
    out: str | os.PathLike[str],
    settings: PredictSettings | None = None,
    *,
    limit: int | None = None,
    batch_rows: int = BATCH_ROWS,
    overwrite: bool = False,
    strict: bool = False,
    on_skip: Callable[[RowError], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    start: Callable[[Path, PredictSettings], Engine] | None = None,
) -> PredictReport:
    """Write a model's replies to rows, in their order; go on where an earlier, killed run of the same stopped.

    Args:
        rows: Parquet of training rows; relative paths of media start at its folder.
        model: Folder in Hugging Face format.
        out: ``.jsonl``, a line a reply: row, sample, text, tokens, finish (``stop`` or ``length``), ground_truth,
            group (with several samples), data_source, task, scene, index. Its record lies beside it
            (``.run.json``).
        limit: Only the first so many rows.
        batch_rows: Rows in hand at a time; twice as many are decoded.
        overwrite: Start `out` anew.
        strict: End at the first row that cannot be asked, with its error; lines before it stay.
        on_skip: Called with the error of each row that is passed over.
        progress: Called with rows done and rows in all.
        start: Makes the engine, once there is something to ask; by default vLLM.

    Raises:
        MissingPackageError: vLLM or another package is not installed.
        PredictError: Model, output or a setting will not do.
        RowError: `rows` is no parquet file, or, with `strict`, a row cannot be asked.
    """
    if limit is not None and limit < 1:
        raise PredictError(f"limit: {limit} is less than 1")
    if batch_rows < 1:
        raise PredictError(f"batch_rows: {batch_rows} is less than 1")
    settings = settings or PredictSettings()
    rows, model = Path(rows), Path(model)
    if start is None:
        require_packages("prediction", PREDICTING)
    total = min(count_rows(rows), limit or count_rows(rows))
    record = {
        "model": str(model.resolve()),
        "model_digest": model_digest(model),
        "rows": str(rows.resolve()),
        "rows_crc32": rows_crc32(rows),
        **asdict(settings),
    }
    report = PredictReport(str(out))
    with Predictions(Path(out), record, settings.samples, overwrite=overwrite) as output:
        report.resumed = output.rows
        if output.next_row < total:
            engine = (start or VllmEngine)(model, settings)
            for batch in _decoded(engine, rows, range(output.next_row, total), batch_rows):
                for asked, result in zip(batch, _results(engine, batch), strict=True):
                    if isinstance(result, RowError):
                        output.flush()
                        if strict:
                            raise result
                        if on_skip is not None:
                            on_skip(result)
                        continue
                    output.write(asked.number, _fields(asked, settings.samples), result)
                    report.tokens += sum(reply.tokens for reply in result)
                    report.cut += sum(reply.finish == "length" for reply in result)
                output.flush()
                if progress is not None:
                    progress(batch[-1].number + 1, total)
        report.rows = output.rows
        report.skipped = max(total, output.next_row) - output.rows
    return report


@dataclass(frozen=True)
class _Asked:
    """A row and its prompt, or why it has none."""

    number: int
    row: Row
    prompt: Prompt | RowError


def _decoded(engine: Engine, path: Path, numbers: range, batch_rows: int) -> Iterator[list[_Asked]]:
    """Batches of rows with their prompts; the next batch is decoded while the one that was given is used."""
    root = path.resolve().parent

    def ask(number: int, row: Row) -> _Asked:
        try:
            return _Asked(number, row, engine.prompt(row, number, f"{path}: row {number}", root))
        except RowError as error:
            return _Asked(number, row, error)

    source = islice(enumerate(read_rows(path, batch_size=batch_rows)), numbers.start, numbers.stop)
    with ThreadPoolExecutor(_cores()) as pool:

        def begin() -> list[Future[_Asked]]:
            return [pool.submit(ask, number, row) for number, row in islice(source, batch_rows)]

        ahead = begin()
        while ahead:
            batch = [future.result() for future in ahead]
            ahead = begin()
            yield batch


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _results(engine: Engine, batch: Sequence[_Asked]) -> list[list[Reply] | RowError]:
    """The replies to each row of a batch, or why it has none."""
    answers = iter(engine.replies([asked.prompt for asked in batch if isinstance(asked.prompt, Prompt)]))
    return [asked.prompt if isinstance(asked.prompt, RowError) else next(answers) for asked in batch]


def _fields(asked: _Asked, samples: int) -> Mapping[str, Any]:
    """What a line says of its row: all that scoring and evaluation ask for."""
    row, info = asked.row, asked.row["extra_info"]
    return {
        "ground_truth": row["reward_model"]["ground_truth"],
        "group": str(asked.number) if samples > 1 else None,
        "data_source": row["data_source"],
        "task": info["task"],
        "scene": info["scene"],
        "index": info["index"],
    }
