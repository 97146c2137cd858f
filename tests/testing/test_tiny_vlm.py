"""The tiny model is a real Qwen2.5-VL that the real loaders take."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videostr.data.synth import SynthConfig

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from videostr.testing.tiny_vlm import corpus, make_tiny_qwen2_5_vl  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2_5_vl(tmp_path_factory.mktemp("tiny"), seed=0)


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    return transformers.AutoProcessor.from_pretrained(folder)


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()


def clip_inputs(processor: Any, text: str, *, frames: int = 4, size: int = 112, fps: float = 2.0) -> Any:
    messages = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": text}]}]
    prompt = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    clip = torch.from_numpy(
        np.random.default_rng(0).integers(0, 255, (frames, 3, size, size), dtype=np.uint8)
    )
    metadata = {"fps": fps, "frames_indices": list(range(frames)), "total_num_frames": frames}
    return processor(
        text=[prompt], videos=[clip], video_metadata=[metadata], do_sample_frames=False, return_tensors="pt"
    )


def test_it_is_the_real_architecture_and_tiny(model: Any) -> None:
    assert type(model).__name__ == "Qwen2_5_VLForConditionalGeneration"
    assert 1e6 < sum(weights.numel() for weights in model.parameters()) < 5e6
    assert {weights.dtype for weights in model.parameters()} == {torch.float32}


def test_the_vocabulary_is_the_tokenizers(model: Any, processor: Any) -> None:
    assert model.config.text_config.vocab_size == len(processor.tokenizer)
    assert model.get_input_embeddings().num_embeddings == len(processor.tokenizer)
    assert model.generation_config.eos_token_id == processor.tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_digits_are_tokens_of_their_own(processor: Any) -> None:
    tokenizer = processor.tokenizer
    for text in ("0123456789", "red cube -12.75 0.5", "@1.75\n"):
        pieces = [tokenizer.decode(token) for token in tokenizer(text).input_ids]
        assert "".join(pieces) == text
        assert all(len(piece) == 1 for piece in pieces if any(letter.isdigit() for letter in piece))


def test_any_text_comes_back_and_our_own_is_short(processor: Any) -> None:
    tokenizer = processor.tokenizer
    for text in ("<think>überall 家 \t\x00 🙂</think>", next(iter(corpus()))):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    tokens = tokenizer(
        "<think><graph>\n@0\nred cube 1.0 -2.0 3.0\n</graph></think>\n<answer>B</answer>"
    ).input_ids
    assert len(tokens) < 45


def test_tags_of_a_reply_survive_decoding_without_special_tokens(processor: Any) -> None:
    text = "<think><graph>\n@0\n</graph></think>\n<answer>B</answer>"
    ids = processor.tokenizer(text + "<|im_end|>").input_ids
    assert processor.tokenizer.decode(ids, skip_special_tokens=True) == text


def test_a_prompt_with_a_clip_becomes_pads_and_a_reply_is_generated(model: Any, processor: Any) -> None:
    inputs = clip_inputs(processor, "How many objects move?")
    pads = (inputs["input_ids"] == model.config.video_token_id).sum()
    assert pads == 2 * 4 * 4
    with torch.inference_mode():
        ids = model.generate(**inputs, max_new_tokens=4, min_new_tokens=4, do_sample=False)
    assert ids.shape[1] == inputs["input_ids"].shape[1] + 4


def test_the_clip_matters_to_the_model(model: Any, processor: Any) -> None:
    inputs = clip_inputs(processor, "?")
    other = dict(inputs) | {"pixel_values_videos": -inputs["pixel_values_videos"]}
    with torch.inference_mode():
        difference = model(**inputs).logits[0, -1] - model(**other).logits[0, -1]
    assert difference.abs().max() > 1e-6


def test_text_after_a_demo_clip_has_the_position_that_vllm_gives_it(model: Any, processor: Any) -> None:
    """vLLM goes on from the largest position of the clip, transformers from its start by half its height or
    width in patches: they agree where the clip is wider than it is long, which the default clips are. The
    temporal position of the clip's own frames is another matter: vLLM drops the metadata and takes 24 frames a
    second."""
    config = SynthConfig()
    fps = config.nframes / config.frames * config.fps
    inputs = clip_inputs(processor, "?", frames=config.nframes, size=config.size, fps=fps)
    assert float(inputs["second_per_grid_ts"][0]) == 1.0
    positions, _ = model.model.get_rope_index(
        inputs["input_ids"],
        mm_token_type_ids=inputs["mm_token_type_ids"],
        video_grid_thw=inputs["video_grid_thw"],
        second_per_grid_ts=inputs["second_per_grid_ts"],
        attention_mask=inputs["attention_mask"],
    )
    video = (inputs["input_ids"][0] == model.config.video_token_id).nonzero()[:, 0]
    after = int(video[-1]) + 1
    assert positions[:, 0, after].tolist() == [int(positions[:, 0, video].max()) + 1] * 3


def test_the_seed_decides_the_weights(folder: Path, tmp_path: Path) -> None:
    def digest(path: Path) -> str:
        return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()

    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert digest(make_tiny_qwen2_5_vl(tmp_path / "same", seed=0)) == digest(folder)
    assert torch.equal(torch.get_rng_state(), before)
    assert digest(make_tiny_qwen2_5_vl(tmp_path / "other", seed=1)) != digest(folder)


def test_a_size_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hidden_size"):
        make_tiny_qwen2_5_vl(tmp_path, hidden_size=100)
