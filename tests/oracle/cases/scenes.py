"""Reference graphs: 1 to 24 (a few up to 30) nodes in 2-D and 3-D, with every kind of degenerate layout."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

Point = list[float]

LABELS = (
    "chair",
    "table",
    "lamp",
    "bed",
    "door",
    "traffic light",
    "Sofa",
    "fire hydrant",
    "cup",
    "strasse",
    "TV",
)
ALIASES = {"sofa": "couch", "television": "tv", "Settee": "couch"}


def make_scene(rng: random.Random) -> dict[str, Any]:
    space = rng.choice(("world", "world", "world", "camera", "image"))
    dimension = 2 if space == "image" or (space == "world" and rng.random() < 0.25) else 3
    count = _count(rng)
    graph: dict[str, Any] = {
        "space": space,
        "unit": rng.choice(("px", "norm")) if space == "image" else rng.choice(("m", "m", "m", "norm")),
    }
    if dimension == 3 and rng.random() < (0.6 if space == "world" else 0.3):
        graph["up"] = rng.choice(([0, 0, 1], [0, 0, 1], [0, 1, 0], [0, -2, 0], [0.1, -0.3, 0.9]))
    if rng.random() < 0.3:
        graph["aliases"] = ALIASES
    ids = _ids(rng, count)
    graph["frames"] = _frames(rng, ids, _layout(rng, dimension, count))
    if rng.random() < 0.6:
        points = [node["center"] for frame in graph["frames"] for node in frame["nodes"]]
        spread = math.dist(*([pick(axis) for axis in zip(*points, strict=True)] for pick in (min, max)))
        graph["scale"] = rng.choice((round(spread, 3), round(spread * 1.3, 2), 10, 6.2)) or 1
    return graph


def _count(rng: random.Random) -> int:
    chance = rng.random()
    if chance < 0.10:
        return rng.randint(1, 2)
    if chance < 0.94:
        return rng.randint(3, 12)
    return rng.randint(13, 24) if chance < 0.995 else rng.randint(25, 30)


def _ids(rng: random.Random, count: int) -> list[tuple[str, str]]:
    """(id, label) of each object; ids are unique after normalising."""
    repeated = rng.choice((1, 2, 3, len(LABELS), len(LABELS)))
    pool = rng.sample(LABELS, repeated)
    labels = [rng.choice(pool) for _ in range(count)]
    if repeated == len(LABELS) and rng.random() < 0.7:
        labels = [LABELS[i] if i < len(LABELS) else f"thing{i}x" for i in range(count)]
    numbers = {label: itertools.count(rng.choice((1, 1, 1, 0, 7))) for label in labels}
    bare = {label for label in sorted(set(labels)) if rng.random() < 0.15}
    ids = []
    for label in labels:
        if label in bare:
            bare.remove(label)
            ids.append((label, label))
        else:
            ids.append((f"{label}{rng.choice('...._ #')}{next(numbers[label])}", label))
    return ids


def _layout(rng: random.Random, dimension: int, count: int) -> list[Point]:
    size = rng.choice((1.0, 5.0, 5.0, 80.0))
    kind = rng.choice(
        ("uniform",) * 6
        + ("grid", "grid", "wide grid", "ring", "line", "plane", "pairs", "one place", "corners")
    )
    axes = range(dimension)
    if kind == "uniform":
        points = [[rng.uniform(-size, size) for _ in axes] for _ in range(count)]
    elif kind in ("grid", "wide grid"):
        side = 3 if kind == "grid" else 6
        points = [[float(rng.randrange(side)) for _ in axes] for _ in range(count)]
    elif kind == "ring":  # a table and its chairs
        points = [[0.0] * dimension]
        for i in range(count - 1):
            angle = 2 * math.pi * i / max(1, count - 1)
            points.append([size * math.cos(angle), size * math.sin(angle), 0.0][:dimension])
    elif kind == "line":
        exact = rng.random() < 0.7  # else only to the third decimal
        step = [rng.randint(-3, 3) / 4 if exact else rng.uniform(-1, 1) for _ in axes]
        places = [rng.randint(-20, 20) / 2 if exact else rng.uniform(-size, size) for _ in range(count)]
        points = [[at * value for value in step] for at in places]
    elif kind == "plane":
        points = [[rng.uniform(-size, size) for _ in axes] for _ in range(count)]
        for point in points:
            point[-1] = 1.0
    elif kind == "pairs":  # every second one where the one before is
        points = []
        for i in range(count):
            points.append(list(points[-1]) if i % 2 else [rng.uniform(-size, size) for _ in axes])
    elif kind == "one place":
        points = [[2.0] * dimension for _ in range(count)]
    else:
        corners = [list(map(float, corner)) for corner in itertools.product((0, 4), repeat=dimension)]
        points = [list(corners[i % len(corners)]) for i in range(count)]
        for point, lap in zip(points, (i // len(corners) for i in range(count)), strict=True):
            point[0] += lap
    return [[round(value, 3) for value in point] for point in points]


def _frames(rng: random.Random, ids: list[tuple[str, str]], start: list[Point]) -> list[dict[str, Any]]:
    count = 1 if rng.random() < 0.6 else rng.randint(2, 6)
    speeds = [[0.0] * len(point) for point in start]
    for speed in speeds:
        if rng.random() < 0.4:
            speed[:] = [rng.choice((0.0, 1.0, round(rng.uniform(-2, 2), 3))) for _ in speed]
    has_times = rng.random() < (0.5 if count == 1 else 0.8)
    t = rng.choice((0, 0.0, 1.5, -2))
    frames = []
    for index in range(count):
        seen = [i for i in range(len(ids)) if index == 0 or rng.random() < 0.93] or [0]
        nodes = [
            {
                "id": ids[i][0],
                "label": ids[i][1],
                "center": [round(x + index * v, 3) for x, v in zip(start[i], speeds[i], strict=True)],
            }
            for i in seen
        ]
        frame: dict[str, Any] = {"t": t} if has_times else {}
        frames.append(frame | {"nodes": nodes})
        t += rng.choice((1, 1, 0.5, 2.25))
    return frames
