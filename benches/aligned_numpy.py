"""Preset `pose-free`, aligned (one motion a reply), with re + json + numpy + scipy, vectorised over motions and pairs.

What docs/scoring.md says in sections 3 and 4 for world space in three dimensions, as a careful numpy user would write
it: all starts are laid at once, scipy solves each label's assignment, lengths compare on the grid of 1e-9. It reads
clean JSON only, and not replies so large that section 9 bounds their search. `tests/oracle` is another version, for
reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

import baseline_numpy

NEAR, SPREAD = 1e-3, 0.15  # of D
TUPLES, STARTS, WANTED, ROUNDS, REFINED = 64, 64, 16, 8, 16
PAIR_IMAGES, TRIPLE_IMAGES = 256, 24
Motions = tuple[np.ndarray, np.ndarray]  # rotations (S, 3, 3), shifts (S, 3)


def grid(value: Any, unit: float = 1.0) -> Any:
    return np.rint(np.asarray(value) / unit * 1e9)


# -- the reference -------------------------------------------------------------------------------------------


class Reference:
    """A ground truth as arrays, with the oriented tuples of its frames."""

    def __init__(self, truth: dict[str, Any]) -> None:
        self.truth = truth
        graph = truth["graph"]
        self.scale = float(graph["scale"])
        self.up = np.array(graph["up"], dtype=float) if "up" in graph else None
        self.labels = [[node["label"] for node in frame["nodes"]] for frame in graph["frames"]]
        self.centers = [np.array([node["center"] for node in frame["nodes"]]) for frame in graph["frames"]]
        self.tuples = [self.oriented(points) for points in self.centers]

    def flat(self, vectors: np.ndarray) -> np.ndarray:
        """What the group turns: the horizontal part where gravity is known, else all."""
        return vectors if self.up is None else vectors - (vectors @ self.up)[..., None] * self.up

    def lengths(self, vectors: np.ndarray) -> np.ndarray:
        return np.linalg.norm(self.flat(vectors), axis=-1)

    def orientation(self, points: np.ndarray, tuples: np.ndarray) -> np.ndarray:
        """Signed horizontal areas of triples, or determinants of quadruples."""
        rays = points[tuples[:, 1:]] - points[tuples[:, :1]]
        if self.up is None:
            return np.linalg.det(rays)
        return np.cross(rays[:, 0], rays[:, 1]) @ self.up / 2

    def oriented(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        away = grid(np.linalg.norm(points - points.mean(axis=0), axis=1), self.scale)
        order = np.argsort(-away, kind="stable")
        if len(order) > 24:
            order = order[away[order] >= away[order[23]]][:32]
        size = 3 if self.up is not None else 4
        tuples = np.array(list(combinations(sorted(order), size)), dtype=int).reshape(-1, size)
        if not len(tuples):
            return tuples, np.zeros(0)
        signed = self.orientation(points, tuples)
        amount = grid(np.abs(signed), self.scale ** (size - 1))
        least = 1e7 + 1
        if len(tuples) > 512:
            least = max(least, np.sort(amount)[-512])
        return tuples[amount >= least], np.sign(signed[amount >= least])


# -- motions -------------------------------------------------------------------------------------------------


def fit(reference: Reference, x: np.ndarray, y: np.ndarray) -> Motions:
    """Least-squares motions of the points y (S, n, 3) onto x (S, n, 3)."""
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    x, y = x - mean_x[:, None], y - mean_y[:, None]
    if reference.up is None:
        u, _, vt = np.linalg.svd(x.transpose(0, 2, 1) @ y)
        u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
        rotation = u @ vt
    else:
        cosine, sine = resultant(reference, x, y)
        length = np.hypot(cosine, sine)
        rotation = about(reference.up, cosine / length, sine / length)
    return rotation, mean_x - np.einsum("sij,sj->si", rotation, mean_y)


def resultant(reference: Reference, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat_x, flat_y = reference.flat(x), reference.flat(y)
    return (flat_x * flat_y).sum(axis=(1, 2)), (np.cross(flat_y, flat_x) @ reference.up).sum(axis=1)


def about(axis: np.ndarray, cosine: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """Rotations about one axis, or about one each."""
    axis = np.broadcast_to(axis, (len(cosine), 3))
    across = np.zeros((len(axis), 3, 3))
    across[:, 0, 1], across[:, 0, 2], across[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    across -= across.transpose(0, 2, 1)
    outer = axis[:, :, None] * axis[:, None]
    c, s = cosine[:, None, None], sine[:, None, None]
    return c * np.eye(3) + s * across + (1 - c) * outer


def is_unique(reference: Reference, x: np.ndarray, y: np.ndarray) -> bool:
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    if reference.up is None:
        u, sigma, vt = np.linalg.svd(x.T @ y)
        second = sigma[1] + np.sign(np.linalg.det(u @ vt)) * sigma[2]
        return bool(second > 1e-6 * sigma[0] and sigma[0] > 1e-9 * reference.scale**2)
    products = (reference.lengths(x) * reference.lengths(y)).sum()
    length = np.hypot(*resultant(reference, x[None], y[None]))[0]
    return bool(length > 1e-6 * products and products > 1e-9 * reference.scale**2)


def smallest_turns(x: np.ndarray, y: np.ndarray) -> Motions:
    """Pairs y (S, 2, 3) onto x by the smallest rotation that lays direction on direction."""
    a, b = y[:, 1] - y[:, 0], x[:, 1] - x[:, 0]
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    axis, cosine = np.cross(a, b), (a * b).sum(axis=1)
    sine = np.linalg.norm(axis, axis=1)
    rotation = about(axis / np.maximum(sine, 1e-300)[:, None], cosine, sine)
    return rotation, x.mean(axis=1) - np.einsum("sij,sj->si", rotation, y.mean(axis=1))


# -- the scope -----------------------------------------------------------------------------------------------


@dataclass
class Laid:
    """A reply under one motion: for each reference node its partner or -1, and the sum of its kernels."""

    motion: Motions
    partners: np.ndarray
    kernels: np.ndarray
    total: float


class Scope:
    """All frames of the reference with their partners, which move together."""

    def __init__(self, reference: Reference, frames: list[tuple[list[str], np.ndarray]]) -> None:
        self.reference = reference
        paired = list(zip(reference.labels, reference.centers, frames, strict=False))
        self.x = np.vstack([centers for _, centers, _ in paired])
        self.y = np.vstack([centers for _, _, (_, centers) in paired])
        self.x_starts = np.cumsum([0, *(len(labels) for labels, _, _ in paired)])
        self.y_starts = np.cumsum([0, *(len(labels) for _, _, (labels, _) in paired)])
        groups: dict[tuple[int, str], tuple[list[int], list[int]]] = {}
        for f, (labels, _, (reply_labels, _)) in enumerate(paired):
            for i, label in enumerate(labels, self.x_starts[f]):
                groups.setdefault((f, label), ([], []))[0].append(i)
            for j, label in enumerate(reply_labels, self.y_starts[f]):
                if (f, label) in groups:
                    groups[f, label][1].append(j)
        self.groups = [(np.array(a), np.array(b)) for a, b in groups.values() if b]
        self.images: list[np.ndarray] = [np.zeros(0, dtype=int)] * len(self.x)
        for rows, columns in self.groups:
            for i in rows:
                self.images[i] = columns
        self.counts = np.array([len(images) for images in self.images])
        lone = [(a[0], b[0]) for a, b in self.groups if len(a) == len(b) == 1]
        self.lone = np.array(lone, dtype=int).reshape(-1, 2)
        self.many = [(a, b) for a, b in self.groups if len(a) > 1 or len(b) > 1]

    def lay(self, motions: Motions) -> list[Laid]:
        rotations, shifts = motions
        moved = np.einsum("sij,mj->smi", rotations, self.y) + shifts[:, None]
        partners = np.full((len(moved), len(self.x)), -1)
        apart = np.full((len(moved), len(self.x)), np.inf)
        rows, columns = self.lone.T
        partners[:, rows] = columns
        apart[:, rows] = np.linalg.norm(self.x[rows] - moved[:, columns], axis=-1)
        for rows, columns in self.many:
            costs = np.linalg.norm(self.x[rows][None, :, None] - moved[:, None, columns], axis=-1)
            for s, cost in enumerate(costs):
                a, b = linear_sum_assignment(cost)
                partners[s, rows[a]] = columns[b]
                apart[s, rows[a]] = cost[a, b]
        kernels = np.exp(-apart / self.reference.scale / SPREAD)
        return [
            Laid((r, t), p, k, float(grid(k.sum())))
            for r, t, p, k in zip(rotations, shifts, partners, kernels, strict=True)
        ]


# -- starts --------------------------------------------------------------------------------------------------


def starts(scope: Scope) -> Motions:
    reference = scope.reference
    found: list[Motions] = []
    if len(scope.lone):
        x, y = scope.x[scope.lone[:, 0]], scope.y[scope.lone[:, 1]]
        if is_unique(reference, x, y):
            found.append(fit(reference, x[None], y[None]))
    size = 3 if reference.up is None else 2
    chosen = choose(scope, size)
    if chosen is None and size == 3:
        chosen = choose(scope, 2)
    if chosen is None:
        singles = single_starts(scope)
        if singles is not None:
            found.append(singles)
    else:
        x, y = chosen
        turn_pairs = reference.up is None and x.shape[1] == 2
        found.append(smallest_turns(x, y) if turn_pairs else fit(reference, x, y))
    if not found:
        return np.eye(3)[None], np.zeros((1, 3))
    return np.concatenate([r for r, _ in found]), np.concatenate([t for _, t in found])


def choose(scope: Scope, size: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Tuples of reference nodes and their images of best agreement: (S, size, 3) each."""
    most = TRIPLE_IMAGES if size == 3 else PAIR_IMAGES
    usable = np.flatnonzero((scope.counts > 0) & (scope.counts <= most))
    first, second = (usable[side] for side in np.triu_indices(len(usable), 1))
    length = grid(scope.reference.lengths(scope.x[first] - scope.x[second]), scope.reference.scale)
    images = scope.counts[first] * scope.counts[second]
    order = np.lexsort((second, first, -length, images))
    order = order[length[order] > NEAR * 1e9]
    nodes: list[np.ndarray] = []
    replies: list[np.ndarray] = []
    looked_at, cut = 0, None
    for at in order:
        equals = (images[at], length[at])
        if cut is not None and equals != cut:
            break
        pair = (first[at], second[at])
        for item in [pair] if size == 2 else thirds(scope, usable, *pair):
            if looked_at == TUPLES:
                break
            looked_at += 1
            best = best_images(scope, np.array(item))
            nodes += [np.array(item)] * len(best)
            replies += list(best)
        if looked_at == TUPLES or len(nodes) >= STARTS:
            break
        if len(nodes) >= WANTED:
            cut = equals
    if not nodes:
        return None
    return scope.x[np.array(nodes[:STARTS])], scope.y[np.array(replies[:STARTS])]


def thirds(scope: Scope, usable: np.ndarray, i: int, j: int) -> list[tuple[int, int, int]]:
    others = usable[(usable != i) & (usable != j)]
    edge = scope.x[j] - scope.x[i]
    doubled = np.linalg.norm(np.cross(edge, scope.x[others] - scope.x[i]), axis=-1)
    scale = scope.reference.scale
    high = grid(doubled / np.linalg.norm(edge), scale) > NEAR * 1e9
    others, area = others[high], grid(doubled[high] / 2, scale**2)
    if not len(others):
        return []
    counts = scope.counts[others]
    best = (counts == counts.min()) & (area == area[counts == counts.min()].max())
    return [(i, j, k) for k in others[best]]


def best_images(scope: Scope, nodes: np.ndarray) -> np.ndarray:
    reference, scale = scope.reference, scope.reference.scale
    table = np.stack(np.meshgrid(*(scope.images[i] for i in nodes), indexing="ij"), axis=-1)
    table = table.reshape(-1, len(nodes))
    for a, b in combinations(range(len(nodes)), 2):
        table = table[table[:, a] != table[:, b]]
    edge = scope.y[table[:, 1]] - scope.y[table[:, 0]]
    keep = grid(reference.lengths(edge), scale) > NEAR * 1e9
    table, edge = table[keep], edge[keep]
    if len(nodes) == 3:
        doubled = np.linalg.norm(np.cross(edge, scope.y[table[:, 2]] - scope.y[table[:, 0]]), axis=-1)
        table = table[grid(doubled / np.linalg.norm(edge, axis=-1), scale) > NEAR * 1e9]
    apart = np.zeros(len(table))
    for a, b in combinations(range(len(nodes)), 2):
        length = reference.lengths(scope.x[nodes[a]] - scope.x[nodes[b]])
        apart += np.abs(length - reference.lengths(scope.y[table[:, a]] - scope.y[table[:, b]]))
    apart = grid(apart, scale)
    return table[apart == apart.min()] if len(table) else table


def single_starts(scope: Scope) -> Motions | None:
    usable = np.flatnonzero((scope.counts > 0) & (scope.counts <= PAIR_IMAGES))
    shifts: list[np.ndarray] = []
    cut = None
    for i in usable[np.argsort(scope.counts[usable], kind="stable")][:TUPLES]:
        if cut is not None and scope.counts[i] != cut:
            break
        shifts += list(scope.x[i] - scope.y[scope.images[i]])
        if len(shifts) >= WANTED:
            cut = scope.counts[i]
    shifts = shifts[:STARTS]
    return (np.tile(np.eye(3), (len(shifts), 1, 1)), np.array(shifts)) if shifts else None


# -- the search ----------------------------------------------------------------------------------------------


def best(scope: Scope) -> Laid:
    candidates = scope.lay(starts(scope))
    chosen: list[Laid] = []
    for start in sorted(candidates, key=lambda laid: -laid.total):
        if len(chosen) >= 2 and (start.total < chosen[1].total or len(chosen) == REFINED):
            break
        if not any(np.array_equal(start.partners, other.partners) for other in chosen):
            chosen.append(start)
    for start in chosen:
        candidates += refine(scope, start)
    top = max(laid.total for laid in candidates)
    ties: list[Laid] = []
    for laid in candidates:
        if laid.total == top and not any(np.array_equal(laid.partners, other.partners) for other in ties):
            ties.append(laid)
    if len(ties) == 1:
        return ties[0]
    return max(ties, key=lambda laid: grid(sum(edge_sums(scope, laid))))  # max takes the first of equals


def refine(scope: Scope, laid: Laid) -> list[Laid]:
    met: list[Laid] = []
    seen = [laid.partners]
    for _ in range(ROUNDS):
        matched = laid.partners >= 0
        x, y = scope.x[matched], scope.y[laid.partners[matched]]
        if not len(x) or not is_unique(scope.reference, x, y):
            break
        (laid,) = scope.lay(fit(scope.reference, x[None], y[None]))
        met.append(laid)
        if any(np.array_equal(laid.partners, partners) for partners in seen):
            break
        seen.append(laid.partners)
    return met


# -- components ----------------------------------------------------------------------------------------------


def angles(
    reference: Reference, points: np.ndarray, edges: np.ndarray, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    """Elevations of the edges, or angles at the centroid; NaN where there is none."""
    if reference.up is not None:
        rise = edges @ reference.up
        level = np.linalg.norm(edges - rise[:, None] * reference.up, axis=1)
        there = grid(np.linalg.norm(edges, axis=1), reference.scale) >= NEAR * 1e9
        return np.where(there, np.arctan2(rise, level), np.nan)
    if len(points) < 3:
        return np.full(len(i), np.nan)
    rays = points - points.mean(axis=0)
    long = grid(np.linalg.norm(rays, axis=1), reference.scale) >= NEAR * 1e9
    angle = np.arctan2(np.linalg.norm(np.cross(rays[i], rays[j]), axis=1), (rays[i] * rays[j]).sum(axis=1))
    return np.where(long[i] & long[j], angle, np.nan)


def edge_sums(scope: Scope, laid: Laid) -> list[float]:
    """Of each frame, undivided."""
    reference = scope.reference
    sums = []
    for begin, end in zip(scope.x_starts[:-1], scope.x_starts[1:], strict=True):
        partners = laid.partners[begin:end]
        x, y = scope.x[begin:end][partners >= 0], scope.y[partners[partners >= 0]]
        i, j = np.triu_indices(len(x), 1)
        edges, replied = x[j] - x[i], y[j] - y[i]
        apart = np.abs(np.linalg.norm(edges, axis=1) - np.linalg.norm(replied, axis=1))
        close = np.exp(-apart / reference.scale / SPREAD)
        theta, theta_hat = angles(reference, x, edges, i, j), angles(reference, y, replied, i, j)
        turn = np.nan_to_num((1 + np.cos(theta - theta_hat)) / 2, nan=0.0)
        sums.append(float(np.where(np.isnan(theta), close, 0.5 * close + 0.5 * turn).sum()))
    return sums


def graph_reward(reference: Reference, frames: list[tuple[list[str], np.ndarray]]) -> list[float]:
    """(node, edge, chirality)."""
    count = len(reference.centers)
    defined = sum(len(tuples) > 0 for tuples, _ in reference.tuples)
    if not any(len(labels) for labels, _ in frames[:count]):
        return [0.0, 0.0, 0.0 if defined else np.nan]
    scope = Scope(reference, frames)
    laid = best(scope)
    node = edge = chirality = 0.0
    for f, edge_sum in enumerate(edge_sums(scope, laid)):
        begin, end = scope.x_starts[f], scope.x_starts[f + 1]
        n, m = end - begin, scope.y_starts[f + 1] - scope.y_starts[f]
        node += laid.kernels[begin:end].sum() / max(n, m)
        edge += edge_sum / max(n * (n - 1) / 2, m * (m - 1) / 2)
        tuples, signs = reference.tuples[f]
        if len(tuples):
            images = laid.partners[begin:end][tuples]
            whole = (images >= 0).all(axis=1)
            got = reference.orientation(scope.y, images[whole])
            clear = grid(np.abs(got), reference.scale ** (tuples.shape[1] - 1)) > NEAR * 1e9
            chirality += ((np.sign(got) == signs[whole]) & clear).sum() / len(tuples)
    extra = max(0, len(frames) - count)
    return [
        node / (count + extra),
        edge / (count + extra),
        chirality / (defined + extra) if defined else np.nan,
    ]


def score(text: str, reference: Reference) -> list[float]:
    """(format, answer, node, edge, chirality) of one reply."""
    frames = baseline_numpy.parse_graph(text) or []
    return [
        baseline_numpy.format_reward(text),
        baseline_numpy.answer_reward(text, reference.truth),
        *graph_reward(reference, frames),
    ]
