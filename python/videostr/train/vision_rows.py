"""Training rows as tensors for a Qwen2.5-VL, through the same reader and processor that the trainer uses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from videostr.integrations.row_media import load_media, media_cache, media_of

Row = Mapping[str, Any]
_MARK = re.compile("(<video>|<image>)")


def chat_messages(row: Row) -> list[dict[str, Any]]:
    """The row's prompt with its `<video>` and `<image>` marks replaced by media parts, as verl builds it."""
    media = {
        "<video>": ("video", iter(row.get("videos") or ())),
        "<image>": ("image", iter(row.get("images") or ())),
    }
    messages: list[dict[str, Any]] = []
    for message in row["prompt"]:
        parts: list[dict[str, Any]] = []
        for piece in _MARK.split(message["content"]):
            if piece in media:
                kind, items = media[piece]
                parts.append({"type": kind, **next(items)})
            elif piece:
                parts.append({"type": "text", "text": piece})
        messages.append({"role": message["role"], "content": parts})
    return messages


@dataclass(frozen=True)
class Encoded:
    """One row: token ids of prompt and target, and the media tensors of the prompt."""

    prompt_ids: torch.Tensor
    target_ids: torch.Tensor
    token_types: torch.Tensor
    """0 text, 1 image, 2 video, for each prompt token."""
    media: Mapping[str, torch.Tensor]


class RowEncoder:
    """Turns rows into `Encoded`; a clip that several rows ask about is decoded and kept once.

    Args:
        processor: The model's AutoProcessor.
        root: Where relative paths of media start.
    """

    def __init__(self, processor: Any, root: str | os.PathLike[str] = "") -> None:
        self._processor = processor
        self._root = root
        self._media: dict[str, Mapping[str, torch.Tensor]] = {}

    def encode(self, row: Row, target: str, where: str = "a row") -> Encoded:
        """`row` with `target` and the end of the turn as what the model is to write.

        Raises:
            MediaError: Names `where` and the column of the medium that cannot be read.
        """
        messages = chat_messages({**row, **media_of(row, where, self._root)})
        patch_size = self._processor.image_processor.patch_size
        images, clips = load_media(messages, patch_size, media_cache())
        videos, metadata = zip(*clips, strict=True) if clips else (None, None)
        text = self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        inputs = self._processor(
            text=[text],
            images=images,
            videos=None if videos is None else list(videos),
            video_metadata=None if metadata is None else list(metadata),
            do_sample_frames=False,
            return_tensors="pt",
        )
        tokenizer = self._processor.tokenizer
        ids = tokenizer(target + tokenizer.eos_token, add_special_tokens=False, return_tensors="pt")[
            "input_ids"
        ]
        times = (row.get("extra_info") or {}).get("frames")
        shown = repr((row.get("videos"), row.get("images"), times))
        tensors = {
            name: inputs[name]
            for name in (
                "pixel_values",
                "image_grid_thw",
                "pixel_values_videos",
                "video_grid_thw",
                "second_per_grid_ts",
            )
            if name in inputs
        }
        return Encoded(
            prompt_ids=inputs["input_ids"][0],
            target_ids=ids[0],
            token_types=inputs["mm_token_type_ids"][0],
            media=self._media.setdefault(shown, tensors),
        )


def training_batch(rows: Sequence[Encoded], pad_id: int, device: str) -> dict[str, torch.Tensor]:
    """Model inputs of whole sequences, padded on the right; labels are -100 outside the targets."""
    width = max(len(row.prompt_ids) + len(row.target_ids) for row in rows)
    shape = (len(rows), width)
    ids = torch.full(shape, pad_id)
    mask, types = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, -100)
    for index, row in enumerate(rows):
        start, end = len(row.prompt_ids), len(row.prompt_ids) + len(row.target_ids)
        ids[index, :start], ids[index, start:end] = row.prompt_ids, row.target_ids
        mask[index, :end] = 1
        types[index, :start] = row.token_types
        labels[index, start:end] = row.target_ids
    return _to(device, ids, mask, types, rows) | {"labels": labels.to(device)}


def prompt_batch(rows: Sequence[Encoded], pad_id: int, device: str) -> dict[str, torch.Tensor]:
    """Model inputs of prompts alone, padded on the left, for generation."""
    width = max(len(row.prompt_ids) for row in rows)
    shape = (len(rows), width)
    ids = torch.full(shape, pad_id)
    mask, types = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    for index, row in enumerate(rows):
        start = width - len(row.prompt_ids)
        ids[index, start:] = row.prompt_ids
        mask[index, start:] = 1
        types[index, start:] = row.token_types
    return _to(device, ids, mask, types, rows)


def _to(
    device: str, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor, rows: Sequence[Encoded]
) -> dict[str, torch.Tensor]:
    batch = {"input_ids": ids, "attention_mask": mask, "mm_token_type_ids": types}
    names = dict.fromkeys(name for row in rows for name in row.media)
    batch |= {name: torch.cat([row.media[name] for row in rows if name in row.media]) for name in names}
    return {name: value.to(device) for name, value in batch.items()}
