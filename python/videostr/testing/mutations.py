"""What a model gets wrong, one fault at a time: each function takes frames and returns new ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from videostr.testing.scenes import LABELS, Frames, Node, Point, Scene

__all__ = [
    "FOREIGN_LABEL",
    "MUTATIONS",
    "add_node",
    "displace",
    "drop",
    "duplicate",
    "jitter",
    "mutate",
    "relabel",
    "shuffle",
    "wander",
]

FOREIGN_LABEL = "unicorn"
"""A label that no generated scene has."""


def _with_nodes(frames: Frames, frame: int, nodes: tuple[Node, ...]) -> Frames:
    return (*frames[:frame], replace(frames[frame], nodes=nodes), *frames[frame + 1 :])


def _free_suffix(nodes: tuple[Node, ...], label: str) -> int:
    return 1 + max((node.suffix or 0 for node in nodes if node.label == label), default=0)


def drop(frames: Frames, frame: int, node: int) -> Frames:
    """Without one node.

    >>> from videostr.testing.scenes import tetrahedron
    >>> len(drop(tetrahedron().frames, 0, 2)[0].nodes)
    3
    """
    nodes = frames[frame].nodes
    return _with_nodes(frames, frame, nodes[:node] + nodes[node + 1 :])


def add_node(frames: Frames, frame: int, node: Node) -> Frames:
    """With one node more, a hallucination."""
    return _with_nodes(frames, frame, (*frames[frame].nodes, node))


def duplicate(frames: Frames, frame: int, node: int, *, numbered: bool = True) -> Frames:
    """One node said twice: the copy has another number, or (`numbered` false) none."""
    nodes = frames[frame].nodes
    suffix = _free_suffix(nodes, nodes[node].label) if numbered else None
    return add_node(frames, frame, replace(nodes[node], suffix=suffix))


def relabel(frames: Frames, frame: int, node: int, label: str) -> Frames:
    """One node under another label, with a number that is free there."""
    nodes = frames[frame].nodes
    renamed = replace(nodes[node], label=label, suffix=_free_suffix(nodes, label))
    return _with_nodes(frames, frame, (*nodes[:node], renamed, *nodes[node + 1 :]))


def displace(frames: Frames, frame: int, node: int, offset: Point) -> Frames:
    """One node moved by `offset`, in the scene's unit."""
    nodes = frames[frame].nodes
    center = tuple(x + dx for x, dx in zip(nodes[node].center, offset, strict=True))
    return _with_nodes(
        frames, frame, (*nodes[:node], replace(nodes[node], center=center), *nodes[node + 1 :])
    )


def jitter(rng: np.random.Generator, frames: Frames, sigma: float) -> Frames:
    """Normal noise of standard deviation `sigma` (scene units) on every centre."""
    return tuple(
        frame.with_centers(frame.centers + rng.normal(0.0, sigma, frame.centers.shape))
        if frame.nodes
        else frame
        for frame in frames
    )


def shuffle(rng: np.random.Generator, frames: Frames) -> Frames:
    """The nodes of each frame in another order, and the frames too when every one has a time."""
    mixed = [replace(f, nodes=tuple(f.nodes[k] for k in rng.permutation(len(f.nodes)))) for f in frames]
    if all(frame.t is not None for frame in frames):
        mixed = [mixed[k] for k in rng.permutation(len(mixed))]
    return tuple(mixed)


def _offset(rng: np.random.Generator, scene: Scene, least: float, most: float) -> Point:
    direction = rng.normal(size=scene.dimension)
    length = scene.diameter * math.exp(rng.uniform(math.log(least), math.log(most)))
    direction *= length / float(np.linalg.norm(direction))
    return tuple(float(value) for value in direction)


def _somewhere(rng: np.random.Generator, scene: Scene, frame: int, label: str) -> Node:
    offset = _offset(rng, scene, 0.05, 0.5)
    middle = scene.frames[frame].centers.mean(axis=0)
    suffix = _free_suffix(scene.frames[frame].nodes, label)
    return Node(label, suffix, tuple(float(x) + dx for x, dx in zip(middle, offset, strict=True)))


MUTATIONS: tuple[str, ...] = (
    "drop",
    "duplicate_numbered",
    "duplicate_bare",
    "foreign_label",
    "wrong_label",
    "hallucinate",
    "hallucinate_foreign",
    "displace",
)
"""The names of every fault that must cost a perfect reply something."""


def mutate(rng: np.random.Generator, scene: Scene, name: str) -> Frames:
    """The frames of `scene` with the named fault of `MUTATIONS` at a random node.

    A displacement is longer than 1 % of the scene's scale and at most half of it.

    >>> from videostr.testing.scenes import tetrahedron
    >>> len(mutate(np.random.default_rng(3), tetrahedron(), "duplicate_bare")[0].nodes)
    5
    """
    f = int(rng.integers(len(scene.frames)))
    nodes = scene.frames[f].nodes
    n = int(rng.integers(len(nodes)))
    label = nodes[n].label
    if name == "drop":
        return drop(scene.frames, f, n)
    if name in ("duplicate_numbered", "duplicate_bare"):
        return duplicate(scene.frames, f, n, numbered=name == "duplicate_numbered")
    if name == "foreign_label":
        return relabel(scene.frames, f, n, FOREIGN_LABEL)
    if name == "wrong_label":
        others = sorted({node.label for node in nodes} - {label}) or sorted(set(LABELS) - {label})
        return relabel(scene.frames, f, n, others[int(rng.integers(len(others)))])
    if name in ("hallucinate", "hallucinate_foreign"):
        said = label if name == "hallucinate" else FOREIGN_LABEL
        return add_node(scene.frames, f, _somewhere(rng, scene, f, said))
    if name == "displace":
        return displace(scene.frames, f, n, _offset(rng, scene, 0.0101, 0.5))
    raise ValueError(f"mutation {name!r} is not one of {', '.join(MUTATIONS)}")


def wander(rng: np.random.Generator, scene: Scene, *, noise: float = 0.05, faults: int = 2) -> Frames:
    """A plausible wrong reply: noise of `noise` scales on every centre, then up to `faults` mutations."""
    frames = jitter(rng, scene.frames, noise * scene.diameter)
    for _ in range(int(rng.integers(0, faults + 1))):
        filled = tuple(frame for frame in frames if frame.nodes)
        if len(filled) < len(frames):
            break
        name = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        frames = mutate(rng, replace(scene, frames=frames, scale=scene.diameter), name)
    return frames
