"""Answers of an exported model, scored: the proof that the export can be used."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr import Report, Scorer

_BATCH = 32


@dataclass(frozen=True)
class Answer:
    """A question, what the model replied, and the report of that reply."""

    question: str
    reply: str
    report: Report


def answer_rows(
    model: Path,
    rows: Sequence[Mapping[str, Any]],
    scorer: Scorer,
    *,
    root: str | os.PathLike[str],
    max_new_tokens: int,
    device: str,
) -> Iterator[Answer]:
    """Load an exported model, let it answer training rows, greedily, and score the replies.

    Args:
        model: A folder that transformers loads, with its processor.
        rows: Of the training data.
        scorer: Of the replies.
        root: Where the paths of their clips start.
        max_new_tokens: Of a reply.
        device: Where the model runs, ``cpu`` or ``cuda``.
    """
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from videostr.train.vision_rows import RowEncoder, prompt_batch

    processor = AutoProcessor.from_pretrained(model)
    network = AutoModelForImageTextToText.from_pretrained(model).to(device).eval()
    encoder, tokenizer = RowEncoder(processor, root), processor.tokenizer
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        inputs = prompt_batch([encoder.encode(row, "") for row in batch], tokenizer.pad_token_id, device)
        with torch.inference_mode():
            tokens = network.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
        for row, written in zip(batch, tokens[:, inputs["input_ids"].shape[1] :], strict=True):
            reply = tokenizer.decode(written, skip_special_tokens=True)
            count = int((written != tokenizer.pad_token_id).sum())
            report = scorer.score(reply, row["reward_model"]["ground_truth"], tokens=count)
            yield Answer(row["extra_info"]["question"], reply, report)
