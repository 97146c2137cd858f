"""One answer of an exported model, scored: the proof that the export can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr import Report, RewardSpec, Scorer


@dataclass(frozen=True)
class Answer:
    """A question, what the model replied, and the report of that reply."""

    question: str
    reply: str
    report: Report


def answer_row(
    model: Path, row: Mapping[str, Any], spec: RewardSpec, *, max_new_tokens: int, device: str
) -> Answer:
    """Load an exported model, let it answer one training row, greedily, and score the reply.

    Args:
        model: A folder that transformers loads, with its processor.
        row: A row of the training data; its clip is read from where it says.
        device: Where the model runs, ``cpu`` or ``cuda``.
    """
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from videostr.train.vision_rows import RowEncoder, prompt_batch

    processor = AutoProcessor.from_pretrained(model)
    network = AutoModelForImageTextToText.from_pretrained(model).to(device).eval()
    tokenizer = processor.tokenizer
    inputs = prompt_batch([RowEncoder(processor).encode(row, "")], tokenizer.pad_token_id, device)
    with torch.inference_mode():
        tokens = network.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
    written = tokens[0, inputs["input_ids"].shape[1] :]
    reply = tokenizer.decode(written, skip_special_tokens=True)
    report = Scorer(spec).score(reply, row["reward_model"]["ground_truth"], tokens=len(written))
    return Answer(row["extra_info"]["question"], reply, report)
