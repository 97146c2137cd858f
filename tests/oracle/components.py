"""The graph components of one frame pair under a match and a motion (scoring.md section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from .answers import MRA
from .assign import Match
from .graph import Frame
from .rigid import Motion
from .rounding import steps

RAY = 1e-3  # of D: a shorter ray has no angle
CLEAR, STILL_CLEAR = 1e-2, 1e-3  # of D³ (D²): reference tuples, and their images


@dataclass
class Layout:
    """What the reference and the spec together say about angles and orientation."""

    unit: float  # D
    dimension: int
    angle: str  # centroid | view | elevation | edge (the angle between an edge and its image)
    up: np.ndarray | None  # set where orientation is that of the horizontal area
    is_camera: bool
    _tuples: dict[int, list[tuple[tuple[int, ...], float]]] = field(default_factory=dict)

    def clear_tuples(self, frame: Frame) -> list[tuple[tuple[int, ...], float]]:
        """The clearly oriented tuples of a reference frame with their det or area, kept per frame."""
        if id(frame) not in self._tuples:
            self._tuples[id(frame)] = list(_clear_tuples(self, frame))
        return self._tuples[id(frame)]

    def power(self) -> float:
        """D³ for volumes, D² for areas."""
        return self.unit ** (3 if self.uses_volumes() else 2)

    def uses_volumes(self) -> bool:
        return self.dimension == 3 and self.up is None


@dataclass
class FramePair:
    """A frame of the reference, its partner, the matched nodes and the motion of the partner."""

    reference: Frame
    reply: Frame
    match: Match
    motion: Motion

    def same_ids(self) -> int:
        return sum(self.reference.nodes[i].id == self.reply.nodes[j].id for i, j in self.match)


# -- kernels -------------------------------------------------------------------------------------------------


def kernel(kind: str, r: Any, s: float) -> Any:
    """`exp` and `linear` of r, a distance over D."""
    return np.exp(-r / s) if kind == "exp" else np.maximum(0.0, 1.0 - r)


def distance_kernel(spec: dict[str, Any], d: np.ndarray, got: np.ndarray, unit: float) -> np.ndarray:
    """κ_d of distances d of the reference and d̂ of the reply."""
    kind = spec["edge_kernel"]
    if kind in ("exp", "linear"):
        return np.asarray(kernel(kind, np.abs(d - got) / unit, spec["edge_s"]))
    nothing = d == 0
    if kind == "ratio":
        larger = np.maximum(d, got)
        return np.where(larger == 0, 1.0, np.minimum(d, got) / np.where(larger == 0, 1.0, larger))
    error = np.abs(d - got) / np.where(nothing, 1.0, d)
    if kind == "relative":
        value = np.maximum(0.0, 1.0 - error)
    else:
        value = np.mean([error <= threshold for threshold in MRA], axis=0)
    return np.where(nothing, got <= 1e-9, value)


# -- node ----------------------------------------------------------------------------------------------------


def node_values(layout: Layout, spec: dict[str, Any], pair: FramePair) -> np.ndarray:
    """κ_n of each matched pair."""
    rows, columns = np.array(pair.match, dtype=int).reshape(-1, 2).T
    apart = np.linalg.norm(pair.reference.centers[rows] - pair.motion(pair.reply.centers)[columns], axis=-1)
    return np.asarray(kernel(spec["node_kernel"], apart / layout.unit, spec["node_s"]))


def node(layout: Layout, spec: dict[str, Any], pair: FramePair) -> float:
    values = node_values(layout, spec, pair)
    count = len(pair.reference.nodes)
    if not spec["per_class"]:
        return float(values.sum()) / max(count, len(pair.reply.nodes))
    wanted = Counter(node.label for node in pair.reference.nodes)
    given = Counter(node.label for node in pair.reply.nodes)
    labels = [pair.reference.nodes[i].label for i, _ in pair.match]
    total = 0.0
    for label, its_count in wanted.items():
        of_label = sum(float(v) for v, its in zip(values, labels, strict=True) if its == label)
        total += its_count / count * of_label / max(its_count, given[label])
    return total


# -- edge ----------------------------------------------------------------------------------------------------
# Pairs come as arrays of their first and second nodes; an angle that is not there is NaN.


def angle_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.shape[-1] == 2:
        across = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    else:
        across = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.arctan2(across, (a * b).sum(axis=-1))


def has_direction(layout: Layout, rays: np.ndarray) -> np.ndarray:
    return steps(np.linalg.norm(rays, axis=-1), layout.unit) >= RAY * 1e9


def angles_at(layout: Layout, corner: np.ndarray | None, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The angles at a corner between the directions to a and b."""
    if corner is None:
        return np.full(len(a), np.nan)
    there = has_direction(layout, a - corner) & has_direction(layout, b - corner)
    return np.where(there, angle_between(a - corner, b - corner), np.nan)


def elevations(layout: Layout, edges: np.ndarray) -> np.ndarray:
    assert layout.up is not None
    rise = edges @ layout.up
    level = np.linalg.norm(edges - np.outer(rise, layout.up), axis=-1)
    return np.where(has_direction(layout, edges), np.arctan2(rise, level), np.nan)


def edge_angles(
    layout: Layout, pair: FramePair, x: tuple[np.ndarray, np.ndarray], y: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """θ of the pairs x of reference nodes, θ̂ of the pairs y of reply nodes, as the group has them."""
    points, replied = pair.reference.centers, pair.reply.centers * pair.motion.scale
    edges, replied_edges = points[x[1]] - points[x[0]], replied[y[1]] - replied[y[0]]
    if layout.angle == "elevation":
        return elevations(layout, edges), elevations(layout, replied_edges)
    if layout.angle == "edge":  # between an edge and its image, measured from the edge
        theta = np.where(has_direction(layout, edges), 0.0, np.nan)
        turned = angle_between(edges, replied_edges)
        return theta, np.where(has_direction(layout, replied_edges), turned, np.nan)
    corner = replied_corner = None
    if layout.angle == "view":
        origin = np.zeros(layout.dimension) if layout.is_camera else None
        corner = replied_corner = origin if pair.reference.observer is None else pair.reference.observer
        replied = pair.motion(pair.reply.centers)
    elif len(pair.match) >= 3:
        corner = points[[i for i, _ in pair.match]].mean(axis=0)
        replied_corner = replied[[j for _, j in pair.match]].mean(axis=0)
    return (
        angles_at(layout, corner, points[x[0]], points[x[1]]),
        angles_at(layout, replied_corner, replied[y[0]], replied[y[1]]),
    )


def edge_sum(layout: Layout, spec: dict[str, Any], pair: FramePair) -> float:
    """The undivided sum of (1 - a)·κ_d + a·κ_θ over reference pairs with both ends matched."""
    ends = list(combinations(pair.match, 2))
    statements = []
    if spec["edges"] == "stated":  # a pair that is not stated scores 0
        found = [pair.reply.stated.get((min(j, m), max(j, m))) for (_, j), (_, m) in ends]
        ends = [its_ends for its_ends, statement in zip(ends, found, strict=True) if statement]
        statements = [statement for statement in found if statement]
    if not ends:
        return 0.0
    (i, j), (k, m) = np.array(ends).transpose(1, 2, 0)

    d = np.linalg.norm(pair.reference.centers[k] - pair.reference.centers[i], axis=-1)
    theta, got_theta = edge_angles(layout, pair, (i, k), (j, m))
    if spec["edges"] == "stated":
        got = np.array([statement.distance for statement in statements])
        degrees = [np.nan if statement.degrees is None else statement.degrees for statement in statements]
        got_theta = np.radians(degrees)
        if layout.angle == "edge":  # under `none` a stated pair has no angle
            got_theta = np.full(len(d), np.nan)
        elif layout.angle == "elevation":  # a pair stated from its other end
            got_theta = np.where([s.first for s in statements] == m, -got_theta, got_theta)
    else:
        got = pair.motion.scale * np.linalg.norm(pair.reply.centers[m] - pair.reply.centers[j], axis=-1)

    a = np.where(np.isnan(theta), 0.0, spec["angle_weight"])
    agreement = np.nan_to_num((1.0 + np.cos(theta - got_theta)) / 2.0, nan=0.0)
    return float(((1.0 - a) * distance_kernel(spec, d, got, layout.unit) + a * agreement).sum())


def edge(layout: Layout, spec: dict[str, Any], pair: FramePair) -> float:
    count = len(pair.reference.nodes) * (len(pair.reference.nodes) - 1) // 2
    if spec["edge_norm"] == "both":
        predicted = len(pair.reply.nodes) * (len(pair.reply.nodes) - 1) // 2
        count = max(count, len(pair.reply.stated) if spec["edges"] == "stated" else predicted)
    return edge_sum(layout, spec, pair) / count


def consistencies(layout: Layout, spec: dict[str, Any], reply: Frame, scale: float) -> list[float]:
    """κ_d of each stated edge between the distance that is stated and the one that its ends have."""
    if not reply.stated:
        return []
    j, m = np.array(list(reply.stated)).T
    derived = scale * np.linalg.norm(reply.centers[m] - reply.centers[j], axis=-1)
    stated = np.array([statement.distance for statement in reply.stated.values()])
    return [float(value) for value in distance_kernel(spec, stated, derived, layout.unit)]


# -- chirality -----------------------------------------------------------------------------------------------

FARTHEST, FARTHEST_WITH_EQUALS, TUPLES = 24, 32, 512


def orientations(layout: Layout, points: np.ndarray, tuples: np.ndarray) -> np.ndarray:
    """Signed dets of quadruples, or signed areas (horizontal ones under yaw) of triples."""
    rays = points[tuples[:, 1:]] - points[tuples[:, :1]]
    if layout.uses_volumes():
        return np.linalg.det(rays)
    if layout.dimension == 2:
        return (rays[:, 0, 0] * rays[:, 1, 1] - rays[:, 0, 1] * rays[:, 1, 0]) / 2
    return np.cross(rays[:, 0], rays[:, 1]) @ layout.up / 2


def _clear_tuples(layout: Layout, frame: Frame) -> Iterator[tuple[tuple[int, ...], float]]:
    points = frame.centers
    away = steps(np.linalg.norm(points - points.mean(axis=0), axis=-1), layout.unit)
    order = np.argsort(-away, kind="stable")
    if len(order) > FARTHEST:
        order = order[away[order] >= away[order[FARTHEST - 1]]][:FARTHEST_WITH_EQUALS]
    size = 4 if layout.uses_volumes() else 3
    tuples = np.array(list(combinations(sorted(order), size)), dtype=int).reshape(-1, size)
    if not len(tuples):
        return
    signed = orientations(layout, points, tuples)
    amount = steps(np.abs(signed), layout.power())
    least = CLEAR * 1e9 + 1
    if len(tuples) > TUPLES:
        least = max(least, np.sort(amount)[-TUPLES])
    for nodes, sign, its in zip(tuples.tolist(), np.sign(signed), amount, strict=True):
        if its >= least:
            yield tuple(nodes), float(sign)


def chirality_right(layout: Layout, pair: FramePair) -> int:
    """How many of the reference's clearly oriented tuples the reply has the right way round."""
    partner = dict(pair.match)
    kept = [
        (nodes, sign)
        for nodes, sign in layout.clear_tuples(pair.reference)
        if all(i in partner for i in nodes)
    ]
    if not kept:
        return 0
    images = np.array([[partner[i] for i in nodes] for nodes, _ in kept])
    got = orientations(layout, pair.reply.centers * pair.motion.scale, images)
    clear = steps(np.abs(got), layout.power()) > STILL_CLEAR * 1e9
    return int(((np.sign(got) == [sign for _, sign in kept]) & clear).sum())


# -- motion --------------------------------------------------------------------------------------------------


def movers(before: Frame, now: Frame) -> list[tuple[int, int]]:
    """Reference objects that are in both frames, as node indices."""
    index = {node.id: i for i, node in enumerate(before.nodes)}
    return [(index[node.id], i) for i, node in enumerate(now.nodes) if node.id in index]


def displacement(
    layout: Layout,
    spec: dict[str, Any],
    reference: tuple[Frame, Frame],
    before: FramePair | None,
    now: FramePair | None,
) -> float:
    """The mean of κ_m over the objects that are in this frame and in the one before."""
    objects = movers(*reference)
    if before is None or now is None:
        return 0.0
    carried = [Counter(node.id for node in pair.reply.nodes) for pair in (before, now)]
    partner_before, partner_now = dict(before.match), dict(now.match)
    total = 0.0
    for i, k in objects:
        j, m = partner_before.get(i), partner_now.get(k)
        if j is None or m is None:
            continue
        id_before, id_now = before.reply.nodes[j].id, now.reply.nodes[m].id
        if id_before != id_now or any(count[id_now] != 1 for count in carried):
            continue
        length = float(np.linalg.norm(now.reference.centers[k] - before.reference.centers[i]))
        got = now.motion.scale * float(np.linalg.norm(now.reply.centers[m] - before.reply.centers[j]))
        total += float(np.exp(-abs(length - got) / layout.unit / spec["motion_s"]))
    return total / len(objects)
