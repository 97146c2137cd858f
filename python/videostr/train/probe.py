"""What a model writes when sampled: replies to rows, scored, to see that there is something to reinforce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import videostr
from videostr.data.rows import read_rows


@dataclass(frozen=True)
class ProbeReport:
    """Scores of sampled replies.

    components: name to (mean, mean over prompts of the standard deviation within a prompt's replies), where
    defined. texts: the replies, `replies` for each prompt in turn.
    """

    prompts: int
    replies: int
    components: Mapping[str, tuple[float, float]]
    graph_ok: float
    """Share of replies whose graph is read without a fault."""
    texts: Sequence[str]

    def __str__(self) -> str:
        lines = [f"{self.prompts} prompts, {self.replies} replies each, graphs read: {self.graph_ok:.0%}"]
        for name, (mean, spread) in self.components.items():
            lines.append(f"  {name:<12} mean {mean:.3f}  spread within a prompt {spread:.3f}")
        return "\n".join(lines)


def probe(
    model: str | Path,
    rows: str | Path,
    *,
    prompts: int = 8,
    replies: int = 8,
    max_new_tokens: int = 192,
    temperature: float = 1.0,
    seed: int = 0,
    spec: videostr.RewardSpec | None = None,
    device: str = "cpu",
) -> ProbeReport:
    """Sample `replies` replies to each of the first `prompts` rows and score them (default: pose-free)."""
    chosen = list(islice(read_rows(rows), prompts))
    texts = list(
        sample_replies(
            model,
            chosen,
            replies=replies,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
            device=device,
        )
    )
    scorer = videostr.Scorer(spec or videostr.RewardSpec.preset("pose-free"))
    truths = [scorer.prepare(row["reward_model"]["ground_truth"]) for row in chosen for _ in range(replies)]
    batch = scorer.score_batch(texts, truths)
    components: dict[str, tuple[float, float]] = {}
    for name in videostr.COMPONENTS:
        groups = np.asarray(batch[name]).reshape(len(chosen), replies)
        known = groups[np.isfinite(groups).all(axis=1)]
        if len(known):
            components[name] = (float(known.mean()), float(known.std(axis=1).mean()))
    ok = videostr.GRAPH_STATUS.index("ok")
    return ProbeReport(len(chosen), replies, components, float(np.mean(batch.graph_status == ok)), texts)


def sample_replies(
    model: str | Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    replies: int,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    device: str,
) -> Iterator[str]:
    """Replies to each row in turn, sampled with transformers from the full distribution."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from videostr.train.vision_rows import RowEncoder, prompt_batch

    torch.manual_seed(seed)
    processor = AutoProcessor.from_pretrained(model)
    network = AutoModelForImageTextToText.from_pretrained(model).to(device).eval()
    encoder = RowEncoder(processor)
    for row in rows:
        encoded = encoder.encode(row, "")
        inputs = prompt_batch([encoded] * replies, processor.tokenizer.pad_token_id, device)
        with torch.inference_mode():
            ids = network.generate(
                **inputs,
                do_sample=True,
                temperature=temperature,
                top_k=0,
                top_p=1.0,
                max_new_tokens=max_new_tokens,
            )
        start = inputs["input_ids"].shape[1]
        yield from processor.tokenizer.batch_decode(ids[:, start:], skip_special_tokens=True)
