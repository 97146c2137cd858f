"""References of every space and kind of answer, for the tests of prompts."""

from __future__ import annotations

from typing import Any

import numpy as np

ANSWERS: dict[str, dict[str, Any]] = {
    "choice": {"kind": "choice", "value": "B", "options": ["the red cup", "the blue cup"]},
    "number": {"kind": "number", "value": 3.25, "unit": "m"},
    "count": {"kind": "number", "value": 4},
    "pixel": {"kind": "box2d", "value": [10, 20, 60, 80], "size": [640, 480], "box_space": "pixel"},
    "norm1": {"kind": "box2d", "value": [0.1, 0.2, 0.6, 0.8], "size": [640, 480], "box_space": "norm1"},
    "norm1000": {"kind": "box2d", "value": [100, 200, 600, 800], "size": [640, 480], "box_space": "norm1000"},
    "interval": {"kind": "interval", "value": [0.5, 2.25]},
    "text": {"kind": "text", "value": "under the table"},
}
SPACES: dict[str, dict[str, Any]] = {
    "camera": {"space": "camera", "unit": "m", "up": [0, -0.96, -0.28]},
    "world": {"space": "world", "unit": "m", "up": [0, 0, 1]},
    "weightless": {"space": "world", "unit": "m"},
    "plan": {"space": "world", "unit": "m", "flat": True},
    "pixels": {"space": "image", "unit": "px", "flat": True},
    "fractions": {"space": "image", "unit": "norm", "flat": True},
}
PRESETS = ("pose-free", "so3", "video-str", "coordinates", "answer-only")


def reference_of(space: str, answer: str | None, *, frames: int, timed: bool) -> dict[str, Any]:
    facts = dict(SPACES[space])
    flat = facts.pop("flat", False)
    rng = np.random.default_rng(len(space))
    shown: list[dict[str, Any]] = []
    for index in range(frames):
        centers = rng.uniform(0.1, 0.9, (3, 2 if flat else 3)).round(3).tolist()
        nodes = [
            {"id": name, "label": label, "center": center}
            for name, label, center in zip(
                ("cup.1", "cup.2", "plant"), ("cup", "cup", "plant"), centers, strict=True
            )
        ]
        shown.append(({"t": 0.75 * index} if timed else {}) | {"nodes": nodes})
    reference: dict[str, Any] = {"version": 1, "graph": {**facts, "scale": 2.0, "frames": shown}}
    if answer is not None:
        reference["answer"] = ANSWERS[answer]
    return reference


def frames_of(media: str) -> dict[str, Any]:
    return {"frames": 1 if media == "image" else 2, "timed": media == "video"}
