"""Rows in, lines out: order, what is skipped, memory, the command's words. No vLLM: the engine is made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from videostr import cli
from videostr.cli import main
from videostr.data.row_check import RowError
from videostr.data.rows import make_row, write_rows
from videostr.predict import run as run_module
from videostr.predict.output import Reply
from videostr.predict.prompts import Prompt
from videostr.predict.run import PredictReport, predict
from videostr.predict.settings import PredictError, PredictSettings
from videostr.testing import random_scene

ROWS = 11
TRUTH = random_scene(np.random.default_rng(0), nodes=3, up=(0.0, 0.0, 1.0)).reference()


def row(index: int) -> dict[str, Any]:
    return make_row(
        reference=TRUTH,
        prompt="Which?",
        source="made",
        task="up",
        ability="static",
        question="Which?",
        scene=f"s{index // 2}",
        split="val",
        index=100 + index,
        frames=[],
        seed=0,
        builder_version="1",
    )


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "val.parquet"
    write_rows(path, (row(index) for index in range(ROWS)))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.json").write_text("{}")
    return folder


class Engine:
    """Replies with the row's number; some rows have no prompt, some are refused later."""

    def __init__(self, samples: int = 1, unread: Sequence[int] = (), refused: Sequence[int] = ()) -> None:
        self.samples, self.unread, self.refused = samples, unread, refused
        self.asked: list[list[int]] = []
        self.made = 0

    def prompt(self, row: Any, number: int, where: str, root: Path) -> Prompt:
        self.made += 1
        assert row["extra_info"]["index"] == 100 + number
        assert (root / "val.parquet").is_file()
        if number in self.unread:
            raise RowError(where, "videos[0].video", "a.mp4: there is no such file")
        return Prompt(number, where, {})

    def replies(self, prompts: Sequence[Prompt]) -> list[list[Reply] | RowError]:
        self.asked.append([prompt.row for prompt in prompts])
        return [
            RowError(prompt.where, "prompt", "too long")
            if prompt.row in self.refused
            else [Reply(f"{prompt.row}.{sample}", 7, "length") for sample in range(self.samples)]
            for prompt in prompts
        ]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_in_the_order_of_the_rows(rows: Path, model: Path, tmp_path: Path) -> None:
    engine = Engine(samples=2)
    done: list[tuple[int, int]] = []
    report = predict(
        rows,
        model,
        tmp_path / "p.jsonl",
        PredictSettings(samples=2, temperature=1.0),
        batch_rows=4,
        start=lambda *_: engine,
        progress=lambda *pair: done.append(pair),
    )
    assert engine.asked == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert done == [(4, 11), (8, 11), (11, 11)]
    written = lines(tmp_path / "p.jsonl")
    assert [(line["row"], line["sample"]) for line in written] == [
        (r, s) for r in range(ROWS) for s in range(2)
    ]
    assert written[5] == {
        "row": 2,
        "sample": 1,
        "text": "2.1",
        "tokens": 7,
        "finish": "length",
        "ground_truth": written[5]["ground_truth"],
        "group": "2",
        "data_source": "videostr/made/up",
        "task": "up",
        "scene": "s1",
        "index": 102,
    }
    assert json.loads(written[5]["ground_truth"]) == TRUTH
    assert report == PredictReport(str(tmp_path / "p.jsonl"), rows=11, cut=22, tokens=154)


def test_rows_are_skipped_named_and_counted(rows: Path, model: Path, tmp_path: Path) -> None:
    skipped: list[str] = []
    report = predict(
        rows,
        model,
        tmp_path / "p.jsonl",
        batch_rows=3,
        start=lambda *_: Engine(unread=[0, 4], refused=[5, 10]),
        on_skip=lambda error: skipped.append(str(error)),
    )
    assert [line["row"] for line in lines(tmp_path / "p.jsonl")] == [1, 2, 3, 6, 7, 8, 9]
    assert (report.rows, report.skipped) == (7, 4)
    assert skipped == [
        f"{rows}: row 0: videos[0].video: a.mp4: there is no such file",
        f"{rows}: row 4: videos[0].video: a.mp4: there is no such file",
        f"{rows}: row 5: prompt: too long",
        f"{rows}: row 10: prompt: too long",
    ]
    assert {line["group"] for line in lines(tmp_path / "p.jsonl")} == {None}, "one reply is no group"


def test_it_goes_on_after_what_is_there(rows: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    first = predict(rows, model, out, limit=5, batch_rows=2, start=lambda *_: Engine(unread=[1]))
    assert (first.rows, first.resumed, first.skipped) == (4, 0, 1)
    engine = Engine()
    second = predict(rows, model, out, batch_rows=2, start=lambda *_: engine)
    assert engine.asked == [[5, 6], [7, 8], [9, 10]]
    assert (second.rows, second.resumed, second.skipped) == (10, 4, 1)
    third = predict(rows, model, out, start=lambda *_: pytest.fail("nothing is left to ask"))
    assert (third.rows, third.resumed) == (10, 10)


def test_strict_ends_with_the_row_and_keeps_those_before(rows: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    with pytest.raises(RowError, match="row 4: prompt: too long"):
        predict(rows, model, out, strict=True, start=lambda *_: Engine(refused=[4]))
    assert [line["row"] for line in lines(out)] == [0, 1, 2, 3]
    predict(rows, model, out, start=lambda *_: Engine())
    assert len(lines(out)) == ROWS


def test_only_two_batches_are_decoded_ahead(rows: Path, model: Path, tmp_path: Path) -> None:
    engine = Engine()
    ahead: list[int] = []
    predict(
        rows,
        model,
        tmp_path / "p.jsonl",
        batch_rows=2,
        start=lambda *_: engine,
        progress=lambda done, _: ahead.append(engine.made - done),
    )
    assert max(ahead) <= 2


@pytest.mark.parametrize("given", [{"limit": 0}, {"batch_rows": 0}])
def test_numbers_that_cannot_be(rows: Path, model: Path, tmp_path: Path, given: dict[str, int]) -> None:
    with pytest.raises(PredictError, match=next(iter(given))):
        predict(rows, model, tmp_path / "p.jsonl", start=lambda *_: Engine(), **given)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine(unread=[3])
    monkeypatch.setattr(run_module, "VllmEngine", lambda *_: made)
    monkeypatch.setattr(run_module, "require_packages", lambda *_: None)
    return made


def test_the_command_and_score_after_it(
    rows: Path, model: Path, tmp_path: Path, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p.jsonl"
    assert main(["predict", str(rows), "--model", str(model), "--out", str(out), "--max-tokens", "7"]) == 0
    told = capsys.readouterr()
    assert told.out == f"{out}: 10 rows; 1 rows skipped; 10 replies cut at 7 tokens\n"
    assert told.err == f"skipped {rows}: row 3: videos[0].video: a.mp4: there is no such file\n"
    assert main(["score", str(out), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert (scored["rows"], scored["skipped"]) == (10, 0)
    assert main(["predict", str(model), str(rows), "--out", str(out), "--max-tokens", "7", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["resumed"] == 10
    assert len(engine.asked) == 1


@pytest.mark.usefixtures("engine")
def test_the_command_says_what_is_wrong(
    rows: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "p.jsonl")
    base = ["predict", str(rows), "--out", out]
    for more, code, words in [
        (["--model", str(model), "--strict"], 1, "row 3: videos[0].video"),
        (["--model", str(model), "--temperature", "1"], 2, "was begun with temperature 0.0, not 1.0"),
        (["--model", str(tmp_path)], 2, "there is no config.json in it"),
        ([], 2, "expected rows and a model"),
        (["--model", str(model), "--engine", "dtype"], 2, "--engine dtype: expected KEY=VALUE"),
    ]:
        assert main([*base, *more]) == code
        assert words in capsys.readouterr().err
    assert main(["predict", str(model / "config.json"), "--model", str(model), "--out", out]) == 2
    assert "cannot be read as parquet" in capsys.readouterr().err


def test_no_row_that_can_be_asked_is_found_wrong(
    rows: Path, model: Path, tmp_path: Path, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.unread = range(ROWS)
    assert main(["predict", str(rows), "--model", str(model), "--out", str(tmp_path / "p.jsonl")]) == 1
    assert "no row of it could be asked" in capsys.readouterr().err


def test_engine_arguments_are_read_as_json() -> None:
    from videostr.cli.predict import _engine

    assert dict(map(_engine, ["a=2", "b=float16", 'c={"video": 1}'])) == {
        "a": 2,
        "b": "float16",
        "c": {"video": 1},
    }
    assert cli.predict.EXAMPLE.startswith("  videostr predict")
