"""Replies that fill a cap, against large references: the slowest that we know how to write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np


def label(i: int, labels: int) -> str:
    """The label of node `i`; a lone one is as short as can be."""
    return "a" if labels == 1 else f"n{i % labels}x"


def reference(frames: int, nodes: int, labels: int, kind: str, seed: int = 0) -> dict[str, Any]:
    """World-space reference of `frames` x `nodes`, `labels` names, D = 10.

    kind: random, grid, point (one place), near (within 1e-6 .. 1e-3 of D of one place), line, slant (a line so far
    away that what a pair costs is nearly a product, where augmenting paths are long), octahedron (its corners: the
    most oriented tuples of one size).
    """
    rng = np.random.default_rng(seed)
    index = np.arange(nodes)[:, None]
    side = int(np.ceil(nodes ** (1 / 3)))
    corners = np.vstack([np.eye(3), -np.eye(3)])
    place = {
        "random": lambda: rng.uniform(0, 6, (nodes, 3)).round(2),
        "grid": lambda: np.hstack([index % side, index // side % side, index // side**2]).astype(float),
        "point": lambda: np.ones((nodes, 3)),
        "near": lambda: (1 + rng.uniform(-1, 1, (nodes, 3)) * 10 ** rng.uniform(-5, -2, (nodes, 1))).round(9),
        "line": lambda: index * np.array([0.5, 0.0, 0.0]),
        "slant": lambda: np.array([5000.0, 0.0, 0.0]) + index * np.array([1.0, 2.0, 0.0]),
        "octahedron": lambda: 3 * corners[np.arange(nodes) % 6],
    }[kind]()
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
                        {
                            "id": f"{label(i, labels)}.{i}",
                            "label": label(i, labels),
                            "center": place[i].tolist(),
                        }
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
            {"t": f, "nodes": [[f"{label(i, labels)}.{i}", point(i)] for i in range(per_frame)]}
            for f in range(frames)
        ]
        text = json.dumps({"frames": made}, separators=(",", ":"))
        while len(text) > budget:
            per_frame -= 1
            for frame in made:
                del frame["nodes"][per_frame:]
            text = json.dumps({"frames": made}, separators=(",", ":"))
        return wrap(text)

    def compact(point: Any, budget: int = size - 100) -> str:
        """Lines without suffixes: 8 bytes a node."""
        frame_budget, text = budget // frames, ""
        for f in range(frames):
            frame, made = f"@{f}\n", 0
            while (
                made < most
                and len(frame) + len(row := f"{label(made, labels)} {point(made)}\n") <= frame_budget
            ):
                frame, made = frame + row, made + 1
            text += frame
        return wrap(text)

    yield "nodes at random places", fill(lambda _: rng.uniform(0, 6, 3).round(1).tolist())
    yield "nodes on an integer grid", fill(lambda i: [i % 7, i // 7 % 7, i // 49])
    yield "nodes on a line", fill(lambda i: [i, 0, 0])
    yield "nodes in one place", fill(lambda _: [1, 1, 1])
    yield "nodes nearly in one place", fill(lambda _: (1 + rng.uniform(0, 1e-3, 3)).round(6).tolist())
    yield "lattice in reverse order", fill(lambda i: [3 - i % 4, 3 - i // 4 % 4, 3 - i // 16])
    yield "nodes on a line far away", fill(lambda i: [900000000 + i, 0, 0])
    yield "reference in reverse order", fill(lambda i: [510 - i, i, i])
    yield "compact: a line", compact(lambda i: f"{i} 0 0")
    yield "compact: a line of squares", compact(lambda i: f"{i * i} 9 9")
    yield "compact: nodes on a plane", compact(lambda i: f"{i % 8} {i // 8} 0")
    yield "compact: nodes of a lattice", compact(lambda i: f"{i % 4} {i // 4 % 4} {i // 16 % 4}")
    yield "compact: a line in steps", compact(lambda i: f"{9 - i % 10} {i // 10 % 10} {i % 2}")
    yield "compact: random digits", compact(lambda _: " ".join(map(str, rng.integers(0, 10, 3))))
    yield "compact: one place", compact(lambda _: "1 1 1")
    yield "open brackets", "<think><graph>" + "[" * (size - 14)
    yield "open graph tags", ("<think>" + "<graph>" * size)[:size]
    yield "open answer tags and blanks", ("<think></think><answer>" + " " * size)[:size]
    yield "commas", wrap("[" + "," * (size - 60) + "]")
    yield "one long number", wrap(f'[["{label(0, labels)}.0",[' + "9" * (size - 80) + ",1,1]]]")
    yield "one long label", wrap('[["' + "n" * (size - 80) + '",[1,1,1]]]')
    yield "void lines", wrap("@0\n" + "x y\n" * ((size - 60) // 4))
    yield (
        "edges between unknown ids",
        wrap(f"@0\n{label(0, labels)}.0 1 1 1\n" + "a - b 1\n" * min(65000, (size - 80) // 8)),
    )
    yield "comments", wrap("[" + "/**/" * ((size - 60) // 4) + "]")
    yield "escapes", wrap('[["' + "\\u0041" * ((size - 80) // 6) + '",[1,1,1]]]')
    yield "number words", "<think></think><answer>" + "twenty " * ((size - 40) // 7) + "</answer>"
