"""The JSON forms of a graph: frames, one frame, a bare list of nodes, a category map."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .replies import Written, WrittenFrame
from .style import Style

BAD_NUMBERS = ("true", "null", "NaN", "-Infinity", "far", '"4"', "2000000000")
NOTES = ('"seen"', "0.75", "[1,2]", '{"a":{"b":[]}}', "null", "true")
PYTHON_NOTES = ("True", "None", "False")


def json_graph(style: Style, frames: list[WrittenFrame]) -> str:
    forms = ["frames"]
    if len(frames) == 1:
        forms.append("nodes")
        if frames[0].t is None and not frames[0].edges:
            forms += ["list", "list"]
            if style.dimension == 2:
                forms += ["map", "map"]
    match style.rng.choice(forms):
        case "frames":
            return _object(style, [("frames", _array(style, (_frame(style, frame) for frame in frames)))])
        case "nodes":
            return _frame(style, frames[0])
        case "list":
            return _array(style, _nodes(style, frames[0]), may_be_round=False)
        case _:
            return _map(style, frames[0])


def _frame(style: Style, frame: WrittenFrame) -> str:
    members = []
    if frame.t is not None:
        members.append(("t", style.number(frame.t)))
    elif style.sometimes("python literals", 0.5):
        members.append(("t", "None"))
    if style.sometimes("repeated key", 0.5) and members:
        members.append(("t", "77"))
    members.append(("nodes", _array(style, _nodes(style, frame))))
    if frame.edges:
        members.append(("edges", _array(style, _edges(style, frame))))
    if style.rng.random() < 0.1:
        members.append(("note", style.rng.choice(NOTES)))
    if style.sometimes("python literals"):
        members.append(("visible", style.rng.choice(PYTHON_NOTES)))
    if style.sometimes("repeated key", 0.5):
        members.append(("nodes", "[]"))
    return _object(style, members)


def _nodes(style: Style, frame: WrittenFrame) -> list[str]:
    nodes = [_node(style, node) for node in frame.nodes]
    if style.sometimes("void node", 0.7):
        nodes.insert(style.rng.randint(0, len(nodes)), _void_node(style))
    return nodes


def _node(style: Style, node: Written) -> str:
    center = _array(style, (style.length(value) for value in node.center))
    name = style.name(node)
    if style.names == "dressed" and style.rng.random() < 0.2:
        name = f" {name}  "
    if style.rng.random() < 0.85:
        return _array(style, [_string(style, name), center])
    members = [
        (style.rng.choice(("id", "label")), _string(style, name)),
        (style.rng.choice(("center", "pos", "position")), center),
    ]
    return _object(style, members)


def _void_node(style: Style) -> str:
    numbers = [style.number(style.rng.uniform(-3, 3)) for _ in range(style.dimension)]
    fault = style.rng.choice(("number", "number", "number", "few", "many", "dimension", "shape"))
    if fault == "number":
        numbers[style.rng.randrange(style.dimension)] = style.rng.choice(BAD_NUMBERS)
    elif fault == "few":
        numbers = numbers[:1]
    elif fault == "many":
        numbers = [*numbers, "1.5", "2.5"]
    elif fault == "dimension":
        numbers = numbers[:2] if style.dimension == 3 else [*numbers, "1.5"]
    else:
        return style.rng.choice(
            ('["ghost.1"]', "[]", '{"id":"ghost.1"}', '["ghost.1",[1,2,3],4]', '"ghost.1"', "7")
        )
    return f'["ghost.1",[{",".join(numbers)}]]'


def _edges(style: Style, frame: WrittenFrame) -> list[str]:
    edges = []
    for a, b, distance, angle in frame.edges:
        items = [_string(style, style.name(a)), _string(style, style.name(b)), style.length(distance)]
        if angle is not None:
            items.append(style.number(angle))
        edges.append(_array(style, items))
    return edges


def _map(style: Style, frame: WrittenFrame) -> str:
    by_label: dict[str, list[str]] = {}
    for node in frame.nodes:
        center = _array(style, (style.length(value) for value in node.center))
        by_label.setdefault(node.label, []).append(center)
    return _object(style, [(label, _array(style, centers)) for label, centers in by_label.items()])


# -- pieces --------------------------------------------------------------------------------------------------


def _string(style: Style, text: str) -> str:
    if style.sometimes("single quotes", 0.8):
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=style.rng.random() < 0.5)


def _key(style: Style, text: str) -> str:
    if text.isascii() and text.isalpha() and style.sometimes("bare keys", 0.8):
        return text
    return _string(style, text)


def _join(style: Style, items: Iterable[str]) -> str:
    """Items with commas, of which some may be missing, and comments between."""
    parts: list[str] = []
    for item in items:
        if parts:
            # Between two numbers a missing comma could be read as a unit or as one number: not written.
            clear = not (parts[-1][-1].isalnum() or item[0].isalnum())
            parts.append(" " if clear and style.sometimes("missing comma") else style.rng.choice((",", ", ")))
        if style.sometimes("comment", 0.1):
            parts.append(style.rng.choice((" // so, [\n", " # {it} is\n", "/* a, b */")))
        parts.append(item)
    if parts and style.sometimes("trailing comma", 0.25):
        parts.append(",")
    return "".join(parts)


def _array(style: Style, items: Iterable[str], may_be_round: bool = True) -> str:
    inside = _join(style, items)
    return f"({inside})" if may_be_round and style.sometimes("round brackets", 0.4) else f"[{inside}]"


def _object(style: Style, members: list[tuple[str, str]]) -> str:
    colon = style.rng.choice((":", ": ", " :\n"))
    return "{" + _join(style, (_key(style, name) + colon + value for name, value in members)) + "}"
