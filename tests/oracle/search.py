"""The best motion of a scope: the stated, finite set of candidates of scoring.md section 3.1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from .assign import FrameAssigner, Match
from .components import FramePair, Layout, chirality_right, edge_sum, kernel, node_values
from .graph import Frame
from .rigid import Group, Motion
from .rounding import steps

SHORT = 1e-3  # of D: shorter reference pairs and lower triangles are no tuples
TUPLES, PAIR_IMAGES, TRIPLE_IMAGES, STARTS = 64, 256, 24, 64
REFINED, ROUNDS = 16, 8
WHOLE, WORK, LEAST, LOOKED_AT = 5_000, 100_000, 1, 10  # section 9: where a reply is giant, and what it gets

Fit = Callable[[np.ndarray, np.ndarray], Motion | None]


# -- the scope -----------------------------------------------------------------------------------------------


class Scope:
    """The frame pairs that move together."""

    def __init__(
        self,
        frames: list[tuple[Frame, Frame]],
        group: Group,
        spec: dict[str, Any],
        layout: Layout,
        share: int | None = None,
    ) -> None:
        self.frames, self.group, self.spec, self.layout = frames, group, spec, layout
        self.share = share  # the s of section 9, None for the whole search
        self.assigners = [FrameAssigner(x, y, group.unit, spec["assignment"]) for x, y in frames]
        self.x = np.vstack([x.centers for x, _ in frames])
        self.y = np.vstack([y.centers for _, y in frames])
        self.names = [(f, node.label) for f, (x, _) in enumerate(frames) for node in x.nodes]
        reply_names = [(f, node.label) for f, (_, y) in enumerate(frames) for node in y.nodes]
        where: dict[tuple[int, str], list[int]] = {}
        for j, name in enumerate(reply_names):
            where.setdefault(name, []).append(j)
        self.images = [np.array(where.get(name, []), dtype=int) for name in self.names]
        self.counts = np.array([len(images) for images in self.images])


@dataclass
class Candidate:
    motion: Motion
    pairs: list[FramePair]
    node_steps: int  # Σ κ_n in steps of 1e-9

    @property
    def matches(self) -> list[Match]:
        return [pair.match for pair in self.pairs]


def share_of(frames: list[tuple[Frame, Frame]], spec: dict[str, Any]) -> int | None:
    """How many starts a giant reply may have assigned (section 9); the pairs of all scopes together."""
    cells = 0
    for pair in frames:
        counts, reply_counts = (Counter(node.label for node in frame.nodes) for frame in pair)
        cells += sum(
            n * reply_counts[label] for label, n in counts.items() if max(n, reply_counts[label]) > 1
        )
    if cells <= WHOLE or spec["assignment"] == "id":
        return None
    return max(LEAST, WORK // cells)


def reach(motion: Motion, scope: Scope) -> int:
    """What a start could earn at most, in steps of 1e-9 (section 9)."""
    total = 0.0
    for (x, y), assigner in zip(scope.frames, scope.assigners, strict=True):
        moved = motion(y.centers)
        for rows, columns in assigner.groups:
            apart = np.linalg.norm(x.centers[rows][:, None] - moved[columns][None], axis=-1)
            fewer = min(apart.shape)
            total += min(
                float(
                    kernel(scope.spec["node_kernel"], nearest / scope.group.unit, scope.spec["node_s"]).sum()
                )
                for nearest in (np.sort(apart.min(axis=side))[:fewer] for side in (0, 1))
            )
    return int(steps(total))


def assigned_starts(scope: Scope) -> list[Candidate]:
    motions = unique_start(scope) + tuple_starts(scope)
    if scope.share is not None:
        looked_at = motions[: LOOKED_AT * scope.share]
        reaches = [reach(motion, scope) for motion in looked_at]
        best = sorted(range(len(looked_at)), key=lambda k: -reaches[k])[: scope.share]
        motions = [looked_at[k] for k in sorted(best)]
    return [lay(motion, scope) for motion in motions]


def lay(motion: Motion, scope: Scope) -> Candidate:
    """The reply under a motion, assigned."""
    pairs = [
        FramePair(x, y, assigner.assign(motion(y.centers)), motion)
        for (x, y), assigner in zip(scope.frames, scope.assigners, strict=True)
    ]
    total = sum(float(node_values(scope.layout, scope.spec, pair).sum()) for pair in pairs)
    return Candidate(motion, pairs, int(steps(total)))


def best_motion(scope: Scope) -> Candidate:
    starts = assigned_starts(scope)
    if not starts:
        dimension = scope.x.shape[1]
        return lay(Motion(np.eye(dimension), np.zeros(dimension)), scope)
    candidates, rounds = list(starts), scope.share
    for start in to_refine(starts):
        met = refine(start, scope, ROUNDS if rounds is None else min(rounds, ROUNDS))
        candidates += met
        rounds = None if rounds is None else rounds - len(met)
    ranks: list[Callable[[Candidate], int]] = [
        lambda candidate: candidate.node_steps,
        lambda candidate: int(
            steps(sum(edge_sum(scope.layout, scope.spec, pair) for pair in candidate.pairs))
        ),
        lambda candidate: sum(chirality_right(scope.layout, pair) for pair in candidate.pairs),
        lambda candidate: sum(pair.same_ids() for pair in candidate.pairs),
    ]
    for rank in ranks:
        if len(candidates) > 1:
            values = [rank(candidate) for candidate in candidates]
            best = max(values)
            candidates = [c for c, value in zip(candidates, values, strict=True) if value == best]
    return candidates[0]


# -- starts --------------------------------------------------------------------------------------------------


def unique_start(scope: Scope) -> list[Motion]:
    once = [i for i, name in enumerate(scope.names) if scope.names.count(name) == 1 and scope.counts[i] == 1]
    if not once:
        return []
    motion = scope.group.fit_unique(scope.x[once], scope.y[[scope.images[i][0] for i in once]])
    return [motion] if motion else []


@dataclass
class Tuple:
    nodes: tuple[int, ...]
    equals: tuple[int, int]  # (images, length in steps): tuples with the same are equals


def tuple_starts(scope: Scope) -> list[Motion]:
    """From triples (so3), else from pairs, else from single nodes."""
    if scope.group.kind == "so3":
        starts = _take(triples(scope), scope, scope.group.fit)
        if not starts:
            starts = _take(pairs(scope, PAIR_IMAGES), scope, scope.group.fit_pair_by_smallest_turn)
    else:
        starts = _take(pairs(scope, PAIR_IMAGES), scope, scope.group.fit)
    return starts or _take(singles(scope), scope, _shift)


def _shift(x: np.ndarray, y: np.ndarray) -> Motion:
    return Motion(np.eye(x.shape[1]), x[0] - y[0])


def singles(scope: Scope) -> Iterator[Tuple]:
    usable = [i for i in range(len(scope.x)) if 0 < scope.counts[i] <= PAIR_IMAGES]
    for i in sorted(usable, key=lambda i: scope.counts[i]):
        yield Tuple((i,), (int(scope.counts[i]), 0))


def pairs(scope: Scope, most_images: int) -> Iterator[Tuple]:
    """Reference pairs by fewest images, then longest, then in node order."""
    usable = np.flatnonzero((scope.counts > 0) & (scope.counts <= most_images))
    first, second = (usable[side] for side in np.triu_indices(len(usable), 1))
    length = steps(scope.group.lengths(scope.x[first] - scope.x[second]), scope.group.unit)
    images = scope.counts[first] * scope.counts[second]
    for at in np.lexsort((second, first, -length, images)):
        if length[at] > SHORT * 1e9:
            yield Tuple((int(first[at]), int(second[at])), (int(images[at]), int(length[at])))


def triples(scope: Scope) -> Iterator[Tuple]:
    """Each pair with the third node of fewest images, then of the largest triangle; equals all."""
    usable = np.flatnonzero((scope.counts > 0) & (scope.counts <= TRIPLE_IMAGES))
    for pair in pairs(scope, TRIPLE_IMAGES):
        i, j = pair.nodes
        thirds = usable[(usable != i) & (usable != j)]
        edge = scope.x[j] - scope.x[i]
        twice_area = np.linalg.norm(np.cross(edge, scope.x[thirds] - scope.x[i]), axis=-1)
        area = steps(twice_area / 2, scope.group.unit**2)
        high = steps(twice_area / np.linalg.norm(edge), scope.group.unit) > SHORT * 1e9
        keys = {
            int(k): (int(scope.counts[k]), -int(its_area))
            for k, its_area, tall in zip(thirds, area, high, strict=True)
            if tall
        }
        for k, key in keys.items():
            if key == min(keys.values()):
                yield Tuple((i, j, k), pair.equals)


def _take(tuples: Iterator[Tuple], scope: Scope, fit: Fit) -> list[Motion]:
    """Starts tuple by tuple up to max_starts; tuples equal to the last one too, up to 64 starts."""
    starts: list[Motion] = []
    last: tuple[int, int] | None = None
    most = TUPLES if scope.share is None else min(TUPLES, LOOKED_AT * scope.share)
    for looked_at, item in enumerate(tuples):
        if looked_at == most or (len(starts) >= scope.spec["max_starts"] and item.equals != last):
            break
        starts += _images_of_best_agreement(item, scope, fit)
        last = item.equals
    return starts[: max(STARTS, scope.spec["max_starts"])]


def _images_of_best_agreement(item: Tuple, scope: Scope, fit: Fit) -> list[Motion]:
    """Least Σ|length - length'| over the tuple's pairs (free_scale: greatest Σ length'); equals all."""
    nodes = list(item.nodes)
    grid = np.array(np.meshgrid(*(scope.images[i] for i in nodes), indexing="ij")).reshape(len(nodes), -1).T
    grid = grid[_is_image(scope, grid)]
    badness = np.zeros(len(grid))
    for a, b in combinations(range(len(nodes)), 2):
        length = scope.group.lengths(scope.x[nodes[a]] - scope.x[nodes[b]])
        images = scope.group.lengths(scope.y[grid[:, a]] - scope.y[grid[:, b]])
        badness += -images if scope.group.free_scale else np.abs(length - images)
    badness = steps(badness, scope.group.unit)
    for level in np.unique(badness):
        motions = [fit(scope.x[nodes], scope.y[image]) for image in grid[badness == level]]
        found = [motion for motion in motions if motion is not None]
        if found:
            return found
    return []


def _is_image(scope: Scope, grid: np.ndarray) -> np.ndarray:
    """Injective, and by the bounds of tuples neither too short nor too flat."""
    good = np.ones(len(grid), dtype=bool)
    for a, b in combinations(range(grid.shape[1]), 2):
        good &= grid[:, a] != grid[:, b]
    if grid.shape[1] >= 2:
        edge = scope.y[grid[:, 1]] - scope.y[grid[:, 0]]
        good &= steps(scope.group.lengths(edge), scope.group.unit) > SHORT * 1e9
    if grid.shape[1] == 3:
        twice_area = np.linalg.norm(np.cross(edge, scope.y[grid[:, 2]] - scope.y[grid[:, 0]]), axis=-1)
        length = np.where(good, np.linalg.norm(edge, axis=-1), 1.0)
        good &= steps(twice_area / length, scope.group.unit) > SHORT * 1e9
    return good


# -- refinement ----------------------------------------------------------------------------------------------


def to_refine(starts: list[Candidate]) -> list[Candidate]:
    """The best two starts with different assignments, and equals of the second."""
    chosen: list[Candidate] = []
    for start in sorted(starts, key=lambda start: -start.node_steps):
        if len(chosen) >= 2 and (start.node_steps < chosen[1].node_steps or len(chosen) == REFINED):
            break
        if all(start.matches != other.matches for other in chosen):
            chosen.append(start)
    return chosen


def refine(start: Candidate, scope: Scope, rounds: int) -> list[Candidate]:
    """Fit and assignment in turn."""
    met: list[Candidate] = []
    seen = [start.matches]
    for _ in range(rounds):
        x = [pair.reference.centers[i] for pair in (met or [start])[-1].pairs for i, _ in pair.match]
        y = [pair.reply.centers[j] for pair in (met or [start])[-1].pairs for _, j in pair.match]
        motion = scope.group.fit_unique(np.array(x), np.array(y)) if x else None
        if motion is None:
            break
        met.append(lay(motion, scope))
        if met[-1].matches in seen:
            break
        seen.append(met[-1].matches)
    return met
