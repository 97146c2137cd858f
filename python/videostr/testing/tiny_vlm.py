"""A tiny Qwen2.5-VL with its own tokenizer: the real architecture, made on the spot, for tests and the demo.

    from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
    make_tiny_qwen2_5_vl("tiny", seed=0)

Nothing is downloaded: weights are random, the tokenizer is trained on this package's own prompts and replies.
transformers and vLLM load the folder as they load the large models. Needs torch and transformers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from videostr._packages import require_packages
from videostr.data.synth.config import TASKS, SynthConfig
from videostr.data.synth.questions import ChoiceAnswer, Question, ask
from videostr.data.synth.reference import reference_graph
from videostr.data.synth.sample import sample_scene
from videostr.data.synth.scene import COLOURS, SHAPES
from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators
from videostr.prompts import TEMPLATES, render_reply

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
# Words, single digits, signs, line ends: the kinds of pieces that Qwen2.5 cuts text into before merging.
_PIECES = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# The turn format of Qwen2.5-VL, without its tool and numbering parts.
_CHAT_TEMPLATE = """\
{%- for message in messages -%}
{%- if loop.first and message['role'] != 'system' -%}
{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}
{%- endif -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['content'] is string -%}
{{- message['content'] -}}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' or 'image' in part or 'image_url' in part -%}
{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}
{%- elif part['type'] == 'video' or 'video' in part -%}
{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}
{%- elif 'text' in part -%}
{{- part['text'] -}}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
"""
_CORPUS_SCENES = 24
_MIN_PIXELS = 4 * 28 * 28
_MAX_PIXELS = 64 * 28 * 28


def make_tiny_qwen2_5_vl(
    out_dir: str | os.PathLike[str],
    seed: int = 0,
    *,
    vocab_size: int = 1024,
    hidden_size: int = 128,
    layers: int = 3,
    vision_layers: int = 2,
) -> Path:
    """Write a Qwen2.5-VL of about 1.5 million random float32 weights, with tokenizer and processor.

    vocab_size: at most this many tokens; the model's vocabulary is exactly the tokenizer's. hidden_size: of
    the text and the vision part, a multiple of 64 (heads are 32 wide). seed: of the weights. Returns the
    folder. The same arguments give the same files.
    """
    require_packages("the tiny model", ["torch", "torchvision", "transformers"])
    import torch

    declare_missing_operators()
    from transformers import (
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    if hidden_size < 64 or hidden_size % 64:
        raise ValueError(f"hidden_size: {hidden_size} must be a multiple of 64")
    out = Path(out_dir)
    tokenizer = make_tokenizer(vocab_size)
    config = _config(tokenizer, hidden_size, layers, vision_layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(config).to(torch.float32)
    model.generation_config.update(**_turn_ids(tokenizer))
    model.save_pretrained(out)
    size = {"shortest_edge": _MIN_PIXELS, "longest_edge": _MAX_PIXELS}
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=dict(size)),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=dict(size)),
        chat_template=_CHAT_TEMPLATE,
    )
    processor.save_pretrained(out)
    return out


def make_tokenizer(vocab_size: int = 1024) -> Any:
    """A byte-level BPE tokenizer trained on `corpus()`; each digit is a token of its own."""
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        trainers,
    )
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS[1:]),
        model_max_length=32768,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
    fast.chat_template = _CHAT_TEMPLATE
    return fast


def corpus() -> Iterator[str]:
    """The prompts and replies that the tokenizer learns from, the same each time."""
    yield "system user assistant\nYou are a helpful assistant."
    for colour, shape in product(COLOURS, SHAPES):
        yield f"Objects: {colour} {shape}, {colour} {shape}.\n{colour} {shape} 0.0 -1.2 3.4\n"
    config = SynthConfig()
    for index in range(_CORPUS_SCENES):
        rng = np.random.default_rng([0, index, 2])
        scene = sample_scene(config, 0, index)
        graph = reference_graph(scene, config)
        for task in TASKS:
            question = ask(task, scene, config, rng)
            if isinstance(question, Question):
                reference = {"version": 1, "answer": _answer(question), "graph": graph}
                for (media, form, _), template in TEMPLATES.items():
                    if media == "video":
                        yield template.write(reference, question.text)
                        yield render_reply(reference, form=form, decimals=1)


def _answer(question: Question) -> dict[str, Any]:
    answer = question.answer
    if isinstance(answer, ChoiceAnswer):
        return {"kind": "choice", "value": "A", "options": [answer.right, *answer.wrong]}
    return {"kind": "number", "value": answer.value} | ({"unit": answer.unit} if answer.unit else {})


def _turn_ids(tokenizer: Any) -> dict[str, int]:
    return {
        "bos_token_id": tokenizer.convert_tokens_to_ids("<|endoftext|>"),
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _config(tokenizer: Any, hidden_size: int, layers: int, vision_layers: int) -> Any:
    from transformers import Qwen2_5_VLConfig

    heads = hidden_size // 32
    token_id = tokenizer.convert_tokens_to_ids
    ids = _turn_ids(tokenizer)
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": hidden_size,
        "intermediate_size": 3 * hidden_size,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads // 2,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-6,
        "use_sliding_window": False,
        # Slow turns with the place in the picture, and large first weights: it learns to look in minutes, not in hours.
        "rope_parameters": {"rope_type": "default", "mrope_section": [1, 3, 12], "rope_theta": 10.0},
        "initializer_range": 0.08,
        "tie_word_embeddings": True,
        "dtype": "float32",
        **ids,
    }
    vision = {
        "depth": vision_layers,
        "hidden_size": hidden_size,
        "intermediate_size": 2 * hidden_size,
        "num_heads": heads,
        "out_hidden_size": hidden_size,
        "in_channels": 3,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "tokens_per_second": 2,
        "window_size": 112,
        "fullatt_block_indexes": [vision_layers - 1],
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
        vision_start_token_id=token_id("<|vision_start|>"),
        vision_end_token_id=token_id("<|vision_end|>"),
        tie_word_embeddings=True,
        dtype="float32",
        **ids,
    )
