"""Baseline (a): preset `video-str` as open graph-reward code is written: one reward function a component.

Each function reads the reply again, costs and edges are nested Python loops over dictionaries, and scipy solves the
assignment; only the matching is remembered between two functions. Clean JSON only: anything else has no graph.
"""

from __future__ import annotations

import functools
import json
import math
import re
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

Node = tuple[str, tuple[float, float, float]]


def format_reward(text: str) -> float:
    return 1.0 if re.fullmatch(r"\s*<think>.*?</think>\s*<answer>.*?</answer>\s*", text, re.DOTALL) else 0.0


def answer_reward(text: str, reference: dict[str, Any]) -> float:
    found = re.findall(r"<answer>(.*?)</answer>", text.rsplit("</think>", maxsplit=1)[-1], re.DOTALL)
    if not found:
        return 0.0
    return 1.0 if found[-1].strip().upper()[:1] == reference["answer"]["value"] else 0.0


def label_of(name: str) -> str:
    name = name.lower().strip()
    name = re.sub(r"[ ._#-]\d+$", "", name)
    return name.replace("_", " ").replace("-", " ")


def read_frames(text: str) -> list[tuple[Node, ...]]:
    found = re.findall(r"<graph>(.*?)</graph>", text.split("</think>", maxsplit=1)[0], re.DOTALL)
    if not found:
        return []
    try:
        graph = json.loads(found[-1])
        return [
            tuple((label_of(name), (float(c[0]), float(c[1]), float(c[2]))) for name, c in frame["nodes"])
            for frame in graph["frames"]
        ]
    except Exception:
        return []


def reference_frames(reference: dict[str, Any]) -> list[tuple[Node, ...]]:
    return [
        tuple((node["label"], tuple(node["center"])) for node in frame["nodes"])
        for frame in reference["graph"]["frames"]
    ]


def distance(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)


@functools.lru_cache(maxsize=4096)
def match(truth: tuple[Node, ...], reply: tuple[Node, ...]) -> list[tuple[int, int]]:
    pairs = []
    for label in sorted({node[0] for node in truth}):
        rows = [i for i, node in enumerate(truth) if node[0] == label]
        cols = [j for j, node in enumerate(reply) if node[0] == label]
        if not rows or not cols:
            continue
        cost = np.zeros((len(rows), len(cols)))
        for a, i in enumerate(rows):
            for b, j in enumerate(cols):
                cost[a, b] = distance(truth[i][1], reply[j][1])
        for a, b in zip(*linear_sum_assignment(cost), strict=True):
            pairs.append((rows[a], cols[b]))
    return pairs


def node_reward(text: str, reference: dict[str, Any]) -> float:
    truths, replies = reference_frames(reference), read_frames(text)
    scale = reference["graph"]["scale"]
    total = 0.0
    for truth, reply in zip(truths, replies, strict=False):
        labels = [node[0] for node in truth]
        reply_labels = [node[0] for node in reply]
        for i, j in match(truth, reply):
            label = labels[i]
            close = max(0.0, 1.0 - distance(truth[i][1], reply[j][1]) / scale)
            count = labels.count(label)
            total += count / len(labels) * close / max(count, reply_labels.count(label))
    return total / len(truths)


def centroid(points: list[tuple[float, ...]]) -> list[float]:
    return [sum(p[axis] for p in points) / len(points) for axis in range(3)]


def angle(a: tuple[float, ...], b: tuple[float, ...], corner: list[float], scale: float) -> float | None:
    u = [a[axis] - corner[axis] for axis in range(3)]
    v = [b[axis] - corner[axis] for axis in range(3)]
    if math.hypot(*u) < 1e-3 * scale or math.hypot(*v) < 1e-3 * scale:
        return None
    cross = math.hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    return math.atan2(cross, u[0] * v[0] + u[1] * v[1] + u[2] * v[2])


def edge_reward(text: str, reference: dict[str, Any]) -> float:
    truths, replies = reference_frames(reference), read_frames(text)
    scale = reference["graph"]["scale"]
    total = 0.0
    for truth, reply in zip(truths, replies, strict=False):
        pairs = match(truth, reply)
        if len(pairs) < 2:
            continue
        corner = centroid([truth[i][1] for i, _ in pairs])
        reply_corner = centroid([reply[j][1] for _, j in pairs])
        edges = 0.0
        for a in range(len(pairs)):
            for b in range(a + 1, len(pairs)):
                (i, j), (k, m) = pairs[a], pairs[b]
                true, stated = distance(truth[i][1], truth[k][1]), distance(reply[j][1], reply[m][1])
                close = max(0.0, 1.0 - abs(true - stated) / scale)
                theta = angle(truth[i][1], truth[k][1], corner, scale) if len(pairs) >= 3 else None
                if theta is None:
                    edges += close
                    continue
                theta_hat = angle(reply[j][1], reply[m][1], reply_corner, scale)
                turn = 0.0 if theta_hat is None else (1.0 + math.cos(theta - theta_hat)) / 2.0
                edges += 0.5 * close + 0.5 * turn
        total += edges / (len(truth) * (len(truth) - 1) / 2)
    return total / len(truths)


def score(text: str, reference: dict[str, Any]) -> tuple[float, float, float, float]:
    """(format, answer, node, edge) of one reply."""
    return (
        format_reward(text),
        answer_reward(text, reference),
        node_reward(text, reference),
        edge_reward(text, reference),
    )
