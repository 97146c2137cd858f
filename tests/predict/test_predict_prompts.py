"""What a model is shown of a row: the row's own frames and times, or so many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("qwen_vl_utils")
pytest.importorskip("pyarrow")
pytest.importorskip("av")

from videostr.data.clips import read_frames  # noqa: E402
from videostr.data.media import MediaError  # noqa: E402
from videostr.data.reader import sampled_indices  # noqa: E402
from videostr.data.row_check import RowError  # noqa: E402
from videostr.data.rows import read_rows  # noqa: E402
from videostr.data.synth import SynthConfig, build_rows  # noqa: E402
from videostr.predict.prompts import Prompter  # noqa: E402
from videostr.predict.settings import PredictSettings  # noqa: E402
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl, make_tokenizer  # noqa: E402
from videostr.train.vision_rows import RowEncoder  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    config = SynthConfig(objects=(2, 2), supersampling=1)
    return next(read_rows(build_rows(tmp_path_factory.mktemp("rows"), 1, 0, config).train))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2_5_vl(tmp_path_factory.mktemp("tiny"), hidden_size=64, layers=2, vision_layers=1)


def request(model: Path, row: dict[str, Any], *, send_times: bool = True, **settings: Any) -> dict[str, Any]:
    prompter = Prompter(model, PredictSettings(**settings), send_times=send_times)
    return prompter(row, 3, "val.parquet: row 3", Path("/nowhere")).request


def test_the_frames_and_times_that_the_row_names(model: Path, row: dict[str, Any]) -> None:
    made = request(model, row)
    ((frames, metadata),) = made["multi_modal_data"]["video"]
    clip = read_frames(row["videos"][0]["video"], row["extra_info"]["frames"])
    assert metadata["frames_indices"] == clip.indices
    assert (metadata["fps"], metadata["total_num_frames"]) == (clip.fps, clip.total)
    assert frames.dtype == torch.float32
    assert frames.shape[0] == len(clip.indices) == row["videos"][0]["nframes"]
    grey = frames.mean(dim=(1, 2, 3)).numpy()
    assert abs(grey - clip.frames.mean(axis=(1, 2, 3))).max() < 2, "of 255"
    assert made["mm_processor_kwargs"] == {"video_metadata": [metadata], "do_sample_frames": False}
    assert "mm_processor_kwargs" not in request(model, row, send_times=False)


def test_the_tokens_are_those_of_training(model: Path, row: dict[str, Any]) -> None:
    encoder = RowEncoder(transformers.AutoProcessor.from_pretrained(model))
    theirs = encoder.encode(row, "").prompt_ids.tolist()
    pad = transformers.AutoConfig.from_pretrained(model).video_token_id
    assert theirs.count(pad) > 1
    once = [
        token for token, before in zip(theirs, [None, *theirs], strict=False) if token != pad or before != pad
    ]
    assert request(model, row)["prompt_token_ids"] == once


def test_so_many_frames_when_they_are_asked_for(model: Path, row: dict[str, Any]) -> None:
    ((frames, metadata),) = request(model, row, frames=2)["multi_modal_data"]["video"]
    assert metadata["frames_indices"] == sampled_indices(metadata["total_num_frames"], 2)
    assert len(frames) == 2
    ((frames, metadata),) = request(model, row, frames=64)["multi_modal_data"]["video"]
    assert len(frames) == metadata["total_num_frames"] // 2 * 2 < 64, "at most"


def test_a_row_that_names_no_frames_shows_32_at_most(model: Path, row: dict[str, Any]) -> None:
    clip = {name: value for name, value in row["videos"][0].items() if name != "nframes"}
    truth = '{"version":1,"answer":{"kind":"number","value":1}}'
    bare = {
        **row,
        "videos": [clip],
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": {**row["extra_info"], "frames": [], "answer_kind": "number"},
    }
    ((frames, metadata),) = request(model, bare)["multi_modal_data"]["video"]
    assert len(frames) == min(32, metadata["total_num_frames"] // 2 * 2)


def test_text_alone(model: Path, row: dict[str, Any]) -> None:
    text = {name: value for name, value in row.items() if name != "videos"}
    text["prompt"] = [{"role": "user", "content": "Which?"}]
    made = request(model, text)
    assert made["multi_modal_data"] == {}
    assert "mm_processor_kwargs" not in made


def test_a_model_that_sees_nothing(row: dict[str, Any], tmp_path: Path) -> None:
    make_tokenizer().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}')
    with pytest.raises(RowError, match=r"val.parquet: row 3: videos: the model has no processor"):
        request(tmp_path, row)
    text = {name: value for name, value in row.items() if name != "videos"}
    text["prompt"] = [{"role": "user", "content": "Which?"}]
    assert request(tmp_path, text)["prompt_token_ids"]


def test_what_is_wrong_is_named(model: Path, row: dict[str, Any]) -> None:
    gone = {**row, "videos": [{**row["videos"][0], "video": "gone.mp4"}]}
    with pytest.raises(
        MediaError, match=r"val.parquet: row 3: videos\[0\].video: /nowhere/gone.mp4: cannot be read"
    ):
        request(model, gone)
    with pytest.raises(RowError, match=r"val.parquet: row 3: ability"):
        request(model, {**row, "ability": "none"})
