"""Specs: the presets of scoring.md section 7 with the fields of api.md, as plain dicts."""

from __future__ import annotations

from typing import Any

COMPONENTS = (
    "format",
    "answer",
    "node",
    "edge",
    "chirality",
    "motion",
    "consistency",
    "precision",
    "recall",
    "graph",
    "success",
    "length",
    "total",
)
WEIGHTED = ("format", "answer", "node", "edge", "chirality", "motion", "length")
GRAPH_PARTS = ("node", "edge", "chirality", "motion")
REPAIRS = (
    "code_fence",
    "trailing_comma",
    "single_quotes",
    "bare_key",
    "python_literal",
    "round_brackets",
    "truncation",
    "missing_comma",
    "repeated_key",
    "unit",
    "comment",
    "text_after",
    "void_line",
    "void_edge",
    "void_node",
    "corners_sorted",
    "duplicate_id",
    "internal",
)

POSE_FREE: dict[str, Any] = {
    "group": "auto",
    "angle": "centroid",
    "frame_of_reference": "auto",
    "align_scope": "auto",
    "free_scale": False,
    "max_starts": 16,
    "assignment": "optimal",
    "node_kernel": "exp",
    "node_s": 0.15,
    "per_class": False,
    "edge_kernel": "exp",
    "edge_s": 0.15,
    "angle_weight": 0.5,
    "edges": "derived",
    "edge_norm": "both",
    "frame_norm": "both",
    "motion_s": 0.15,
    "number": "mra",
    "box": "iou",
    "box_space": "reference",
    "gate": "none",
    "think_prefilled": False,
    "length_min": 320,
    "length_max": 512,
    "length_answer_over": 0.1,
    "weights": {
        "format": 1.0,
        "answer": 1.0,
        "node": 0.8,
        "edge": 0.8,
        "chirality": 0.4,
        "motion": 0.0,
        "length": 0.2,
    },
    "report": "all",
    "max_bytes": 262144,
    "max_frames": 128,
    "max_nodes": 512,
    "max_edges": 65536,
}

PRESETS: dict[str, dict[str, Any]] = {
    "pose-free": {},
    "so3": {"group": "so3", "angle": "centroid"},
    "video-str": {
        "group": "so3",
        "angle": "auto",
        "frame_of_reference": "given",
        "node_kernel": "linear",
        "per_class": True,
        "edge_kernel": "linear",
        "edge_norm": "reference",
        "frame_norm": "reference",
        "weights": {"node": 1.0, "edge": 1.0, "chirality": 0.0},
    },
    "coordinates": {"group": "none", "frame_of_reference": "given"},
    "answer-only": {"weights": {"node": 0.0, "edge": 0.0, "chirality": 0.0, "length": 0.0}},
}


def resolve(spec: dict[str, Any]) -> dict[str, Any]:
    """All fields of a spec written as {"preset": name, field: value, ...}; weights are merged one by one."""
    whole = dict(POSE_FREE, weights=dict(POSE_FREE["weights"]))
    own = {field: value for field, value in spec.items() if field != "preset"}
    for changes in (PRESETS[spec.get("preset", "pose-free")], own):
        for field, value in changes.items():
            if field not in whole:
                raise KeyError(f"unknown spec field {field!r}")
            if field == "weights":
                whole["weights"].update(value)
            else:
                whole[field] = value
    return whole
