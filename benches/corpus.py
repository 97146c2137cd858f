"""Seeded corpora for the benchmarks: prompts with references and groups of replies of varying quality."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

LABELS = [
    *["chair", "table", "sofa", "lamp", "bed", "desk", "shelf", "plant", "door", "window", "monitor"],
    *["keyboard", "mug", "book", "box", "bin", "stool", "cabinet", "sink", "oven", "car", "van", "truck"],
    *["bicycle", "pedestrian", "tram", "sign", "tree", "bench", "dog"],
]
PROSE = (
    "I look at the first frames and note where the large objects stand. The camera moves slowly to the right, "
    "so what is near shifts more than what is far away. I keep the names of the objects and estimate the "
    "distances between them one after the other, then I check that they fit together. "
)


@dataclass(frozen=True)
class Corpus:
    """`texts[i]` replies to `references[prompt[i]]`; `clean[i]`: the JSON of the reply is valid as written."""

    name: str
    references: list[dict[str, Any]]
    texts: list[str]
    prompt: list[int]
    clean: list[bool]


def _reference(rng: np.random.Generator, frames: int, nodes: tuple[int, int]) -> dict[str, Any]:
    n = int(rng.integers(nodes[0], nodes[1] + 1))
    labels = rng.choice(LABELS, n)
    count: dict[str, int] = {}
    ids = []
    for label in labels:
        count[label] = count.get(label, 0) + 1
        ids.append(f"{label}.{count[label]}")
    start, step = rng.uniform(0, 6, (n, 3)), rng.normal(0, 0.1, (n, 3))
    return {
        "version": 1,
        "answer": {
            "kind": "choice",
            "value": "ABCD"[int(rng.integers(4))],
            "options": ["one", "two", "three", "four"],
        },
        "graph": {
            "space": "world",
            "unit": "m",
            "up": [0, 0, 1],
            "scale": 10.0,
            "frames": [
                {
                    "t": float(f),
                    "nodes": [
                        {
                            "id": i,
                            "label": str(label),
                            "center": [round(float(v), 2) for v in start[k] + f * step[k]],
                        }
                        for k, (i, label) in enumerate(zip(ids, labels, strict=True))
                    ],
                }
                for f in range(frames)
            ],
        },
    }


def _reply(rng: np.random.Generator, reference: dict[str, Any]) -> tuple[str, bool]:
    noise = 0.6 * rng.random()
    frames = []
    for frame in reference["graph"]["frames"]:
        nodes = []
        for node in frame["nodes"]:
            if rng.random() < 0.08:
                continue
            name = node["id"]
            if rng.random() < 0.04:
                name = f"{rng.choice(LABELS)}.{40 + len(nodes)}"
            if rng.random() < 0.15:
                name = name.capitalize().replace(".", "_")
            nodes.append([name, [round(float(v + rng.normal(0, noise)), 2) for v in node["center"]]])
        for k in range(int(rng.poisson(0.06 * len(frame["nodes"])))):
            nodes.append(
                [f"{rng.choice(LABELS)}.{20 + k}", [round(float(v), 2) for v in rng.uniform(0, 6, 3)]]
            )
        frames.append({"t": frame["t"], "nodes": nodes})
    graph, clean = json.dumps({"frames": frames}), True
    if rng.random() < 0.03:
        graph, clean = f"```json\n{graph}\n```", False
    prose = PROSE * int(rng.integers(5, 12))
    answer = "ABCD"[int(rng.integers(4))]
    text = f"<think>{prose}<graph>{graph}</graph> {prose[:200]}</think>\n<answer>{answer}</answer>"
    if rng.random() < 0.10:
        text, clean = text[: text.index("<graph>") + 7 + int(rng.integers(len(graph)))], False
    return text, clean


def make(
    name: str, *, prompts: int, replies: int, frames: int, nodes: tuple[int, int], seed: int = 0
) -> Corpus:
    """`prompts` references of `frames` frames with `nodes[0]..nodes[1]` nodes, each with `replies` replies."""
    rng = np.random.default_rng(seed)
    references, texts, prompt, clean = [], [], [], []
    for p in range(prompts):
        references.append(_reference(rng, frames, nodes))
        for _ in range(replies):
            text, ok = _reply(rng, references[-1])
            texts.append(text)
            clean.append(ok)
            prompt.append(p)
    return Corpus(name, references, texts, prompt, clean)
