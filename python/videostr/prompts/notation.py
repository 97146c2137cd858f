"""References written in the notation that prompts ask for and the reply reader reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, cast

import numpy as np

from videostr.prompts.errors import PromptError
from videostr.prompts.reference import Json, as_mapping

Form = Literal["json", "lines"]
FORMS: tuple[Form, ...] = ("json", "lines")


def format_number(value: float, decimals: int | None = None) -> str:
    """`value` in positional notation: shortest that reads back the same, or with fixed `decimals`.

    >>> format_number(1.5), format_number(2.0), format_number(-0.04, 1)
    ('1.5', '2', '0.0')
    """
    if decimals is None:
        return np.format_float_positional(float(value) + 0.0, trim="-")
    text = f"{float(value):.{decimals}f}"
    return text.lstrip("-") if float(text) == 0.0 else text


def render_graph(graph: Json, form: Form, *, decimals: int | None = None, edges: bool = False) -> str:
    """A reference graph as the text between `<graph>` and `</graph>`.

    graph: the `graph` object of a reference. form: "json" (one line) or "lines" (each line ends in a
    newline). decimals: digits of coordinates and distances; None keeps every float exact. Times are
    always exact. edges: also state the distance of every pair of a frame.
    """
    if form not in FORMS:
        raise PromptError(f"form: {form!r} is none of {', '.join(FORMS)}")
    frames = [_frame_items(frame, decimals, edges) for frame in cast(Sequence[Json], graph["frames"])]
    return _as_json(frames) if form == "json" else _as_lines(frames)


def render_answer(answer: Json, *, decimals: int | None = None) -> str:
    """The value of a reference's answer as the text between `<answer>` and `</answer>`."""
    kind, value = answer["kind"], answer["value"]
    if kind in ("choice", "text"):
        return str(value)
    if kind == "number":
        return format_number(value, decimals)
    if kind in ("box2d", "interval"):
        return "[" + ", ".join(format_number(number, decimals) for number in value) + "]"
    raise PromptError(f"answer.kind: {kind!r} has no rendering; known: choice, number, box2d, interval, text")


def render_reply(
    reference: Json | str,
    *,
    form: Form,
    think: str = "",
    decimals: int | None = None,
    answer_decimals: int | None = None,
    edges: bool = False,
) -> str:
    """A whole reply that says what `reference` says.

    think: words before the graph. decimals: digits of coordinates, answer_decimals: digits of a number,
    box or interval (None: exact). A reference without an answer gets "done" in its answer block, one
    without a graph gets none.
    """
    value = as_mapping(reference)
    graph, answer = value.get("graph"), value.get("answer")
    block = ""
    if graph is not None:
        text = render_graph(graph, form, decimals=decimals, edges=edges)
        block = f"<graph>{text}</graph>" if form == "json" else f"<graph>\n{text}</graph>"
    said = "done" if answer is None else render_answer(answer, decimals=answer_decimals)
    words = f"{think} " if think and block else think
    return f"<think>{words}{block}</think>\n<answer>{said}</answer>"


Node = tuple[str, list[str]]
Edge = tuple[str, str, str]
Frame = tuple[str | None, list[Node], list[Edge]]


def _frame_items(frame: Json, decimals: int | None, edges: bool) -> Frame:
    nodes = cast(Sequence[Mapping[str, Any]], frame["nodes"])
    written: list[Node] = [
        (str(node["id"]), [format_number(value, decimals) for value in node["center"]]) for node in nodes
    ]
    pairs: list[Edge] = []
    if edges:
        for a, b in combinations(nodes, 2):
            # Twelve digits drop the noise of float64 subtraction (0.24 - -0.2) and nothing that is meant.
            length = round(math.dist(a["center"], b["center"]), 12)
            pairs.append((str(a["id"]), str(b["id"]), format_number(length, decimals)))
    time = frame.get("t")
    return (None if time is None else format_number(time), written, pairs)


def _as_lines(frames: Sequence[Frame]) -> str:
    lines: list[str] = []
    for time, nodes, edges in frames:
        lines.append(f"@{time or ''}")
        lines.extend(f"{name} {' '.join(center)}" for name, center in nodes)
        lines.extend(f"{a} - {b} {length}" for a, b, length in edges)
    return "".join(line + "\n" for line in lines)


def _as_json(frames: Sequence[Frame]) -> str:
    # Numbers are already text, so that `decimals` holds; hence no json.dumps of the whole.
    parts: list[str] = []
    for time, nodes, edges in frames:
        items = [] if time is None else [f'"t":{time}']
        items.append('"nodes":[' + ",".join(f"[{_quoted(n)},[{','.join(c)}]]" for n, c in nodes) + "]")
        if edges:
            items.append(
                '"edges":[' + ",".join(f"[{_quoted(a)},{_quoted(b)},{d}]" for a, b, d in edges) + "]"
            )
        parts.append("{" + ",".join(items) + "}")
    return '{"frames":[' + ",".join(parts) + "]}"


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
