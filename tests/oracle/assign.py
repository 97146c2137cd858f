"""Assignment of reply nodes to reference nodes within each label (scoring.md section 3)."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from .graph import Frame

Match = tuple[tuple[int, int], ...]  # (reference node, reply node), by reference node


class FrameAssigner:
    """Assigns the nodes of one frame pair, for any motion of the reply."""

    def __init__(self, reference: Frame, reply: Frame, scale: float, method: str):
        self.reference, self.reply, self.scale, self.method = reference, reply, scale, method
        self.groups = list(_groups(reference, reply).values())
        ids, reply_ids = ([node.id for node in frame.nodes] for frame in (reference, reply))
        self.same_id = np.array([[a == b for b in reply_ids] for a in ids], dtype=bool).reshape(len(ids), -1)
        once, reply_once = Counter(ids), Counter(reply_ids)
        self.by_id = tuple(
            (i, j)
            for i, a in enumerate(ids)
            for j, b in enumerate(reply_ids)
            if a == b and once[a] == reply_once[b] == 1
        )

    def assign(self, moved: np.ndarray) -> Match:
        if self.method == "id":
            return self.by_id
        pairs: list[tuple[int, int]] = []
        for rows, columns in self.groups:
            if len(rows) == len(columns) == 1:
                pairs.append((rows[0], columns[0]))
                continue
            apart = np.linalg.norm(self.reference.centers[rows][:, None] - moved[columns][None], axis=-1)
            costs = np.rint(np.minimum(apart / self.scale, 1024.0) * 2.0**32).astype(np.int64)
            same = self.same_id[np.ix_(rows, columns)]
            solve = optimal if self.method == "optimal" else greedy
            pairs += [(rows[i], columns[j]) for i, j in solve(costs, same)]
        return tuple(sorted(pairs))


def _groups(reference: Frame, reply: Frame) -> dict[str, tuple[list[int], list[int]]]:
    """label: (reference nodes, reply nodes), each in key order, where both sides have the label."""
    groups: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, frame in enumerate((reference, reply)):
        for index, node in enumerate(frame.nodes):
            groups[node.label][side].append(index)
    return {label: group for label, group in groups.items() if group[0] and group[1]}


def optimal(costs: np.ndarray, same_id: np.ndarray) -> list[tuple[int, int]]:
    """Least sum, then most equal ids, then lexicographically first, as one exact integer cost.

    Row i taking column j adds j as the i-th digit of a number in base columns + 1 (an unmatched row adds the
    highest digit): the smallest such number is the lexicographically first assignment. The digits are worth
    less than one equal id, and all equal ids together less than one unit of cost.
    """
    rows, columns = costs.shape
    base = columns + 1
    worth = base**rows
    exact = [
        [
            (int(costs[i, j]) * (rows + 1) - int(same_id[i, j])) * worth + j * base ** (rows - 1 - i)
            for j in range(columns)
        ]
        + [columns * base ** (rows - 1 - i)] * max(0, rows - columns)
        for i in range(rows)
    ]
    return [(i, j) for i, j in enumerate(hungarian(exact)) if j < columns]


def hungarian(costs: list[list[int]]) -> list[int]:
    """The column of each row in an assignment of least sum (rows <= columns), exact for integers of any size.

    Shortest augmenting paths with potentials (Kuhn 1955, Jonker and Volgenant 1987), one row at a time.
    """
    columns = range(len(costs[0]))
    row_potential, column_potential = [0] * len(costs), [0] * len(costs[0])
    row_of: dict[int, int] = {}  # taken columns
    for new_row in range(len(costs)):
        outside = set(columns)  # of the tree of shortest paths from the new row
        tree: list[int] = []
        slack: dict[
            int, tuple[int, int | None]
        ] = {}  # column: (reduced length, column before it on the path)
        row, before = new_row, None
        while True:
            for j in outside:
                reduced = costs[row][j] - row_potential[row] - column_potential[j]
                if j not in slack or reduced < slack[j][0]:
                    slack[j] = (reduced, before)
            nearest = min(outside, key=lambda j: slack[j][0])
            step = slack[nearest][0]
            row_potential[new_row] += step
            for j in tree:
                row_potential[row_of[j]] += step
                column_potential[j] -= step
            for j in outside:
                slack[j] = (slack[j][0] - step, slack[j][1])
            outside.remove(nearest)
            tree.append(nearest)
            before = nearest
            if nearest not in row_of:
                break
            row = row_of[nearest]
        column: int | None = nearest
        while column is not None:
            before = slack[column][1]
            row_of[column] = new_row if before is None else row_of[before]
            column = before
    return [j for _, j in sorted((row, j) for j, row in row_of.items())]


def greedy(costs: np.ndarray, same_id: np.ndarray) -> list[tuple[int, int]]:
    """The closest free pair first; of equally close ones one of equal ids, then the first in order."""
    order = sorted(
        (int(costs[i, j]), not same_id[i, j], i, j)
        for i in range(costs.shape[0])
        for j in range(costs.shape[1])
    )
    pairs: list[tuple[int, int]] = []
    for _, _, i, j in order:
        if all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs
