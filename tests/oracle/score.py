"""The whole flow: a reply, a reference and a spec to components, statuses and repairs (scoring.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import components as parts
from .answers import read_answer
from .components import FramePair, Layout
from .frames import pair_frames
from .graph import Frame
from .read_graph import read_graph
from .reference import ReferenceGraph, read_reference
from .rigid import Group, Motion
from .rounding import steps
from .search import Scope, best_motion, lay, share_of
from .spans import find_spans
from .spec import COMPONENTS, GRAPH_PARTS, REPAIRS, WEIGHTED, resolve


def score(
    text: str, reference: str | dict[str, Any], spec: dict[str, Any], tokens: int | None = None
) -> dict[str, Any]:
    """One reply, as a line of worked.jsonl: components (None: undefined), both statuses and repairs."""
    return score_group([text], reference, spec, [tokens], None)[0]


def score_group(
    texts: Sequence[str],
    reference: str | dict[str, Any],
    spec: dict[str, Any],
    tokens: Sequence[int | None],
    group_ids: Sequence[Any] | None,
) -> list[dict[str, Any]]:
    """Replies to one reference; with `group_ids` the length rule looks at the group, too."""
    whole = resolve(spec)
    rows = [_score_without_length(text, reference, whole) for text in texts]
    over = [(row["components"]["answer"] or 0.0) > whole["length_answer_over"] for row in rows]
    for index, (row, count) in enumerate(zip(rows, tokens, strict=True)):
        company = None
        if group_ids is not None:
            company = sum(o for o, group in zip(over, group_ids, strict=True) if group == group_ids[index])
        found = row["components"]
        found["length"] = _length(count, found["answer"], over[index], company, whole)
        found["total"] = _total(found, whole)
        row["components"] = {name: found[name] for name in COMPONENTS}
    return rows


def _score_without_length(text: str, source: str | dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    reference = read_reference(source)
    spans = find_spans(text, spec["think_prefilled"])
    size = len(text.encode("utf-8", "surrogatepass"))
    frames, graph_status, repairs = read_graph(spans, size, reference.graph, spec)
    answer, answer_status, answer_repairs = read_answer(spans.answers, reference.answer, spec)
    found: dict[str, float | None] = dict.fromkeys(COMPONENTS)
    found["format"], found["answer"] = spans.format, answer
    if reference.graph is not None:
        found |= _graph_components(reference.graph, frames, spec)
    found["graph"] = _graph(found, spec)
    found["success"] = _success(found)
    return {
        "components": found,
        "graph_status": graph_status,
        "answer_status": answer_status,
        "repairs": [name for name in REPAIRS if name in repairs | answer_repairs],
    }


# -- the graph -----------------------------------------------------------------------------------------------


def _graph_components(
    reference: ReferenceGraph, reply: list[Frame], spec: dict[str, Any]
) -> dict[str, float | None]:
    layout, group = _layout_and_group(reference, spec)
    laid = _lay_frames(reference, pair_frames(reference.frames, reply), layout, group, spec)
    count = len(reference.frames)

    values: dict[str, list[float | None]] = {name: [None] * count for name in GRAPH_PARTS}
    node_defined = _node_defined(reference, group)
    for index, (frame, pair) in enumerate(zip(reference.frames, laid, strict=True)):
        if node_defined[index]:
            values["node"][index] = parts.node(layout, spec, pair) if pair else 0.0
        if len(frame.nodes) >= 2:
            values["edge"][index] = parts.edge(layout, spec, pair) if pair else 0.0
        if clear := layout.clear_tuples(frame):
            values["chirality"][index] = parts.chirality_right(layout, pair) / len(clear) if pair else 0.0
        if index > 0 and parts.movers(reference.frames[index - 1], frame):
            values["motion"][index] = parts.displacement(
                layout, spec, (reference.frames[index - 1], frame), laid[index - 1], pair
            )

    extra = max(0, len(reply) - count) if spec["frame_norm"] == "both" else 0
    found: dict[str, float | None] = {}
    for name, by_frame in values.items():
        defined = [value for value in by_frame if value is not None]
        found[name] = sum(defined) / (len(defined) + extra) if defined else None
    scales = {id(pair.reply): pair.motion.scale for pair in laid if pair}
    stated = [
        value
        for frame in reply
        for value in parts.consistencies(layout, spec, frame, scales.get(id(frame), 1.0))
    ]
    found["consistency"] = sum(stated) / len(stated) if stated else None
    matched = sum(len(pair.match) for pair in laid if pair)
    predicted = sum(len(frame.nodes) for frame in reply)
    found["precision"] = matched / predicted if predicted else 0.0
    found["recall"] = matched / sum(len(frame.nodes) for frame in reference.frames)
    return found


@dataclass
class Alignment:
    """How the reply may be moved."""

    group: Group
    per_frame: bool


def _layout_and_group(reference: ReferenceGraph, spec: dict[str, Any]) -> tuple[Layout, Alignment | None]:
    """What angles and orientation are, and how the reply may be moved: not at all under `given` or `none`."""
    name = spec["group"]
    if name == "auto":
        name = "yaw" if reference.up is not None else "so3"
    is_camera = reference.space == "camera"
    if name == "none":
        angle = "edge"
    elif reference.dimension == 2:
        name, angle = "so2", "centroid"
    elif name == "yaw":
        angle = "elevation"
    else:
        angle = spec["angle"]
        if angle == "auto":
            angle = "view" if is_camera else "centroid"
    up = reference.up if name == "yaw" else None
    layout = Layout(reference.scale, reference.dimension, angle, up, is_camera)
    if name == "none" or not _is_aligned(reference, spec):
        return layout, None
    group = Group(name, reference.scale, spec["free_scale"], up)
    return layout, Alignment(group, per_frame=_align_scope(reference, spec) == "frame")


def _is_aligned(reference: ReferenceGraph, spec: dict[str, Any]) -> bool:
    choice = spec["frame_of_reference"]
    return bool(choice == "aligned" or (choice == "auto" and reference.space == "world"))


def _align_scope(reference: ReferenceGraph, spec: dict[str, Any]) -> str:
    choice = str(spec["align_scope"])
    return choice if choice != "auto" else "clip" if reference.space == "world" else "frame"


def _node_defined(reference: ReferenceGraph, alignment: Alignment | None) -> list[bool]:
    """For each frame: under alignment its scope needs two nodes, not all in one place."""
    frames = reference.frames
    if alignment is None:
        return [True] * len(frames)
    scopes = [[frame] for frame in frames] if alignment.per_frame else [frames] * len(frames)
    return [_can_be_aligned(scope, reference.scale) for scope in scopes]


def _can_be_aligned(frames: list[Frame], scale: float) -> bool:
    centers = np.vstack([frame.centers for frame in frames])
    away = np.linalg.norm(centers - centers.mean(axis=0), axis=-1)
    return len(centers) >= 2 and bool((steps(away, scale) > 1e-3 * 1e9).any())


def _lay_frames(
    reference: ReferenceGraph,
    partners: list[Frame | None],
    layout: Layout,
    alignment: Alignment | None,
    spec: dict[str, Any],
) -> list[FramePair | None]:
    """Each reference frame with its partner, assigned and moved; None without a partner that has nodes."""
    laid: list[FramePair | None] = [None] * len(partners)
    paired = [
        (i, frame, partner)
        for i, (frame, partner) in enumerate(zip(reference.frames, partners, strict=True))
        if partner is not None and partner.nodes
    ]
    one_by_one = alignment is None or alignment.per_frame
    share = share_of([(frame, partner) for _, frame, partner in paired], spec)
    for together in [[pair] for pair in paired] if one_by_one else [paired] if paired else []:
        frames = [(frame, partner) for _, frame, partner in together]
        if alignment is None:
            still = Motion(np.eye(reference.dimension), np.zeros(reference.dimension))
            best = lay(still, Scope(frames, Group("so3", reference.scale, False), spec, layout))
        else:
            best = best_motion(Scope(frames, alignment.group, spec, layout, share))
        for (i, _, _), pair in zip(together, best.pairs, strict=True):
            laid[i] = pair
    return laid


# -- sums ----------------------------------------------------------------------------------------------------


def _graph(found: dict[str, float | None], spec: dict[str, Any]) -> float | None:
    defined = [(found[name], spec["weights"][name]) for name in GRAPH_PARTS if found[name] is not None]
    if not defined:
        return None
    if all(weight == 0 for _, weight in defined):
        defined = [(value, 1.0) for value, _ in defined]
    return sum(value * weight for value, weight in defined) / sum(weight for _, weight in defined)


def _success(found: dict[str, float | None]) -> float:
    values = [found[name] for name in ("answer", "graph")]
    return float(all(steps(value) >= 0.5 * 1e9 for value in values if value is not None))


def _length(
    tokens: int | None, answer: float | None, over: bool, company: int | None, spec: dict[str, Any]
) -> float | None:
    if tokens is None:
        return None
    if not spec["length_min"] <= tokens <= spec["length_max"]:
        return 0.0
    if answer is None:
        return 1.0
    return float(over and (company is None or company > 1))


def _total(found: dict[str, float | None], spec: dict[str, Any]) -> float:
    shut = (spec["gate"] == "answer" and found["answer"] is not None and found["answer"] <= 0.1) or (
        spec["gate"] == "format" and found["format"] != 1
    )
    total = 0.0
    for name in WEIGHTED:
        value = found[name]
        if value is not None and not (shut and name in GRAPH_PARTS):
            total += spec["weights"][name] * value
    return total
