"""The reference (scoring.md section 2); assumed valid, validation is the product's own job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from .graph import Frame, Node
from .labels import read_aliases, read_id


@dataclass
class ReferenceGraph:
    space: str
    unit: str | None
    up: np.ndarray | None
    scale: float
    aliases: dict[str, str]
    frames: list[Frame]
    dimension: int


@dataclass
class Reference:
    answer: dict[str, Any] | None
    graph: ReferenceGraph | None


def read_reference(source: str | dict[str, Any]) -> Reference:
    data = json.loads(source) if isinstance(source, str) else source
    return Reference(data.get("answer"), _read_graph(data["graph"]) if "graph" in data else None)


def _read_graph(data: dict[str, Any]) -> ReferenceGraph:
    aliases = read_aliases(data.get("aliases", {}))
    frames = []
    for frame in data["frames"]:
        nodes = [
            Node(read_id(n["id"], aliases), tuple(float(v) for v in n["center"])) for n in frame["nodes"]
        ]
        observer = np.array(frame["observer"], dtype=float) if frame.get("observer") is not None else None
        frames.append(Frame(frame.get("t"), sorted(nodes, key=lambda node: node.key), observer=observer))
    centers = np.vstack([frame.centers for frame in frames])
    scale = data.get("scale")
    if scale is None:
        scale = float(np.linalg.norm(centers.max(axis=0) - centers.min(axis=0))) or 1.0
    up = data.get("up")
    return ReferenceGraph(
        space=data["space"],
        unit=data.get("unit"),
        up=None if up is None else np.array(up, dtype=float) / np.linalg.norm(up),
        scale=float(scale),
        aliases=aliases,
        frames=frames,
        dimension=centers.shape[1],
    )
