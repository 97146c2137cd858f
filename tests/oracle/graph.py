"""The graph of either side: frames of nodes, and what a reader hands over before ids are settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .labels import Id


@dataclass
class Node:
    id: Id
    center: tuple[float, ...]

    @property
    def label(self) -> str:
        return self.id[0]

    @property
    def key(self) -> tuple[str, int, tuple[float, ...]]:
        """The order of nodes wherever an order is needed: (label, suffix, centre)."""
        return (*self.id, self.center)


@dataclass
class StatedEdge:
    distance: float
    degrees: float | None
    first: int  # the node that the reply wrote first


@dataclass
class Frame:
    t: float | None
    nodes: list[Node]  # sorted by key
    stated: dict[tuple[int, int], StatedEdge] = field(default_factory=dict)  # by node indices, lower first
    observer: np.ndarray | None = None

    @cached_property
    def centers(self) -> np.ndarray:
        return np.array([node.center for node in self.nodes], dtype=float)


@dataclass
class WrittenFrame:
    """A frame as a reader found it: good nodes only, edges still with ids."""

    t: float | None = None
    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[Id, Id, float, float | None]] = field(default_factory=list)
    is_cut: bool = False
    is_stated: bool = False  # by a line of its own
    node_count: int = 0  # with void ones, for the caps
    edge_count: int = 0


class BadGraphError(Exception):
    """A fault that is not on the list of repairs."""
