"""Cold start: what is learned, from which tokens, and when it stops."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("qwen_vl_utils")
pytest.importorskip("pyarrow")
pytest.importorskip("av")

import videostr  # noqa: E402
from videostr.data.rows import read_rows  # noqa: E402
from videostr.data.synth import SynthConfig, build_rows  # noqa: E402
from videostr.integrations.media_cache import MediaCache  # noqa: E402
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl  # noqa: E402
from videostr.train import cold_start as cold_start_module  # noqa: E402
from videostr.train import vision_rows  # noqa: E402
from videostr.train.cold_start import ColdStartConfig, cold_start  # noqa: E402
from videostr.train.targets import target_text  # noqa: E402
from videostr.train.vision_rows import RowEncoder, chat_messages, prompt_batch, training_batch  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")
SHORT = ColdStartConfig(steps=6, batch_size=4)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = SynthConfig(objects=(2, 2), supersampling=1, questions_per_clip=4)
    return build_rows(tmp_path_factory.mktemp("rows"), 4, 0, config).train


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2_5_vl(tmp_path_factory.mktemp("tiny"), hidden_size=64, layers=2, vision_layers=1)


@pytest.fixture(scope="module")
def encoder(model: Path) -> RowEncoder:
    return RowEncoder(transformers.AutoProcessor.from_pretrained(model))


def weights(folder: Path) -> dict[str, Any]:
    return transformers.AutoModelForImageTextToText.from_pretrained(folder).state_dict()


def test_learning_lowers_the_loss_and_saves_a_whole_model(rows: Path, model: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    report = cold_start(
        rows, model, tmp_path, replace(SHORT, steps=15), progress=lambda step, _: seen.append(step)
    )
    assert seen == list(range(1, 16))
    assert report.steps == 15
    assert report.stopped_by == "steps"
    assert sum(report.losses[-3:]) / 3 < report.losses[0] - 1.0
    before, after = weights(model), weights(tmp_path)
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert any(name.startswith("model.visual") for name in moved)
    assert any("language_model" in name for name in moved)
    processor = transformers.AutoProcessor.from_pretrained(tmp_path)
    assert processor.chat_template == transformers.AutoProcessor.from_pretrained(model).chat_template
    saved = json.loads((tmp_path / "cold_start.json").read_text(encoding="utf-8"))
    assert saved["losses"] == report.losses
    assert saved["config"]["steps"] == 15


def test_the_seed_decides_the_run(rows: Path, model: Path, tmp_path: Path) -> None:
    first = cold_start(rows, model, tmp_path / "a", SHORT)
    second = cold_start(rows, model, tmp_path / "b", SHORT)
    assert first.losses == second.losses
    one, two = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert cold_start(rows, model, tmp_path / "c", replace(SHORT, seed=1)).losses != first.losses


def test_learning_stops_when_time_is_up(rows: Path, model: Path, tmp_path: Path) -> None:
    report = cold_start(rows, model, tmp_path, replace(SHORT, steps=10_000, max_seconds=2.0))
    assert report.stopped_by == "max_seconds"
    assert 0 < report.steps < 10_000
    assert (tmp_path / "model.safetensors").exists()


def test_targets_are_the_references_in_the_prompts_form(rows: Path) -> None:
    scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free"))
    for row in read_rows(rows):
        reply = target_text(row)
        assert reply.startswith("<think><graph>\n@0\n")
        report = scorer.score(reply, row["reward_model"]["ground_truth"])
        assert report["format"] == 1.0
        assert report["answer"] == 1.0
        assert report["precision"] == report["recall"] == 1.0
        assert report["node"] > 0.9
        assert report.repairs == 0
    asked_in_json = row | {"prompt": [{"role": "user", "content": 'Reply: {"frames":[{"t":t}]}'}]}
    assert '<graph>{"frames":[{"t":0' in target_text(asked_in_json)
    assert "@0" in target_text(asked_in_json, form="lines")


def test_messages_hold_the_clip_in_the_place_of_its_mark(rows: Path) -> None:
    row = next(read_rows(rows))
    (message,) = chat_messages(row)
    video, text = message["content"]
    assert video == {"type": "video", **row["videos"][0]}
    assert row["prompt"][0]["content"] == "<video>" + text["text"]
    two = {
        "prompt": [{"role": "user", "content": "a<image>b<image>"}],
        "images": [{"image": "x"}, {"image": "y"}],
    }
    parts = chat_messages(two)[0]["content"]
    assert [part.get("text") or part["image"] for part in parts] == ["a", "x", "b", "y"]


def test_only_the_target_is_learned(rows: Path, encoder: RowEncoder, model: Path) -> None:
    tokenizer = transformers.AutoProcessor.from_pretrained(model).tokenizer
    chosen = list(read_rows(rows))[:3]
    targets = [target_text(row) for row in chosen]
    encoded = [encoder.encode(row, target) for row, target in zip(chosen, targets, strict=True)]
    batch = training_batch(encoded, tokenizer.pad_token_id, "cpu")
    for index, target in enumerate(targets):
        learned = batch["labels"][index]
        assert tokenizer.decode(learned[learned != -100]) == target + "<|im_end|>"
        kept = batch["attention_mask"][index].bool()
        assert not kept[int(kept.sum()) :].any()
        assert (batch["labels"][index][~kept] == -100).all()
    assert batch["video_grid_thw"].tolist() == [[2, 8, 8]] * 3
    assert batch["pixel_values_videos"].shape[0] == 3 * 2 * 8 * 8


def test_padding_changes_no_prediction(rows: Path, encoder: RowEncoder, model: Path) -> None:
    network = transformers.AutoModelForImageTextToText.from_pretrained(model).eval()
    by_length = sorted(
        (encoder.encode(row, "") for row in read_rows(rows)), key=lambda item: len(item.prompt_ids)
    )
    short, long = by_length[0], by_length[-1]
    assert len(short.prompt_ids) < len(long.prompt_ids)
    with torch.inference_mode():
        alone = network(**prompt_batch([short], 0, "cpu")).logits[0, -1]
        padded = network(**prompt_batch([short, long], 0, "cpu")).logits[0, -1]
    assert torch.allclose(alone, padded, atol=1e-5)


def test_a_clip_is_decoded_once(rows: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache: MediaCache[Any] = MediaCache(1 << 30, lambda _: 1)
    monkeypatch.setattr(vision_rows, "media_cache", lambda: cache)
    encoder = RowEncoder(transformers.AutoProcessor.from_pretrained(model))
    encoded = [encoder.encode(row, "") for row in read_rows(rows)]
    assert len(encoded) > 4
    assert cache.loads == 4


def test_the_command_line_runs(
    rows: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--rows",
        rows,
        "--model",
        model,
        "--out",
        tmp_path,
        "--steps",
        2,
        "--batch-size",
        2,
        "--max-rows",
        3,
    ]
    assert cold_start_module.main([str(item) for item in arguments]) == 0
    told = capsys.readouterr().err
    assert re.search(r"2 steps on 3 rows in \d+ s, stopped by steps, loss \d", told)
    assert (tmp_path / "cold_start.json").exists()


def test_the_command_line_says_what_is_wrong(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "rows.parquet"
    text.write_text("no parquet")
    for given, words in ((text, "cannot be read as parquet"), (tmp_path / "gone.parquet", "gone.parquet")):
        code = cold_start_module.main(["--rows", str(given), "--model", str(model), "--out", str(tmp_path)])
        assert code == 2
        assert words in capsys.readouterr().err


def test_no_rows_is_an_error(rows: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no rows"):
        cold_start(rows, model, tmp_path, replace(SHORT, max_rows=0))
