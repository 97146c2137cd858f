"""Replies as text: both surface forms of a graph, clean or with named faults, in think and answer tags.

This renderer shares no code with `videostr.Graph`, so that reading back what it writes proves something.
Every fault in `FAULTS` is one that the scorer repairs and records under the same name (one of
`videostr.REPAIRS`), and none of them changes which graph the text means.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from videostr.testing.answers import right_answer
from videostr.testing.scenes import Edge, Frame, Frames, Node, Point, Scene

__all__ = ["FAULTS", "Form", "perfect_reply", "render_graph", "reply", "state_edges"]

Form = Literal["json", "lines"]

FAULTS: Mapping[Form, tuple[str, ...]] = {
    "json": (
        *("code_fence", "trailing_comma", "single_quotes", "bare_key", "python_literal", "round_brackets"),
        *("truncation", "missing_comma", "repeated_key", "unit", "comment", "text_after", "void_edge"),
        *("void_node", "duplicate_id"),
    ),
    "lines": (
        "code_fence",
        "truncation",
        "unit",
        "comment",
        "void_line",
        "void_edge",
        "void_node",
        "duplicate_id",
    ),
}
"""The faults that each surface form can carry; `duplicate_id` needs a node with a number to double."""


def render_graph(
    frames: Frames, form: Form = "json", faults: Collection[str] = (), *, unit: str = "m"
) -> str:
    """The text between the graph tags.

    Args:
        frames: what the reply says, stated edges included.
        form: `json` or `lines`.
        faults: names from `FAULTS[form]`; each leaves the graph that is meant as it is. `truncation` leaves
            the closing brackets out (and forbids `text_after`).
        unit: what the fault `unit` writes after numbers.

    >>> from videostr.testing.scenes import lone_object
    >>> render_graph(lone_object(2, dimension=2).frames)
    '{"frames":[{"t":0.0,"nodes":[["car.1",[0.0,0.0]]]},{"t":0.5,"nodes":[["car.1",[1.0,0.1]]]}]}'
    >>> print(render_graph(lone_object(1).frames, "lines", ["comment"]), end="")
    # what I see
    @0.0
    car.1 0.0 0.0 0.0
    """
    unknown = set(faults) - set(FAULTS[form])
    if unknown:
        raise ValueError(
            f"{sorted(unknown)} cannot be had in form {form!r}; there is {', '.join(FAULTS[form])}"
        )
    if {"truncation", "text_after"} <= set(faults):
        raise ValueError("a truncated graph has no text after it: take 'truncation' or 'text_after'")
    said = _with_extra_nodes(frames, faults)
    if form == "json":
        text, language = _Json(frozenset(faults), unit).write(said), "json"
    else:
        text, language = _lines(said, frozenset(faults), unit), ""
    if "code_fence" in faults:
        text = f"```{language}\n{text}\n" + ("" if "truncation" in faults else "```")
    return text


def reply(
    frames: Frames,
    answer: str = "B",
    *,
    form: Form = "json",
    faults: Collection[str] = (),
    unit: str = "m",
    prose: str = "Let me look around.",
) -> str:
    """A whole reply: `prose` and the graph inside think, then the answer.

    With the fault `truncation` the graph's closing tag is missing too.

    >>> from videostr.testing.scenes import lone_object
    >>> reply(lone_object(1, dimension=2).frames, "A", prose="")
    '<think><graph>{"frames":[{"t":0.0,"nodes":[["car.1",[0.0,0.0]]]}]}</graph></think><answer>A</answer>'
    """
    graph = render_graph(frames, form, faults, unit=unit)
    closing = "" if "truncation" in faults else "</graph>"
    return f"<think>{prose}<graph>{graph}{closing}</think><answer>{answer}</answer>"


def perfect_reply(scene: Scene, *, form: Form = "json", faults: Collection[str] = ()) -> str:
    """The reference itself, rendered, with the right answer.

    >>> from videostr.testing.scenes import table_with_chairs
    >>> perfect_reply(table_with_chairs()).endswith("</graph></think><answer>B</answer>")
    True
    """
    unit = "px" if scene.space == "image" else scene.unit
    return reply(scene.frames, right_answer(scene.answer), form=form, faults=faults, unit=unit)


def state_edges(
    frame: Frame, *, angle: Literal["centroid", "view"] | None = "centroid", scale: float = 1.0
) -> Frame:
    """The frame with an edge stated for every pair of nodes: true distance and true angle.

    `centroid` angles are taken at the mean of the frame's nodes (none under three nodes), `view` angles at
    its observer (the origin without one); a ray shorter than 1e-3 of `scale` has no angle.
    """
    apex: NDArray[np.float64] | None = None
    if angle == "view":
        apex = (
            np.array(frame.observer) if frame.observer is not None else np.zeros(len(frame.nodes[0].center))
        )
    elif angle == "centroid" and len(frame.nodes) >= 3:
        apex = frame.centers.mean(axis=0)
    edges: list[Edge] = []
    for i, first in enumerate(frame.nodes):
        for second in frame.nodes[i + 1 :]:
            a, b = np.array(first.center), np.array(second.center)
            theta = None if apex is None else _angle(a - apex, b - apex, 1e-3 * scale)
            edges.append(Edge(first.id, second.id, float(np.linalg.norm(a - b)), theta))
    return replace(frame, edges=tuple(edges))


def _angle(a: NDArray[np.float64], b: NDArray[np.float64], shortest: float) -> float | None:
    if min(np.linalg.norm(a), np.linalg.norm(b)) < shortest:
        return None
    in_space = [np.pad(ray, (0, 3 - len(ray))) for ray in (a, b)]
    area = np.linalg.norm(np.cross(in_space[0], in_space[1]))
    return math.degrees(math.atan2(float(area), float(a @ b)))


def _with_extra_nodes(frames: Frames, faults: Collection[str]) -> Frames:
    """The frames with what `duplicate_id` and `void_edge` add, both to the first frame that can have it."""
    out = list(frames)
    if "duplicate_id" in faults:
        for k, frame in enumerate(out):
            doubled = next((node for node in frame.nodes if node.suffix is not None), None)
            if doubled is not None:
                out[k] = replace(frame, nodes=(_farther(doubled), *frame.nodes))
                break
        else:
            raise ValueError("'duplicate_id' needs a node with a number: this graph has only bare labels")
    if "void_edge" in faults:
        out[0] = replace(out[0], edges=(Edge("nobody.7", "nothing.8", 1.0), *out[0].edges))
    return tuple(out)


def _farther(node: Node) -> Node:
    """The same id at a lexicographically larger centre, which is the one that does not count."""
    return replace(node, center=(node.center[0] + 1.0 + abs(node.center[0]), *node.center[1:]))


@dataclass(frozen=True, slots=True)
class _Json:
    faults: frozenset[str]
    unit: str

    def write(self, frames: Frames) -> str:
        body = self._list([self._frame(frame, first=k == 0) for k, frame in enumerate(frames)])
        text = "{" + self._member("frames", body) + "}"
        if "truncation" in self.faults:
            return text.removesuffix("}").removesuffix("]").removesuffix(",")
        return text + (" That is all I can see." if "text_after" in self.faults else "")

    def _frame(self, frame: Frame, *, first: bool) -> str:
        members: list[str] = []
        if frame.t is not None:
            members.append(self._member("t", repr(frame.t)))
        elif "python_literal" in self.faults:
            members.append(self._member("t", "None"))
        nodes = [self._node(node) for node in frame.nodes]
        if first and "void_node" in self.faults:
            nodes.insert(0, f"[{self._string('ghost.1')},{self._center((1.0, 2.0, 3.0, 4.0, 5.0))}]")
        if first and "python_literal" in self.faults and frame.t is not None:
            nodes.insert(0, f"[{self._string('ghost.2')},None]")
        members.append(self._member("nodes", self._list(nodes)))
        if first and "repeated_key" in self.faults:
            members.append(self._member("nodes", "[]"))
        if frame.edges:
            members.append(self._member("edges", self._list([self._edge(edge) for edge in frame.edges])))
        note = "/* what I see */ " if first and "comment" in self.faults else ""
        return "{" + note + ",".join(members) + "}"

    def _member(self, key: str, value: str) -> str:
        return f"{key if 'bare_key' in self.faults else self._string(key)}:{value}"

    def _string(self, text: str) -> str:
        quoted = json.dumps(text, ensure_ascii=False)
        if "single_quotes" not in self.faults:
            return quoted
        return "'" + quoted[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"

    def _list(self, items: Sequence[str]) -> str:
        comma = "," if items and "trailing_comma" in self.faults else ""
        return "[" + (" " if "missing_comma" in self.faults else ",").join(items) + comma + "]"

    def _node(self, node: Node) -> str:
        return f"[{self._string(node.id)},{self._center(node.center)}]"

    def _center(self, center: Point) -> str:
        opening, closing = "()" if "round_brackets" in self.faults else "[]"
        after = f" {self.unit}" if "unit" in self.faults else ""
        return opening + ",".join(f"{float(value)!r}{after}" for value in center) + closing

    def _edge(self, edge: Edge) -> str:
        numbers = [repr(edge.distance), *([] if edge.angle is None else [repr(edge.angle)])]
        return "[" + ",".join([self._string(edge.first), self._string(edge.second), *numbers]) + "]"


def _lines(frames: Frames, faults: frozenset[str], unit: str) -> str:
    after = f" {unit}" if "unit" in faults else ""
    out = ["# what I see"] if "comment" in faults else []
    for k, frame in enumerate(frames):
        out.append("@" if frame.t is None else f"@{frame.t!r}")
        if k == 0 and "void_line" in faults:
            out.append("there is more to see here")
        if k == 0 and "void_node" in faults:
            out.append("ghost.1 1.0 2.0 nan")
        out.extend(
            f"{n.id} " + " ".join(f"{float(value)!r}{after}" for value in n.center) for n in frame.nodes
        )
        for edge in frame.edges:
            angle = "" if edge.angle is None else f" {edge.angle!r}"
            out.append(f"{edge.first} - {edge.second} {edge.distance!r}{angle}")
    return "\n".join(out) + "\n"
