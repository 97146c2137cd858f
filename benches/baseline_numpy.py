"""The baseline: preset `video-str` with re + json + numpy + scipy, as reward functions are written today.

One reply at a time, one function a component, no shared work beyond what such code shares. It reads clean
JSON only: what it cannot parse has no graph.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

FORMAT = re.compile(r"\s*<think>.*?</think>\s*<answer>.*?</answer>\s*", re.DOTALL)
ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
GRAPH = re.compile(r"<graph>(.*?)</graph>", re.DOTALL)
SUFFIX = re.compile(r"[ ._#-](\d+)$")


def format_reward(text: str) -> float:
    return 1.0 if FORMAT.fullmatch(text) else 0.0


def answer_reward(text: str, reference: dict[str, Any]) -> float:
    found = ANSWER.findall(text.rsplit("</think>", 1)[-1])
    return 1.0 if found and found[-1].strip().upper()[:1] == reference["answer"]["value"] else 0.0


def label_of(name: str) -> str:
    return SUFFIX.sub("", name.casefold().strip()).replace("_", " ").replace("-", " ")


def parse_graph(text: str) -> list[tuple[list[str], np.ndarray]] | None:
    found = GRAPH.findall(text.split("</think>", 1)[0])
    if not found:
        return None
    try:
        frames = json.loads(found[-1])["frames"]
        return [
            (
                [label_of(node[0]) for node in frame["nodes"]],
                np.array([node[1] for node in frame["nodes"]]).reshape(-1, 3),
            )
            for frame in frames
        ]
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def match(
    labels: list[str], centers: np.ndarray, other_labels: list[str], other: np.ndarray
) -> tuple[list[int], list[int]]:
    rows, cols = [], []
    for label in sorted(set(labels)):
        a = [i for i, name in enumerate(labels) if name == label]
        b = [j for j, name in enumerate(other_labels) if name == label]
        if a and b:
            r, c = linear_sum_assignment(cdist(centers[a], other[b]))
            rows += [a[i] for i in r]
            cols += [b[j] for j in c]
    return rows, cols


def angles_at_centroid(points: np.ndarray, scale: float) -> np.ndarray:
    rays = points - points.mean(axis=0)
    long = np.linalg.norm(rays, axis=1) >= 1e-3 * scale
    cross = np.linalg.norm(np.cross(rays[:, None], rays[None]), axis=-1)
    angle = np.arctan2(cross, rays @ rays.T)
    angle[~(long[:, None] & long[None])] = np.nan
    return angle


def frame_reward(
    labels: list[str], centers: np.ndarray, other_labels: list[str], other: np.ndarray, scale: float
) -> tuple[float, float]:
    rows, cols = match(labels, centers, other_labels, other)
    close = np.maximum(0.0, 1.0 - np.linalg.norm(centers[rows] - other[cols], axis=1) / scale)
    node = 0.0
    for label in set(labels):
        of_label = [k for k, i in enumerate(rows) if labels[i] == label]
        most = max(labels.count(label), other_labels.count(label))
        node += labels.count(label) / len(labels) * close[of_label].sum() / most
    if len(rows) < 2:
        return node, 0.0
    x, y = centers[rows], other[cols]
    i, j = np.triu_indices(len(rows), 1)
    distance = np.maximum(0.0, 1.0 - np.abs(cdist(x, x)[i, j] - cdist(y, y)[i, j]) / scale)
    if len(rows) < 3:
        score = distance
    else:
        theta, theta_hat = angles_at_centroid(x, scale)[i, j], angles_at_centroid(y, scale)[i, j]
        kappa = np.nan_to_num((1 + np.cos(theta - theta_hat)) / 2, nan=0.0)
        score = np.where(np.isnan(theta), distance, 0.5 * distance + 0.5 * kappa)
    return node, float(score.sum() / (len(labels) * (len(labels) - 1) / 2))


def graph_reward(text: str, reference: dict[str, Any]) -> tuple[float, float]:
    frames = parse_graph(text)
    truth = reference["graph"]["frames"]
    node = edge = 0.0
    for frame, other in zip(truth, frames or [], strict=False):
        labels = [n["label"] for n in frame["nodes"]]
        centers = np.array([n["center"] for n in frame["nodes"]])
        a, b = frame_reward(labels, centers, *other, reference["graph"]["scale"])
        node, edge = node + a, edge + b
    return node / len(truth), edge / len(truth)


def score(text: str, reference: dict[str, Any]) -> tuple[float, float, float, float]:
    """(format, answer, node, edge) of one reply."""
    return (format_reward(text), answer_reward(text, reference), *graph_reward(text, reference))
