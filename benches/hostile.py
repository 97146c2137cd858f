"""Replies that fill a cap, against large references: the slowest that we know how to write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np


def reference(frames: int, nodes: int, labels: int, kind: str, seed: int = 0) -> dict[str, Any]:
    """World-space reference of `frames` x `nodes`, `labels` names; kind: random, grid or point (one place)."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(nodes ** (1 / 3)))
    grid = np.array([(i % side, i // side % side, i // side**2) for i in range(nodes)], float)
    place = {"random": rng.uniform(0, 6, (nodes, 3)).round(2), "grid": grid, "point": np.ones((nodes, 3))}[
        kind
    ]
    return {
        "version": 1,
        "answer": {"kind": "number", "value": 3.5, "unit": "m"},
        "graph": {
            "space": "world",
            "unit": "m",
            "scale": 10.0,
            "frames": [
                {
                    "t": f,
                    "nodes": [
                        {"id": f"n{i % labels}x.{i}", "label": f"n{i % labels}x", "center": place[i].tolist()}
                        for i in range(nodes)
                    ],
                }
                for f in range(frames)
            ],
        },
    }


def replies(size: int, frames: int, labels: int, most: int = 510, seed: int = 0) -> Iterator[tuple[str, str]]:
    """(name, reply) of at most `size` bytes and `most` nodes a frame each."""
    rng = np.random.default_rng(seed)

    def wrap(graph: str) -> str:
        return f"<think><graph>{graph}</graph></think><answer>3.5</answer>"

    def fill(point: Any, budget: int = size - 400) -> str:
        per_frame = min(most, budget // (frames * 26))
        made = [
            {"t": f, "nodes": [[f"n{i % labels}x.{i}", point(i)] for i in range(per_frame)]}
            for f in range(frames)
        ]
        text = json.dumps({"frames": made}, separators=(",", ":"))
        while len(text) > budget:
            per_frame -= 1
            for frame in made:
                del frame["nodes"][per_frame:]
            text = json.dumps({"frames": made}, separators=(",", ":"))
        return wrap(text)

    yield "nodes at random places", fill(lambda _: rng.uniform(0, 6, 3).round(1).tolist())
    yield "nodes on an integer grid", fill(lambda i: [i % 7, i // 7 % 7, i // 49])
    yield "nodes on a line", fill(lambda i: [i, 0, 0])
    yield "nodes in one place", fill(lambda _: [1, 1, 1])
    yield "nodes nearly in one place", fill(lambda _: (1 + rng.uniform(0, 1e-3, 3)).round(6).tolist())
    yield "lattice in reverse order", fill(lambda i: [3 - i % 4, 3 - i // 4 % 4, 3 - i // 16])
    yield "nodes on a line far away", fill(lambda i: [900000000 + i, 0, 0])
    yield "reference in reverse order", fill(lambda i: [510 - i, i, i])
    yield "open brackets", "<think><graph>" + "[" * (size - 14)
    yield "open graph tags", ("<think>" + "<graph>" * size)[:size]
    yield "open answer tags and blanks", ("<think></think><answer>" + " " * size)[:size]
    yield "commas", wrap("[" + "," * (size - 60) + "]")
    yield "one long number", wrap('[["n0x.0",[' + "9" * (size - 80) + ",1,1]]]")
    yield "one long label", wrap('[["' + "n" * (size - 80) + '",[1,1,1]]]')
    yield "void lines", wrap("@0\n" + "x y\n" * ((size - 60) // 4))
    yield "edges between unknown ids", wrap("@0\nn0x.0 1 1 1\n" + "a - b 1\n" * min(65000, (size - 80) // 8))
    yield "comments", wrap("[" + "/**/" * ((size - 60) // 4) + "]")
    yield "escapes", wrap('[["' + "\\u0041" * ((size - 80) // 6) + '",[1,1,1]]]')
    yield "number words", "<think></think><answer>" + "twenty " * ((size - 40) // 7) + "</answer>"
