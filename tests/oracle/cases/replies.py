"""Replies as data: the reference's frames, moved, noised, thinned, doubled and relabelled."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

Point = list[float]


@dataclass
class Written:
    """A node as the reply will write it; `suffix` is None for a bare label."""

    label: str
    suffix: int | None
    center: Point


@dataclass
class WrittenFrame:
    t: float | None
    nodes: list[Written]
    edges: list[tuple[Written, Written, float, float | None]] = field(default_factory=list)


@dataclass
class Reply:
    """A reply in the making; `size` is the extent of the scene."""

    frames: list[WrittenFrame]
    size: float
    dimension: int
    up: Point | None


def make_reply(rng: random.Random, spec: dict[str, Any], graph: dict[str, Any]) -> list[WrittenFrame]:
    frames = [
        WrittenFrame(frame.get("t"), [_read(node) for node in frame["nodes"]]) for frame in graph["frames"]
    ]
    points = [node.center for frame in frames for node in frame.nodes]
    corners = [[pick(axis) for axis in zip(*points, strict=True)] for pick in (min, max)]
    size = graph.get("scale") or math.dist(*corners) or 1.0
    reply = Reply(frames, size, len(points[0]), graph.get("up"))
    for change, chance in (
        (_permute_suffixes, 0.2),
        (_noise, 0.5),
        (_drop, 0.25),
        (_relabel, 0.15),
        (_add, 0.25),
        (_strip_suffixes, 0.1),
        (_move, 0.6),
        (_change_frames, 0.2),
    ):
        if rng.random() < chance:
            change(rng, reply)
    for frame in frames:
        rng.shuffle(frame.nodes)
    if rng.random() < (0.8 if spec.get("edges") == "stated" else 0.15):
        for frame in frames:
            _state_edges(rng, frame)
    return frames


def _read(node: dict[str, Any]) -> Written:
    name = node["id"]
    if name == node["label"]:
        return Written(name, None, list(node["center"]))
    return Written(node["label"], int(name[len(node["label"]) + 1 :]), list(node["center"]))


def _permute_suffixes(rng: random.Random, reply: Reply) -> None:
    for frame in reply.frames if rng.random() < 0.5 else reply.frames[-1:]:
        for label in sorted({node.label for node in frame.nodes}):
            same = [node for node in frame.nodes if node.label == label]
            suffixes = [node.suffix for node in same]
            rng.shuffle(suffixes)
            for node, suffix in zip(same, suffixes, strict=True):
                node.suffix = suffix


def _noise(rng: random.Random, reply: Reply) -> None:
    amount = rng.choice((1e-4, 0.01, 0.05, 0.05, 0.1, 0.3, 1.0)) * reply.size
    only_one = rng.random() < 0.25
    for frame in reply.frames:
        for node in [rng.choice(frame.nodes)] if only_one else frame.nodes:
            node.center = [value + rng.gauss(0, amount) for value in node.center]
    if rng.random() < 0.06:
        for frame in reply.frames:
            for node in frame.nodes:
                node.center = [1.25] * len(node.center)


def _drop(rng: random.Random, reply: Reply) -> None:
    keep = rng.choice((0.9, 0.7, 0.3))
    for frame in reply.frames:
        frame.nodes = [node for node in frame.nodes if rng.random() < keep]


def _relabel(rng: random.Random, reply: Reply) -> None:
    labels = [node.label for frame in reply.frames for node in frame.nodes] + ["dog", "chair"]
    for frame in reply.frames:
        for node in frame.nodes:
            if rng.random() < 0.2:
                node.label = rng.choice(labels)


def _add(rng: random.Random, reply: Reply) -> None:
    """Hallucinated nodes, doubles of one id and of another, bare ones."""
    for frame in reply.frames:
        for _ in range(rng.randint(1, 3)):
            if frame.nodes and rng.random() < 0.7:
                like = rng.choice(frame.nodes)
                suffix = rng.choice((like.suffix, 90 + rng.randrange(9), None))
                center = [value + rng.choice((0.0, 1.0, rng.gauss(0, reply.size))) for value in like.center]
                frame.nodes.append(Written(like.label, suffix, center))
            else:
                center = [rng.uniform(-reply.size, reply.size) for _ in range(reply.dimension)]
                frame.nodes.append(Written("dog", rng.choice((None, 1, 2)), center))


def _strip_suffixes(_: random.Random, reply: Reply) -> None:
    for frame in reply.frames:
        for node in frame.nodes:
            node.suffix = None


# -- motions -------------------------------------------------------------------------------------------------


def _move(rng: random.Random, reply: Reply) -> None:
    """One motion for the clip, or one a frame: a rotation, a shift, a mirror, a scale."""
    one = _motion(rng, reply)
    each = rng.random() < 0.15
    for frame in reply.frames:
        matrix, shift = _motion(rng, reply) if each else one
        for node in frame.nodes:
            moved = (sum(a * b for a, b in zip(row, node.center, strict=True)) for row in matrix)
            node.center = [value + by for value, by in zip(moved, shift, strict=True)]


def _motion(rng: random.Random, reply: Reply) -> tuple[list[Point], Point]:
    dimension = reply.dimension
    quarter = rng.random() < 0.25
    angle = rng.randrange(4) * math.pi / 2 if quarter else rng.uniform(-math.pi, math.pi)
    if dimension == 2:
        axis = None
    elif reply.up is not None and rng.random() < 0.7:
        axis = [float(value) for value in reply.up]
    else:
        axis = [rng.gauss(0, 1) for _ in range(3)]
    matrix = _turn(angle, axis)
    if rng.random() < 0.12:
        matrix[0] = [-value for value in matrix[0]]
    factor = rng.choice((1.0, 1.0, 1.0, 0.53, 1.27))
    shift = (
        [0.0] * dimension
        if rng.random() < 0.3
        else [rng.uniform(-reply.size, reply.size) for _ in range(dimension)]
    )
    return [[factor * value for value in row] for row in matrix], shift


def _turn(angle: float, axis: Point | None) -> list[Point]:
    c, s = math.cos(angle), math.sin(angle)
    if axis is None:
        return [[c, -s], [s, c]]
    length = math.hypot(*axis)
    x, y, z = (value / length for value in axis)
    return [
        [c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
        [y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s],
        [z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c)],
    ]


# -- frames and edges ----------------------------------------------------------------------------------------


def _change_frames(rng: random.Random, reply: Reply) -> None:
    frames = reply.frames
    change = rng.choice(("drop", "double", "swap", "shift", "no times", "times", "same time", "empty"))
    index = rng.randrange(len(frames))
    frame = frames[index]
    copy = WrittenFrame(frame.t, [Written(n.label, n.suffix, list(n.center)) for n in frame.nodes])
    if change == "drop" and len(frames) > 1:
        del frames[index]
    elif change == "double":
        copy.t = None if copy.t is None else copy.t + rng.choice((0.125, 0.3, 50))
        frames.append(copy)
    elif change == "swap":
        rng.shuffle(frames)
    elif change == "shift" and frame.t is not None:
        by = rng.choice((0.125, 0.25, -0.25, 0.5, 0.75, 3))
        for other in frames:
            other.t = None if other.t is None else other.t + by
    elif change == "no times":
        for other in frames if rng.random() < 0.5 else [frame]:
            other.t = None
    elif change == "times":
        for at, other in enumerate(frames):
            other.t = float(at)
    elif change == "same time" and frame.t is not None:
        for node in copy.nodes:
            node.center = [value + rng.choice((-1, 1)) for value in node.center]
        frames.insert(rng.randrange(len(frames) + 1), copy)
    elif change == "empty":
        frames.insert(index, WrittenFrame(None if frame.t is None else frame.t + 0.0625, []))


def _state_edges(rng: random.Random, frame: WrittenFrame) -> None:
    pairs = [(a, b) for i, a in enumerate(frame.nodes) for b in frame.nodes[:i]]
    share = rng.choice((1.0, 0.6))
    with_angles = rng.random() < 0.5
    for a, b in pairs:
        if rng.random() > share:
            continue
        ends = (a, b) if rng.random() < 0.5 else (b, a)
        distance = math.dist(a.center, b.center)
        if rng.random() < 0.4:
            distance *= rng.uniform(0.6, 1.6)
        angle = rng.uniform(0, 180) if with_angles and rng.random() < 0.8 else None
        frame.edges.append((*ends, distance, angle))
        if rng.random() < 0.05:
            frame.edges.append((*ends[::-1], distance + 1, None))
        if rng.random() < 0.04:
            lost = Written("unicorn", 3, [])
            frame.edges.append(
                rng.choice(((a, lost, 1.5, None), (a, b, -1.0, None), (a, a, 0.5, None), (b, a, 2.5, 30.0)))
            )
