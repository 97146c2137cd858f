"""Rows that cannot be trained on are refused before the start, with file, row and field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videostr import RewardSpec, Scorer
from videostr.train.prompt_check import PromptCheck
from videostr.train.refusal import LaunchError
from videostr.train.row_checks import check_rows

pytest.importorskip("pyarrow")
pytest.importorskip("av")
TRUTH = json.dumps({"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}})


class Words:
    """Counts words in the place of a model's tokens."""

    def count(self, row: Mapping[str, Any], _headers: object) -> int:
        return self.text_tokens(row["prompt"][0]["content"])

    def text_tokens(self, text: str) -> int:
        return len(text.split())


def _rows(path: Path, *rows: tuple[int, Path | None]) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "prompt": [[{"role": "user", "content": "word " * length}] for length, _ in rows],
        "videos": [[{"video": str(clip)}] if clip else [] for _, clip in rows],
        "reward_model": [{"style": "rule", "ground_truth": TRUTH} for _ in rows],
    }
    pq.write_table(pa.table(columns), path)
    return str(path)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    from videostr.data.synth.video import write_mp4

    write_mp4(tmp_path / "clip.mp4", list(np.zeros((4, 32, 32, 3), np.uint8)), 4)
    return tmp_path / "clip.mp4"


def _check(*files: str, **settings: Any) -> list[str]:
    scorer = Scorer(RewardSpec.preset("pose-free"))
    return check_rows(files, scorer=scorer, counter=Words(), max_prompt_length=5, **settings)  # type: ignore[arg-type]


def test_sound_rows_pass_without_a_word(clip: Path, tmp_path: Path) -> None:
    assert _check(_rows(tmp_path / "a.parquet", (5, clip), (1, None))) == []


def test_media_that_cannot_be_read_are_named_three_and_counted_all(clip: Path, tmp_path: Path) -> None:
    gone = [(1, tmp_path / f"gone{number}.mp4") for number in range(5)]
    file = _rows(tmp_path / "a.parquet", (1, clip), *gone)
    with pytest.raises(LaunchError) as caught:
        _check(file)
    words = str(caught.value)
    assert words.startswith(f"{file}: row 1: videos[0].video: {tmp_path}/gone0.mp4: there is no such file; ")
    assert (
        "gone2.mp4: there is no such file and 2 more. Each would take its prompt out of every step" in words
    )
    assert f"`videostr data check {file}`" in words


def test_prompts_that_are_too_long_are_counted_with_the_first(tmp_path: Path) -> None:
    file = _rows(tmp_path / "a.parquet", (1, None), (6, None), (5, None), (7, None))
    (warning,) = _check(file)
    assert warning.startswith(
        f"2 of 4 prompts are longer than data.max_prompt_length=5, first {file}: row 1 (6 tokens), {file}: row 3 (7"
    )


def test_when_every_prompt_is_too_long_nothing_is_started(tmp_path: Path) -> None:
    file = _rows(tmp_path / "a.parquet", (6, None), (7, None))
    with pytest.raises(LaunchError, match=r"^2 of 2 prompts are longer than data\.max_prompt_length=5"):
        _check(file)


def test_the_look_at_media_and_lengths_ends_in_time(tmp_path: Path) -> None:
    file = _rows(tmp_path / "a.parquet", (9, tmp_path / "gone.mp4"))
    (warning,) = _check(file, seconds=0.0)
    assert warning.startswith("only the first 0 of 1 rows were checked for media and length")


def _graph_rows(path: Path, *objects: int) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from videostr.prompts import build_prompt

    rows = []
    for count in objects:
        nodes = [{"id": f"cup.{n}", "label": "cup", "center": [n, 0.5, 2.0]} for n in range(count)]
        graph = {"space": "camera", "unit": "m", "scale": 4.0, "frames": [{"t": 0.0, "nodes": nodes}]}
        truth = {"version": 1, "answer": {"kind": "number", "value": count}, "graph": graph}
        text = build_prompt(truth, "How many cups?", style="compact", form="lines")
        rows.append((text, json.dumps(truth)))
    columns = {
        "prompt": [[{"role": "user", "content": text.removeprefix("<video>")}] for text, _ in rows],
        "reward_model": [{"style": "rule", "ground_truth": truth} for _, truth in rows],
    }
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_references_that_are_longer_than_a_reply_are_counted(tmp_path: Path) -> None:
    file = _graph_rows(tmp_path / "a.parquet", 2, 30, 3, 40)
    settings = {"counter": Words(), "max_prompt_length": 1000, "max_response_length": 100}
    spec = RewardSpec.preset("pose-free").replace(length_min=10)

    def check(*files: str, **off: str) -> list[str]:
        return check_rows(files, scorer=Scorer(spec), prompts=PromptCheck(spec, off=off), **settings)  # type: ignore[arg-type]

    (warning,) = check(file)
    assert warning.startswith(
        "2 of 4 references are longer than data.max_response_length=100 when they are written as a reply, without any "
        f"thought, first {file}: row 1 (125 tokens), {file}: row 3 (165 tokens): raise it"
    )
    alone = _graph_rows(tmp_path / "b.parquet", 30)
    with pytest.raises(
        LaunchError, match=r"1 of 1 references are longer than data.*say why: prompt_check\.length="
    ):
        check(alone)
    (warning,) = check(alone, length="replies are cut on purpose")
    assert warning.startswith("1 of 1 references are longer than data")


def test_prompts_that_do_not_ask_for_what_is_paid_for_are_refused(tmp_path: Path) -> None:
    file = _rows(tmp_path / "a.parquet", (2, None), (3, None))
    with pytest.raises(
        LaunchError, match="the prompts do not ask for what the reward's spec pays for"
    ) as caught:
        _check(file, prompts=PromptCheck(RewardSpec.preset("pose-free")))
    assert f"(all of 2 rows, first {file}: row 0, {file}: row 1)" in str(caught.value)
