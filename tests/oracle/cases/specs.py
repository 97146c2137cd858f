"""Specs: every preset, every field, and what a spec asks of its reference."""

from __future__ import annotations

import random
from typing import Any

PRESETS = ("pose-free", "pose-free", "pose-free", "so3", "video-str", "coordinates", "answer-only")

FIELDS: dict[str, tuple[Any, ...]] = {
    "group": ("auto", "so3", "yaw", "none"),
    "angle": ("centroid", "view", "auto"),
    "frame_of_reference": ("auto", "aligned", "aligned", "given"),
    "align_scope": ("auto", "clip", "frame"),
    "free_scale": (True,),
    "max_starts": (1, 2, 4, 16, 32, 64),
    "assignment": ("optimal", "greedy", "id"),
    "node_kernel": ("exp", "linear"),
    "node_s": (0.05, 0.15, 0.4),
    "per_class": (True, False),
    "edge_kernel": ("exp", "linear", "ratio", "relative", "mra"),
    "edge_s": (0.05, 0.15, 0.4),
    "angle_weight": (0.0, 0.25, 0.5, 1.0),
    "edges": ("derived", "stated"),
    "edge_norm": ("both", "reference"),
    "frame_norm": ("both", "reference"),
    "motion_s": (0.05, 0.15, 0.4),
    "number": ("mra", "relative", "exact2"),
    "box": ("iou", "giou"),
    "box_space": ("reference", "pixel", "norm1", "norm1000"),
    "gate": ("none", "answer", "format"),
    "think_prefilled": (True, False),
    "length_min": (100, 320),
    "length_max": (400, 512, 1000),
    "length_answer_over": (0.0, 0.1, 0.5),
    "report": ("all", "weighted"),
}
WEIGHTED = ("format", "answer", "node", "edge", "chirality", "motion", "length")


def make_spec(rng: random.Random) -> dict[str, Any]:
    spec: dict[str, Any] = {"preset": rng.choice(PRESETS)}
    if rng.random() < 0.75:
        for field in rng.sample(sorted(FIELDS), rng.randint(1, 7)):
            spec[field] = rng.choice(FIELDS[field])
    if rng.random() < 0.2:
        names = rng.sample(WEIGHTED, rng.randint(1, len(WEIGHTED)))
        spec["weights"] = {name: rng.choice((0.0, 0.2, 0.5, 1.0, 2.5)) for name in names}
    if rng.random() < 0.04:
        spec |= rng.choice(
            (
                {"max_nodes": rng.randint(1, 6)},
                {"max_frames": rng.randint(1, 3)},
                {"max_edges": rng.randint(1, 8)},
                {"max_bytes": rng.randint(50, 900)},
            )
        )
    return spec


def fit_to_reference(rng: random.Random, spec: dict[str, Any], reference: dict[str, Any]) -> None:
    """Give the reference what the spec asks for (`up`, `observer`), or change the spec where it cannot be."""
    graph = reference.get("graph")
    if graph is None:
        if spec.get("group") == "yaw" or spec.get("angle") == "view":
            spec.pop("group", None)
            spec.pop("angle", None)
        return
    dimension = len(graph["frames"][0]["nodes"][0]["center"])
    if spec.get("group") == "yaw" and dimension == 3 and "up" not in graph:
        graph["up"] = [0, 0, 1]
    if spec.get("angle") == "view":
        if dimension == 2:
            spec["angle"] = "centroid"
        elif graph["space"] != "camera" or rng.random() < 0.2:
            for frame in graph["frames"]:
                frame["observer"] = [round(rng.uniform(-8, 8), 3) for _ in range(3)]
