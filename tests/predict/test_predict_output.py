"""The lines of a prediction after a kill at any byte, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from videostr.predict.files import model_digest, rows_crc32
from videostr.predict.output import Predictions, Reply, record_path
from videostr.predict.settings import PredictError, PredictSettings

RECORD = {"model": "/a", "model_digest": "m", "rows": "/r", "rows_crc32": 1, "temperature": 0.5}
#: Row 2 could not be read.
ROWS = (0, 1, 3, 4)


def replies(row: int, samples: int) -> list[Reply]:
    return [Reply(f"row {row} sample {sample} é", 10 * row + sample, "stop") for sample in range(samples)]


def run(path: Path, samples: int, *, record: dict[str, Any] | None = None, stop: int = 9) -> int:
    """Writes the rows that are not there, up to `stop`; returns the first that was asked."""
    with Predictions(path, record or RECORD, samples) as output:
        first = output.next_row
        for row in ROWS:
            if first <= row < stop:
                output.write(row, {"ground_truth": "{}"}, replies(row, samples))
                output.flush()
    return first


@pytest.mark.parametrize("samples", [1, 3])
def test_a_cut_at_any_byte_loses_and_doubles_nothing(tmp_path: Path, samples: int) -> None:
    whole = tmp_path / "whole.jsonl"
    run(whole, samples)
    data = whole.read_bytes()
    path = tmp_path / "cut.jsonl"
    record_path(path).write_text(json.dumps(RECORD))
    for end in range(0, len(data) + 1, 7):
        path.write_bytes(data[:end])
        first = run(path, samples)
        assert path.read_bytes() == data
        whole_rows = data[:end].count(b"\n") // samples
        assert first == (ROWS[whole_rows - 1] + 1 if whole_rows else 0), "no whole row is asked again"


def test_rows_that_are_there_are_counted(tmp_path: Path) -> None:
    run(tmp_path / "a.jsonl", 2, stop=4)
    with Predictions(tmp_path / "a.jsonl", RECORD, 2) as output:
        assert (output.rows, output.next_row) == (3, 4)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"model_digest": "n"}, "was begun with another model"),
        ({"rows_crc32": 2}, "was begun with other rows"),
        ({"temperature": 0.0}, "was begun with temperature 0.5, not 0.0"),
        ({"top_p": 0.9}, "was begun with top_p null, not 0.9"),
    ],
)
def test_another_run_is_refused_and_nothing_is_touched(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    path = tmp_path / "a.jsonl"
    run(path, 1)
    before = path.read_bytes() + record_path(path).read_bytes()
    with pytest.raises(PredictError, match=words):
        Predictions(path, {**RECORD, **changed}, 1)
    assert path.read_bytes() + record_path(path).read_bytes() == before
    with Predictions(path, {**RECORD, **changed}, 1, overwrite=True) as output:
        assert output.next_row == 0
    assert json.loads(record_path(path).read_text()) == {**RECORD, **changed}
    assert path.read_bytes() == b""


def test_model_and_rows_may_move(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    run(path, 1)
    assert run(path, 1, record={**RECORD, "model": "/b", "rows": "/s"}) == 5


def test_lines_without_their_record_are_refused(tmp_path: Path) -> None:
    run(tmp_path / "a.jsonl", 1)
    record_path(tmp_path / "a.jsonl").unlink()
    with pytest.raises(PredictError, match=r"a.run.json, which says what they were made with"):
        Predictions(tmp_path / "a.jsonl", RECORD, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not JSON\n", "1: is not a line of `videostr predict`"),
        ('{"row": 0}\n', "1: is not a line of `videostr predict`"),
        ('{"row": 0, "sample": 0}\n{"row": 0, "sample": 0}\n', "2: does not follow on the line before it"),
        ('{"row": 1, "sample": 0}\n{"row": 0, "sample": 0}\n', "2: does not follow on the line before it"),
        ('{"row": 0, "sample": 1}\n', "1: does not follow on the line before it"),
    ],
)
def test_what_is_no_prediction_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    record_path(path).write_text(json.dumps(RECORD))
    with pytest.raises(PredictError, match=words):
        Predictions(path, RECORD, 1)
    assert path.read_text() == text


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Predictions(path, RECORD, 1), pytest.raises(PredictError, match="being written by another process"):
        Predictions(path, RECORD, 1)


def test_only_jsonl(tmp_path: Path) -> None:
    with pytest.raises(PredictError, match=r"ends in \.jsonl"):
        Predictions(tmp_path / "a.parquet", RECORD, 1)


def test_a_copied_model_is_the_same_and_a_trained_one_another(tmp_path: Path) -> None:
    model, copy = tmp_path / "model", tmp_path / "copy"
    weights = bytearray(os.urandom(3_000_000))
    for folder in (model, copy):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(weights)
    assert model_digest(model) == model_digest(copy)
    for place in (0, 1_500_000, len(weights) - 100_000):
        changed = bytearray(weights)
        changed[place : place + 100_000] = bytes(100_000)
        (copy / "model.safetensors").write_bytes(changed)
        assert model_digest(model) != model_digest(copy)
    (copy / "model.safetensors").write_bytes(weights)
    (copy / "config.json").write_text("{} ")
    assert model_digest(model) != model_digest(copy)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictError, match="there is no such folder; --model is a local folder"):
        model_digest(tmp_path / "missing")
    with pytest.raises(PredictError, match=r"there is no config\.json in it"):
        model_digest(tmp_path)


def test_the_checksum_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 2_000_000)
    (tmp_path / "b").write_bytes(b"x" * 1_999_999 + b"y")
    assert rows_crc32(tmp_path / "a") != rows_crc32(tmp_path / "b")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"frames": 0}, "frames"),
        ({"frames": 7}, "frames"),
        ({"samples": 0}, "samples"),
        ({"samples": 2}, "samples"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_setting_out_of_its_range_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(PredictError, match=f"^{field}: "):
        PredictSettings(**given)


@pytest.mark.parametrize(
    ("frames", "clips", "times", "expected"),
    [
        (None, [{"video": "a", "nframes": 4}], [0.0, 1.0], None),
        (None, [{"video": "a"}], [0.0, 1.0], None),
        (None, [{"video": "a"}], [], 32),
        (None, [{"video": "a", "fps": None}], [], 32),
        (None, [{"video": "a", "fps": 2.0}], [], None),
        (None, [{"video": "a"}, {"video": "b"}], [0.0], 32),
        (None, [], [], 32),
        (16, [{"video": "a", "nframes": 4}], [0.0, 1.0], 16),
    ],
)
def test_the_frames_of_a_row(
    frames: int | None, clips: list[dict[str, Any]], times: list[float], expected: int | None
) -> None:
    row = {"videos": clips, "extra_info": {"frames": times}}
    assert PredictSettings(frames=frames).frames_of(row) == expected
