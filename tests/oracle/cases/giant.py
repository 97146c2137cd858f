"""Replies over 5,000 pairs of equal label, which get a share of the search for a motion (scoring.md section 9).

The last shape has just 5,000 and the whole search.
"""

from __future__ import annotations

import random
from typing import Any

# frames, labels, reference nodes and reply nodes of each label in a frame, dimension
SHAPES = (
    (5, 1, 7, 150, 3), (12, 2, 9, 26, 3), (40, 1, 6, 22, 3), (20, 1, 4, 70, 3), (110, 1, 5, 20, 3), (3, 1, 7, 245, 3),
    (30, 2, 8, 11, 2), (26, 1, 14, 14, 3), (1, 2, 11, 230, 2), (60, 3, 5, 6, 3),
    (10, 1, 5, 100, 3),
)  # fmt: skip


def giant_case(seed: int, index: int) -> dict[str, Any]:
    """A turned, noisy reply with strangers among its nodes; made without any scorer."""
    rng = random.Random(f"giant {seed}:{index}")
    frames, labels, count, said, dimension = SHAPES[index % len(SHAPES)]
    group = rng.choice(("so3", "yaw", "auto"))
    spec = {
        "preset": "pose-free",
        "frame_of_reference": "aligned",
        "group": group,
        "align_scope": rng.choice(("clip", "frame")),
        "assignment": rng.choice(("optimal", "optimal", "greedy")),
        "free_scale": rng.random() < 0.2,
        "node_kernel": rng.choice(("exp", "linear")),
    }
    noise = rng.choice((0.0, 0.1, 0.5))
    on_grid = rng.random() < 0.3

    def place() -> list[float]:
        point = [rng.uniform(0, 6) for _ in range(dimension)]
        return [float(round(x)) if on_grid else round(x, 3) for x in point]

    reference, written = [], []
    for t in range(frames):
        nodes, lines = [], [f"@{t}"]
        for label in (f"thing{k}x" for k in range(labels)):
            places = [place() for _ in range(count)]
            nodes += [{"id": f"{label}.{i}", "label": label, "center": p} for i, p in enumerate(places)]
            meant = [[x + rng.gauss(0, noise) for x in p] for p in places[:said]]
            meant += [place() for _ in range(said - len(meant))]
            rng.shuffle(meant)
            for p in meant:
                x, y = 3.0 - p[1], 1.0 + p[0]  # a quarter turn about the third axis, and a shift
                lines.append(" ".join([label, *(f"{c:.4f}" for c in (x, y, *p[2:]))]))
        reference.append({"t": t, "nodes": nodes})
        written += lines
    graph: dict[str, Any] = {"space": "world", "unit": "m", "scale": 10.0, "frames": reference}
    if dimension == 3 and group != "so3":
        graph["up"] = [0, 0, 1]
    text = "<think><graph>" + "\n".join(written) + "\n</graph></think><answer>1</answer>"
    answer = {"kind": "number", "value": 1}
    return {
        "seed": seed,
        "index": index,
        "spec": spec,
        "reference": {"version": 1, "answer": answer, "graph": graph},
        "text": text,
        "tokens": None,
    }
