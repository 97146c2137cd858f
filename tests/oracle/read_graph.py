"""A reply's graph block to settled frames, with its status and repairs (scoring.md sections 1, 1.1)."""

from __future__ import annotations

import re
from typing import Any

from .graph import BadGraphError, Frame, StatedEdge, WrittenFrame
from .labels import BARE, Id
from .read_json import Reading, read_json
from .read_lines import read_lines
from .reference import ReferenceGraph
from .spans import BLANK, Spans


def read_graph(
    spans: Spans, size: int, reference: ReferenceGraph | None, spec: dict[str, Any]
) -> tuple[list[Frame], str, set[str]]:
    """(frames, graph_status, repairs) of a reply of `size` bytes."""
    if size > spec["max_bytes"]:
        return [], "too_big", set()
    if spans.graph is None:
        return [], "none", set()
    repairs: set[str] = set()
    reading = Reading(
        reference.dimension if reference else None,
        reference.unit if reference else None,
        reference.aliases if reference else {},
        repairs,
    )
    if not spans.graph_is_closed:
        repairs.add("truncation")
    try:
        body = _without_fence(spans.graph, repairs)
        if body.startswith(("{", "[")):
            written = read_json(body, reading)
        else:
            written = read_lines(body, spans.graph_is_closed, reading)
    except BadGraphError:
        return [], "bad", repairs
    if (
        len(written) > spec["max_frames"]
        or any(frame.node_count > spec["max_nodes"] for frame in written)
        or sum(frame.edge_count for frame in written) > spec["max_edges"]
    ):
        return [], "too_big", repairs
    frames = _one_frame_a_time([_settle(frame, repairs) for frame in written], repairs)
    return frames, "truncated" if "truncation" in repairs else "ok", repairs


OPENING = re.compile(
    rf"`{{3,}}[ \t]*(?:[A-Za-z0-9]*(?=[{BLANK}]*(?:[{{\[]|\Z))|[A-Za-z0-9]*(?=[{BLANK}]*\n))?"
)
CLOSING = re.compile(rf"`{{3,}}[{BLANK}]*\Z")


def _without_fence(text: str, repairs: set[str]) -> str:
    """The block without blanks at its start and without a code fence around it.

    A word right after the opening fence is the fence's own where the line ends behind it or JSON begins.
    """
    body = text.lstrip(BLANK)
    if opening := OPENING.match(body):
        repairs.add("code_fence")
        body = body[opening.end() :].lstrip(BLANK)
    if closing := CLOSING.search(body):
        repairs.add("code_fence")
        body = body[: closing.start()]
    return body


def _settle(written: WrittenFrame, repairs: set[str]) -> Frame:
    """Nodes in order without duplicate ids, and stated edges between them."""
    nodes = []
    seen: set[Id] = set()
    for node in sorted(written.nodes, key=lambda node: node.key):
        if node.id in seen and node.id[1] != BARE:
            repairs.add("duplicate_id")
            continue
        seen.add(node.id)
        nodes.append(node)

    frame = Frame(written.t, nodes)
    smallest = {node.id: index for index, node in reversed(list(enumerate(nodes)))}
    for first, second, distance, degrees in written.edges:
        ends = smallest.get(first), smallest.get(second)
        if ends[0] is None or ends[1] is None or ends[0] == ends[1] or not 0 <= distance < float("inf"):
            repairs.add("void_edge")
            continue
        pair = (min(ends[0], ends[1]), max(ends[0], ends[1]))
        frame.stated.setdefault(pair, StatedEdge(distance, degrees, ends[0]))
    return frame


def _one_frame_a_time(frames: list[Frame], repairs: set[str]) -> list[Frame]:
    """Of two frames with one time, the one whose sorted nodes come first, in its own place."""
    best: dict[float, Frame] = {}
    for frame in frames:
        if frame.t is None:
            continue
        other = best.get(frame.t)
        if other is not None:
            repairs.add("duplicate_id")
        if other is None or [node.key for node in frame.nodes] < [node.key for node in other.nodes]:
            best[frame.t] = frame
    return [frame for frame in frames if frame.t is None or best[frame.t] is frame]
