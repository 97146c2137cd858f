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
SENTENCES = (
    "I look at the first frames and note where the large objects stand. The camera moves slowly to the right, "
    "so what is near shifts more than what is far away. I keep the names of the objects and estimate the "
    "distances between them one after the other, then I check that they fit together. "
)
PROSE = (2 * 1024, 6 * 1024)  # bytes of a reply that is not cut
CUT, FENCED = 0.10, 0.03  # of the replies
VARIANT, WRONG, MISSING, EXTRA = 0.15, 0.04, 0.08, 0.06  # of the nodes


@dataclass(frozen=True)
class Corpus:
    """`texts[i]` replies to `references[prompt[i]]`; `faults[i]`: "" (valid JSON), "cut" or "fenced"."""

    name: str
    references: list[dict[str, Any]]
    texts: list[str]
    prompt: list[int]
    faults: list[str]

    def part(self, prompts: int) -> Corpus:
        """The first prompts with their replies."""
        count = sum(p < prompts for p in self.prompt)
        return Corpus(
            self.name,
            self.references[:prompts],
            self.texts[:count],
            self.prompt[:count],
            self.faults[:count],
        )


def _reference(rng: np.random.Generator, frames: int, nodes: tuple[int, int], up: bool) -> dict[str, Any]:
    n = int(rng.integers(nodes[0], nodes[1] + 1))
    labels = rng.choice(LABELS, n).tolist()
    ids = [f"{label}.{labels[: k + 1].count(label)}" for k, label in enumerate(labels)]
    start, step = rng.uniform(0, 6, (n, 3)), rng.normal(0, 0.1, (n, 3))
    gravity = {"up": [0, 0, 1]} if up else {}
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
            "scale": 10.0,
            **gravity,
            "frames": [
                {
                    "t": float(f),
                    "nodes": [
                        {"id": i, "label": label, "center": center}
                        for i, label, center in zip(
                            ids, labels, (start + f * step).round(2).tolist(), strict=True
                        )
                    ],
                }
                for f in range(frames)
            ],
        },
    }


def _nodes(rng: np.random.Generator, frame: dict[str, Any], noise: float) -> list[list[Any]]:
    truth = frame["nodes"]
    chance = rng.random((3, len(truth)))
    centers = np.array([node["center"] for node in truth]) + rng.normal(0, noise, (len(truth), 3))
    nodes = []
    for k, (node, center) in enumerate(zip(truth, centers.round(2).tolist(), strict=True)):
        if chance[0, k] < MISSING:
            continue
        name = node["id"]
        if chance[1, k] < WRONG:
            name = f"{LABELS[int(rng.integers(len(LABELS)))]}.{40 + k}"
        if chance[2, k] < VARIANT:
            name = name.capitalize().replace(".", "_")
        nodes.append([name, center])
    for k in range(int(rng.poisson(EXTRA * len(truth)))):
        name = LABELS[int(rng.integers(len(LABELS)))]
        nodes.append([f"{name}.{120 + k}", rng.uniform(0, 6, 3).round(2).tolist()])
    return nodes


def _reply(rng: np.random.Generator, reference: dict[str, Any]) -> tuple[str, str]:
    noise = 0.6 * rng.random()
    frames = [{"t": frame["t"], "nodes": _nodes(rng, frame, noise)} for frame in reference["graph"]["frames"]]
    graph = json.dumps({"frames": frames})
    size = int(rng.integers(PROSE[0], PROSE[1] + 1))
    prose = (SENTENCES * (size // len(SENTENCES) + 1))[:size]
    before, after = prose[: size * 4 // 5], prose[size * 4 // 5 :]
    chance = rng.random()
    fault = "cut" if chance < CUT else "fenced" if chance < CUT + FENCED else ""
    if fault == "fenced":
        graph = f"```json\n{graph}\n```"
    answer = "ABCD"[int(rng.integers(4))]
    text = f"<think>{before}<graph>{graph}</graph>{after}</think>\n<answer>{answer}</answer>"
    if fault == "cut":
        text = text[: text.index("<graph>") + 7 + int(rng.integers(len(graph)))]
    return text, fault


def make(
    name: str,
    *,
    prompts: int,
    frames: int,
    nodes: tuple[int, int],
    replies: int = 8,
    up: bool = True,
    seed: int = 0,
) -> Corpus:
    """`prompts` references of `frames` frames with `nodes[0]..nodes[1]` nodes, each with `replies` replies."""
    rng = np.random.default_rng(seed)
    references, texts, prompt, faults = [], [], [], []
    for p in range(prompts):
        references.append(_reference(rng, frames, nodes, up))
        for _ in range(replies):
            text, fault = _reply(rng, references[-1])
            texts.append(text)
            faults.append(fault)
            prompt.append(p)
    return Corpus(name, references, texts, prompt, faults)
