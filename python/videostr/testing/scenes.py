"""Scenes with a known structure: plain, seeded, numpy only.

A `Scene` is what a reference says, as frozen values: frames of labelled points, the space they live in and a
question's answer. `Scene.reference` writes it as a ground truth that `Scorer.prepare` reads. Every random
generator takes a `numpy.random.Generator` and draws from nothing else, so that a seed names a scene.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LABELS",
    "Edge",
    "Frame",
    "Frames",
    "Node",
    "Point",
    "Scene",
    "clip",
    "coincident",
    "collinear",
    "cube",
    "integer_grid",
    "lone_object",
    "planar",
    "random_scene",
    "regular_polygon",
    "table_with_chairs",
    "tetrahedron",
]

Point = tuple[float, ...]
Labelling = Literal["unique", "mixed", "equal"]
Space = Literal["world", "camera", "image"]

LABELS: tuple[str, ...] = (
    *("chair", "table", "sofa", "lamp", "bed", "plant", "traffic light", "car", "van", "cyclist", "door"),
    *("window", "shelf", "monitor", "keyboard", "cup", "bottle", "backpack", "trash bin", "pillow", "clock"),
    *("dog", "tram", "pedestrian", "truck", "bench", "sink", "mirror", "curtain", "desk", "stool", "vase"),
)
"""Thirty-two labels that stay different after every normalisation of the scorer."""

_CHOICE: Mapping[str, Any] = {"kind": "choice", "value": "B", "options": ["left", "right"]}


@dataclass(frozen=True, slots=True)
class Node:
    """An object: label, instance number (None: a bare label) and centre in the scene's unit."""

    label: str
    suffix: int | None
    center: Point

    @property
    def id(self) -> str:
        """The id as references and replies write it: `chair.1`, or `chair` when there is no number."""
        return self.label if self.suffix is None else f"{self.label}.{self.suffix}"


@dataclass(frozen=True, slots=True)
class Edge:
    """A stated pair: two ids, a distance in the scene's unit and, optionally, an angle in degrees."""

    first: str
    second: str
    distance: float
    angle: float | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment: nodes, time in seconds (None: no time), the camera's place, and a reply's stated edges."""

    nodes: tuple[Node, ...]
    t: float | None = None
    observer: Point | None = None
    edges: tuple[Edge, ...] = ()

    @property
    def centers(self) -> NDArray[np.float64]:
        """Centres, float64 (N, dimension)."""
        return np.array([node.center for node in self.nodes], dtype=np.float64)

    def with_centers(self, centers: NDArray[np.float64]) -> Frame:
        """The same frame with its nodes elsewhere; `centers` is (N, dimension) in the order of `nodes`."""
        if len(centers) != len(self.nodes):
            raise ValueError(f"centers has {len(centers)} rows, the frame has {len(self.nodes)} nodes")
        moved = (replace(node, center=_point(row)) for node, row in zip(self.nodes, centers, strict=True))
        return replace(self, nodes=tuple(moved))


Frames = tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A reference before it is written: frames, space, unit, gravity, scale and answer.

    `scale` None leaves the scorer to take the diagonal of the box around all centres; `answer` None leaves
    the reference without a question.

    >>> scene = table_with_chairs()
    >>> scene.dimension, scene.group, len(scene.frames[0].nodes)
    (3, 'yaw', 5)
    >>> sorted(scene.reference())
    ['answer', 'graph', 'version']
    """

    frames: Frames
    space: Space = "world"
    unit: str = "m"
    up: Point | None = None
    scale: float | None = None
    answer: Mapping[str, Any] | None = field(default_factory=lambda: dict(_CHOICE))

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return len(self.frames[0].nodes[0].center)

    @property
    def group(self) -> Literal["so2", "yaw", "so3"]:
        """The rotations that the spec's `group: auto` means for this scene."""
        if self.dimension == 2:
            return "so2"
        return "so3" if self.up is None else "yaw"

    @property
    def diameter(self) -> float:
        """D, the length that distances are measured against, in the scene's unit; never 0."""
        if self.scale is not None:
            return self.scale
        points = np.concatenate([frame.centers for frame in self.frames])
        return float(np.linalg.norm(points.max(axis=0) - points.min(axis=0))) or 1.0

    def reference(self) -> dict[str, Any]:
        """The ground truth as a new dict, ready for `Scorer.prepare`."""
        graph: dict[str, Any] = {"space": self.space, "unit": self.unit}
        if self.up is not None:
            graph["up"] = list(self.up)
        if self.scale is not None:
            graph["scale"] = self.scale
        graph["frames"] = [_frame_dict(frame) for frame in self.frames]
        whole: dict[str, Any] = {"version": 1, "graph": graph}
        if self.answer is not None:
            whole["answer"] = dict(self.answer)
        return whole


def _frame_dict(frame: Frame) -> dict[str, Any]:
    out: dict[str, Any] = {} if frame.t is None else {"t": frame.t}
    if frame.observer is not None:
        out["observer"] = list(frame.observer)
    out["nodes"] = [{"id": n.id, "label": n.label, "center": list(n.center)} for n in frame.nodes]
    return out


def _point(row: Sequence[float] | NDArray[np.float64]) -> Point:
    return tuple(float(value) for value in row)


def _name(count: int, labelling: Labelling, rng: np.random.Generator) -> list[tuple[str, int | None]]:
    if labelling == "unique":
        if count > len(LABELS):
            raise ValueError(f"labelling 'unique' has {len(LABELS)} labels, {count} nodes were asked for")
        picked = rng.permutation(len(LABELS))[:count]
        bare = rng.random(count) < 0.3
        return [(LABELS[k], None if b else 1) for k, b in zip(picked, bare, strict=True)]
    kinds = 1 if labelling == "equal" else max(1, count // 2)
    picked = rng.permutation(len(LABELS))[:kinds]
    seen: dict[str, int] = {}
    names: list[tuple[str, int | None]] = []
    for k in rng.integers(0, kinds, count):
        label = LABELS[picked[k]]
        seen[label] = seen.get(label, 0) + 1
        names.append((label, seen[label]))
    return names


def _still(
    points: NDArray[np.float64],
    names: Sequence[tuple[str, int | None]],
    *,
    up: Point | None = None,
    scale: float | None = None,
) -> Scene:
    nodes = (Node(label, suffix, _point(row)) for (label, suffix), row in zip(names, points, strict=True))
    return Scene(frames=(Frame(tuple(nodes)),), up=up, scale=scale)


def _numbered(count: int, label: str = "chair") -> list[tuple[str, int | None]]:
    return [(label, k + 1) for k in range(count)]


def _lift(points: NDArray[np.float64], dimension: int) -> NDArray[np.float64]:
    return (
        points if dimension == points.shape[1] else np.pad(points, ((0, 0), (0, dimension - points.shape[1])))
    )


def random_scene(
    rng: np.random.Generator,
    *,
    nodes: int = 6,
    dimension: int = 3,
    labelling: Labelling = "mixed",
    up: Point | None = None,
    space: Space = "world",
    size: float = 4.0,
    scale: float | None = None,
) -> Scene:
    """One frame of objects at normally distributed places (standard deviation `size`): no symmetry, no tie.

    >>> scene = random_scene(np.random.default_rng(7), nodes=4, labelling="unique")
    >>> len({node.label for node in scene.frames[0].nodes})
    4
    """
    points = rng.normal(0.0, size, (nodes, dimension))
    scene = _still(points, _name(nodes, labelling, rng), up=up, scale=scale)
    observer = _point(rng.normal(0.0, 3 * size, dimension)) if space == "world" else None
    frames = tuple(replace(frame, observer=observer) for frame in scene.frames)
    return replace(scene, frames=frames, space=space, unit="px" if space == "image" else "m")


def clip(
    rng: np.random.Generator,
    scene: Scene,
    *,
    frames: int = 4,
    speed: float = 0.5,
    gap: float = 0.5,
    hidden: float = 0.0,
    timed: bool = True,
) -> Scene:
    """The first frame of `scene` as a clip: about half of its objects move on straight lines.

    Args:
        frames: how many frames.
        speed: standard deviation of a velocity, in the scene's unit per second.
        gap: seconds between frames.
        hidden: chance that an object is missing from a frame; one object of each frame always stays.
        timed: whether the frames carry their times.
    """
    first = scene.frames[0]
    moving = rng.random((len(first.nodes), 1)) < 0.5
    velocity = rng.normal(0.0, speed, (len(first.nodes), scene.dimension)) * moving
    out: list[Frame] = []
    for k in range(frames):
        moved = first.with_centers(first.centers + velocity * (gap * k))
        kept = rng.random(len(first.nodes)) >= hidden
        kept[rng.integers(len(first.nodes))] = True
        nodes = tuple(node for node, keep in zip(moved.nodes, kept, strict=True) if keep)
        out.append(replace(moved, nodes=nodes, t=gap * k if timed else None))
    return replace(scene, frames=tuple(out))


def lone_object(frames: int = 4, *, dimension: int = 3, up: Point | None = None, step: float = 1.0) -> Scene:
    """A clip that shows one object on a bent path (`step` 0: standing still): the trap of one motion a frame.

    >>> [len(frame.nodes) for frame in lone_object(3).frames]
    [1, 1, 1]
    """
    path = np.array([[step * k, 0.1 * step * k * k, 0.05 * step * k**3] for k in range(frames)])[
        :, :dimension
    ]
    shown = tuple(Frame((Node("car", 1, _point(row)),), t=0.5 * k) for k, row in enumerate(path))
    return Scene(frames=shown, up=up, scale=10.0)


def coincident(count: int = 4, *, dimension: int = 3, up: Point | None = None) -> Scene:
    """`count` chairs in one place."""
    return _still(np.full((count, dimension), 1.5), _numbered(count), up=up)


def collinear(
    count: int = 4,
    *,
    dimension: int = 3,
    up: Point | None = None,
    equal: bool = False,
    direction: Point | None = None,
) -> Scene:
    """Objects evenly spaced on one line (along `direction`, default the diagonal); `equal`: one label."""
    along = np.array(direction if direction is not None else (1.0,) * dimension, dtype=np.float64)
    points = np.arange(count, dtype=np.float64)[:, None] * along[None, :]
    names = _numbered(count) if equal else [(LABELS[k], 1) for k in range(count)]
    return _still(points, names, up=up)


def planar(
    rng: np.random.Generator, count: int = 6, *, labelling: Labelling = "unique", up: Point | None = None
) -> Scene:
    """A flat layout in 3-D: random places, all at height 0 (third coordinate)."""
    points = _lift(rng.normal(0.0, 4.0, (count, 2)), 3)
    return _still(points, _name(count, labelling, rng), up=up)


def regular_polygon(
    count: int = 5, *, dimension: int = 2, radius: float = 2.0, up: Point | None = None, equal: bool = True
) -> Scene:
    """`count` objects on a circle; `equal` labels: every turn by 360/count degrees maps it onto itself."""
    angle = 2 * math.pi * np.arange(count) / count
    points = _lift(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), dimension)
    names = _numbered(count) if equal else [(LABELS[k], 1) for k in range(count)]
    return _still(points, names, up=up)


def table_with_chairs(chairs: int = 4, *, up: Point | None = (0.0, 0.0, 1.0)) -> Scene:
    """A table and equal chairs around it: its own image after 360/`chairs` degrees, and its own mirror image.

    >>> [node.id for node in table_with_chairs(2).frames[0].nodes]
    ['table.1', 'chair.1', 'chair.2']
    """
    ring = regular_polygon(chairs, dimension=3, radius=1.0).frames[0].centers + np.array([0.0, 0.0, 0.45])
    points = np.concatenate([np.array([[0.0, 0.0, 0.75]]), ring])
    return _still(points, [("table", 1), *_numbered(chairs)], up=up)


def tetrahedron(*, mirrored: bool = False, equal: bool = False, up: Point | None = None) -> Scene:
    """A regular tetrahedron, or (`mirrored`) its mirror image: the same shape when labels are `equal`."""
    corners = [(1.0, 1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0)]
    points = np.array(corners) * (np.array([-1.0, 1.0, 1.0]) if mirrored else 1.0)
    names = _numbered(4) if equal else [(LABELS[k], 1) for k in range(4)]
    return _still(points, names, up=up)


def cube(*, side: float = 2.0, up: Point | None = None) -> Scene:
    """Eight equal chairs at the corners of a cube: 24 proper symmetries."""
    return integer_grid((2, 2, 2), step=side, up=up)


def integer_grid(
    shape: tuple[int, ...] = (3, 3), *, labels: int = 1, step: float = 1.0, up: Point | None = None
) -> Scene:
    """Objects at all points of an integer grid, `labels` labels dealt in turn: full of equal distances.

    >>> len(integer_grid((3, 2, 2)).frames[0].nodes)
    12
    """
    points = step * np.array(list(itertools.product(*(range(n) for n in shape))), dtype=np.float64)
    names = [(LABELS[k % labels], k // labels + 1) for k in range(len(points))]
    return _still(points, names, up=up)
