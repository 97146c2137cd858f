"""Baseline (c): preset `video-str` with the fastest Python that we could put together: msgspec and numba.

Tags by `str` methods, typed decoding, names looked up in a table that remembers them, and one compiled kernel over the
arrays of many replies, whose edge loop is written for wide registers. References are prepared once, as ours are. Inside
a label most assignments have one to three nodes a side, so the kernel solves them itself: the batch packages (lapx,
laprust, lapcpp) take matrices of one shape only. Clean JSON only: anything else has no graph.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

import msgspec
import numba
import numpy as np

CHUNK = 128  # replies a call of the kernel, so that its arrays stay in the cache
SUFFIX = re.compile(r"[ ._#-](\d+)$")


class Frame(msgspec.Struct, gc=False):
    nodes: list[tuple[str, tuple[float, float, float]]]


class Graph(msgspec.Struct, gc=False):
    frames: list[Frame]


class LabelIds(dict[str, int]):
    """Numbers of labels by any spelling of an id; a new spelling is normalised once."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, int] = {}

    def __missing__(self, name: str) -> int:
        label = SUFFIX.sub("", name.casefold().strip()).replace("_", " ").replace("-", " ")
        self[name] = number = self.numbers.setdefault(label, len(self.numbers))
        return number


DECODE = msgspec.json.Decoder(Graph).decode
LABEL_IDS = LabelIds()


class Reference:
    """A ground truth as arrays, the nodes of a frame sorted by label."""

    def __init__(self, truth: dict[str, Any]) -> None:
        self.answer = truth["answer"]["value"]
        frames = truth["graph"]["frames"]
        self.frames = len(frames)
        self.scale = truth["graph"]["scale"]
        labels, centers = [], []
        for frame in frames:
            of_frame = np.array([LABEL_IDS[node["label"]] for node in frame["nodes"]])
            order = np.argsort(of_frame, kind="stable")
            labels.append(of_frame[order])
            centers.append(np.array([node["center"] for node in frame["nodes"]], dtype=np.float64)[order])
        self.starts = np.cumsum([0, *map(len, labels)])
        self.labels = np.concatenate(labels)
        self.centers = np.concatenate(centers)


def spans(text: str) -> tuple[float, str, int, int]:
    """Format, first letter of the answer, and where the graph is (empty when there is none)."""
    think = text.find("</think>")
    end = think if think >= 0 else len(text)
    start = text.rfind("<graph>", 0, end) + 7
    stop = text.find("</graph>", start, end) if start >= 7 else -1
    bare = text.strip()
    answer = text.rfind("<answer>")
    whole = (
        bare.startswith("<think>")
        and bare.endswith("</answer>")
        and all(text.count(tag) == 1 for tag in ("<think>", "</think>", "<answer>", "</answer>"))
        and not text[think + 8 : answer].strip()
    )
    close = text.find("</answer>", answer) if answer > think else -1
    letter = text[answer + 8 : close].strip()[:1].upper() if close >= 0 else ""
    return float(whole), letter, start, stop


def score_batch(texts: list[str], references: list[Reference]) -> np.ndarray:
    """(format, answer, node, edge) of each reply."""
    out = np.zeros((len(texts), 4))
    for begin in range(0, len(texts), CHUNK):
        chunk = slice(begin, begin + CHUNK)
        _score_chunk(texts[chunk], references[chunk], out[chunk])
    return out


def _score_chunk(texts: list[str], references: list[Reference], out: np.ndarray) -> None:
    rows, frame_counts, node_counts = [], [], []
    labels: list[int] = []
    centers: list[tuple[tuple[float, float, float], ...]] = []
    for row, (text, reference) in enumerate(zip(texts, references, strict=True)):
        out[row, 0], letter, start, stop = spans(text)
        out[row, 1] = letter == reference.answer
        if stop < 0:
            continue
        try:
            frames = DECODE(text[start:stop]).frames[: reference.frames]
        except msgspec.DecodeError:
            continue
        rows.append(row)
        frame_counts.append(len(frames))
        for frame in frames:
            node_counts.append(len(frame.nodes))
            if frame.nodes:
                names, places = zip(*frame.nodes, strict=True)
                labels.extend(map(LABEL_IDS.__getitem__, names))
                centers.append(places)
    if not rows:
        return
    flat = np.fromiter(
        chain.from_iterable(chain.from_iterable(centers)), dtype=np.float64, count=3 * len(labels)
    )
    used = [references[row] for row in rows]
    _kernel(
        np.array(rows),
        np.array(frame_counts),
        np.array(node_counts),
        np.array(labels, dtype=np.int64),
        flat.reshape(-1, 3),
        np.array([reference.frames for reference in used]),
        np.array([reference.scale for reference in used], dtype=np.float64),
        np.concatenate([np.diff(reference.starts) for reference in used]),
        np.concatenate([reference.labels for reference in used]),
        np.concatenate([reference.centers for reference in used]),
        len(LABEL_IDS.numbers),
        out,
    )


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _assign(cost, n, m, column_of):  # type: ignore[no-untyped-def]  # numba infers them
    """Shortest augmenting paths (n <= m): the column of each row of cost[:n, :m]."""
    u, v = np.zeros(n + 1), np.zeros(m + 1)
    row_of = np.zeros(m + 1, np.int64)
    way = np.zeros(m + 1, np.int64)
    least, used = np.empty(m + 1), np.empty(m + 1, np.bool_)
    for i in range(1, n + 1):
        row_of[0] = i
        at = 0
        least[:] = np.inf
        used[:] = False
        while True:
            used[at] = True
            row, step, to = row_of[at], np.inf, 0
            for j in range(1, m + 1):
                if not used[j]:
                    reduced = cost[row - 1, j - 1] - u[row] - v[j]
                    if reduced < least[j]:
                        least[j] = reduced
                        way[j] = at
                    if least[j] < step:
                        step = least[j]
                        to = j
            for j in range(m + 1):
                if used[j]:
                    u[row_of[j]] += step
                    v[j] -= step
                else:
                    least[j] -= step
            at = to
            if row_of[at] == 0:
                break
        while at != 0:
            row_of[at] = row_of[way[at]]
            at = way[at]
    for j in range(1, m + 1):
        if row_of[j] != 0:
            column_of[row_of[j] - 1] = j - 1


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _rays(x, y, z, count, scale, ray):  # type: ignore[no-untyped-def]
    """Unit rays from the mean; a ray that is too short is 0 and marked 0."""
    mean_x, mean_y, mean_z = x[:count].mean(), y[:count].mean(), z[:count].mean()
    for i in range(count):
        a, b, c = x[i] - mean_x, y[i] - mean_y, z[i] - mean_z
        length = np.sqrt(a * a + b * b + c * c)
        there = 1.0 if length >= 1e-3 * scale else 0.0
        by = there / max(length, 1e-300)
        ray[0, i], ray[1, i], ray[2, i], ray[3, i] = a * by, b * by, c * by, there


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _edges(x, y, z, p, q, r, ray, ray_hat, count, scale):  # type: ignore[no-untyped-def]
    """Sum over pairs of matched nodes; angles by the sines and cosines of unit rays, without atan2."""
    per_scale = 1.0 / scale
    total = 0.0
    for i in range(count):
        xi, yi, zi, pi, qi, ri = x[i], y[i], z[i], p[i], q[i], r[i]
        a0, a1, a2, a3 = ray[0, i], ray[1, i], ray[2, i], ray[3, i]
        b0, b1, b2, b3 = ray_hat[0, i], ray_hat[1, i], ray_hat[2, i], ray_hat[3, i]
        for j in range(i + 1, count):
            dx, dy, dz = x[j] - xi, y[j] - yi, z[j] - zi
            dp, dq, dr = p[j] - pi, q[j] - qi, r[j] - ri
            apart = abs(np.sqrt(dx * dx + dy * dy + dz * dz) - np.sqrt(dp * dp + dq * dq + dr * dr))
            close = max(0.0, 1.0 - apart * per_scale)
            c0, c1, c2 = ray[0, j], ray[1, j], ray[2, j]
            e0, e1, e2 = ray_hat[0, j], ray_hat[1, j], ray_hat[2, j]
            m0, m1, m2 = a1 * c2 - a2 * c1, a2 * c0 - a0 * c2, a0 * c1 - a1 * c0
            n0, n1, n2 = b1 * e2 - b2 * e1, b2 * e0 - b0 * e2, b0 * e1 - b1 * e0
            sines = np.sqrt((m0 * m0 + m1 * m1 + m2 * m2) * (n0 * n0 + n1 * n1 + n2 * n2))
            cosines = (a0 * c0 + a1 * c1 + a2 * c2) * (b0 * e0 + b1 * e1 + b2 * e2)
            weight = 0.5 * a3 * ray[3, j]
            turn = 0.5 * (1.0 + cosines + sines) * b3 * ray_hat[3, j]
            total += (1.0 - weight) * close + weight * turn
    return total


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _kernel(  # type: ignore[no-untyped-def]
    rows,
    frames,
    counts,
    labels,
    centers,
    true_frames,
    scales,
    true_counts,
    true_labels,
    true_centers,
    label_count,
    out,
):
    most, true_most = counts.max() + 1, true_counts.max() + 1
    slot = np.full(label_count, -1, np.int64)
    head, size = np.empty(true_most, np.int64), np.empty(true_most, np.int64)
    link = np.empty(most, np.int64)
    cost, column_of = (
        np.empty((max(most, true_most), max(most, true_most))),
        np.empty(true_most + most, np.int64),
    )
    members = np.empty(most, np.int64)
    matched = np.empty((6, true_most))
    x, y, z, p, q, r = matched[0], matched[1], matched[2], matched[3], matched[4], matched[5]
    ray, ray_hat = np.empty((4, true_most)), np.empty((4, true_most))
    at = true_at = frame_at = true_frame_at = 0
    for k in range(len(rows)):
        scale, node_sum, edge_sum = scales[k], 0.0, 0.0
        for f in range(true_frames[k]):
            n_true = true_counts[true_frame_at + f]
            if f >= frames[k]:
                true_at += n_true
                continue
            n_reply = counts[frame_at + f]
            block = 0
            for i in range(n_true):
                if i == 0 or true_labels[true_at + i] != true_labels[true_at + i - 1]:
                    slot[true_labels[true_at + i]] = block
                    head[block], size[block] = -1, 0
                    block += 1
            for j in range(n_reply - 1, -1, -1):
                s = slot[labels[at + j]]
                if s >= 0:
                    link[j], head[s] = head[s], j
                    size[s] += 1
            count = begin = 0
            while begin < n_true:
                label = true_labels[true_at + begin]
                end = begin + 1
                while end < n_true and true_labels[true_at + end] == label:
                    end += 1
                s = slot[label]
                slot[label] = -1
                n, m = end - begin, size[s]
                j = head[s]
                for b in range(m):
                    members[b] = j
                    j = link[j]
                if m > 0:
                    for a in range(n):
                        for b in range(m):
                            d0 = true_centers[true_at + begin + a, 0] - centers[at + members[b], 0]
                            d1 = true_centers[true_at + begin + a, 1] - centers[at + members[b], 1]
                            d2 = true_centers[true_at + begin + a, 2] - centers[at + members[b], 2]
                            apart = np.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
                            if n <= m:
                                cost[a, b] = apart
                            else:
                                cost[b, a] = apart
                    if n == 1 and m == 1:
                        column_of[0] = 0
                    else:
                        _assign(cost, min(n, m), max(n, m), column_of)
                    close = 0.0
                    for k_pair in range(min(n, m)):
                        a = k_pair if n <= m else column_of[k_pair]
                        b = column_of[k_pair] if n <= m else k_pair
                        close += max(0.0, 1.0 - cost[k_pair, column_of[k_pair]] / scale)
                        i, j = true_at + begin + a, at + members[b]
                        x[count], y[count], z[count] = (
                            true_centers[i, 0],
                            true_centers[i, 1],
                            true_centers[i, 2],
                        )
                        p[count], q[count], r[count] = centers[j, 0], centers[j, 1], centers[j, 2]
                        count += 1
                    node_sum += n / n_true * close / max(n, m)
                begin = end
            if count >= 2:
                if count >= 3:
                    _rays(x, y, z, count, scale, ray)
                    _rays(p, q, r, count, scale, ray_hat)
                else:
                    ray[:, :count] = 0.0
                    ray_hat[:, :count] = 0.0
                edge_sum += _edges(x, y, z, p, q, r, ray, ray_hat, count, scale) / (n_true * (n_true - 1) / 2)
            at += n_reply
            true_at += n_true
        frame_at += frames[k]
        true_frame_at += true_frames[k]
        out[rows[k], 2] = node_sum / true_frames[k]
        out[rows[k], 3] = edge_sum / true_frames[k]
