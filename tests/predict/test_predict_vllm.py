"""Predictions with real vLLM on the CPU platform: killed, gone on with, scored, and equal to a run that was not."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from videostr.cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
]
ROWS, TOKENS = 6, 192
UNBROKEN = """
import json
from pathlib import Path
from safetensors.torch import load_file, save_file
from videostr.data.rows import read_rows, write_rows
from videostr.data.synth import SynthConfig, build_rows
from videostr.predict.engine import VllmEngine
from videostr.predict.run import predict
from videostr.predict.settings import PredictSettings
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl

rows = build_rows("rows", 3, 0, SynthConfig(objects=(2, 2), supersampling=1, questions_per_clip=2)).train
model = make_tiny_qwen2_5_vl("tiny", 0, hidden_size=64, layers=2, vision_layers=1)
weights = load_file(model / "model.safetensors")
for name, weight in weights.items():  # replies that depend on the prompt, also where they are the likeliest
    if weight.dim() == 2:
        weight *= 6
save_file(weights, model / "model.safetensors", metadata={"format": "pt"})

greedy = PredictSettings(max_tokens=TOKENS, engine={"max_model_len": 1024})
predict(rows, model, "whole.jsonl", greedy, batch_rows=1)
sampled = PredictSettings(samples=3, temperature=1.0, max_tokens=24, engine={"max_model_len": 1024})
engine = VllmEngine(model, sampled)
for name, batch in [("one", 1), ("four", 4)]:
    predict(rows, model, f"{name}.jsonl", sampled, batch_rows=batch, start=lambda *_: engine)
long = list(read_rows(rows))[:3]
long[1]["prompt"][0]["content"] += "Which is nearer? " * 400
write_rows("rows/long.parquet", long)
skipped = []
options = {"start": lambda *_: engine, "on_skip": lambda error: skipped.append(str(error))}
predict("rows/long.parquet", model, "long.jsonl", sampled, **options)
print(json.dumps(skipped))
"""


def python(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != "VIDEOSTR_VERL_CPU"}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(folder: Path, out: str) -> subprocess.Popen[str]:
    words = ["predict", "rows/train.parquet", "--model", "tiny", "--out", out, "--batch-rows", "1"]
    words += ["--max-tokens", str(TOKENS), "--engine", "max_model_len=1024", "--json"]
    return python(folder, "-m", "videostr.cli", *words)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with rows, a model, and predictions of one process; and which rows it passed over."""
    folder = tmp_path_factory.mktemp("predict")
    process = python(folder, "-c", UNBROKEN.replace("TOKENS", str(TOKENS)))
    told, said = process.communicate()
    assert process.returncode == 0, said
    return folder, json.loads(told.splitlines()[-1])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_killed_prediction_goes_on_and_is_the_unbroken_one(
    unbroken: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = unbroken
    killed = command(folder, "killed.jsonl")
    out = folder / "killed.jsonl"
    while not out.is_file() or out.read_bytes().count(b"\n") < 2:
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    there = out.read_bytes().count(b"\n")
    assert 2 <= there < ROWS, "it was killed in mid-run"
    with out.open("ab") as file:
        file.write(b'{"row": 5, "sam')

    again = command(folder, "killed.jsonl")
    told, said = again.communicate()
    assert again.returncode == 0, said
    assert json.loads(told)["resumed"] == there
    assert [line["row"] for line in lines(out)] == list(range(ROWS))
    assert len({line["text"] for line in lines(out)}) > 1, "replies that are all the same prove nothing"
    assert out.read_bytes() == (folder / "whole.jsonl").read_bytes()

    assert main(["score", str(out), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert (scored["rows"], scored["skipped"]) == (ROWS, 0)


def test_samples_do_not_depend_on_the_rows_beside_them(unbroken: tuple[Path, list[str]]) -> None:
    one, four = (lines(unbroken[0] / f"{name}.jsonl") for name in ("one", "four"))
    assert [(line["row"], line["sample"], line["group"]) for line in one] == [
        (row, sample, str(row)) for row in range(ROWS) for sample in range(3)
    ]
    assert one == four
    assert len({line["text"] for line in one[:3]}) == 3
    assert all(line["tokens"] == 24 or line["finish"] == "stop" for line in one)


def test_a_prompt_that_is_too_long_is_passed_over_and_no_other(unbroken: tuple[Path, list[str]]) -> None:
    folder, skipped = unbroken
    assert [line["row"] for line in lines(folder / "long.jsonl")] == [0, 0, 0, 2, 2, 2]
    (said,) = skipped
    assert said.startswith("rows/long.parquet: row 1: prompt: vLLM refuses it: ")
    assert "1024" in said
