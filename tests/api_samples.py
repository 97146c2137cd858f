"""A reference and replies to it, small enough to check by hand."""

from __future__ import annotations

import json
from typing import Any

NODES = [
    {"id": "chair.1", "label": "chair", "center": [0.0, 0.0, 0.0]},
    {"id": "table.1", "label": "table", "center": [3.0, 4.0, 0.0]},
    {"id": "lamp.1", "label": "lamp", "center": [1.0, 1.0, 2.0]},
    {"id": "sofa.1", "label": "sofa", "center": [5.0, 0.0, 1.0]},
]


def truth(**changes: Any) -> dict[str, Any]:
    """A choice question about one frame of four objects in camera space."""
    graph = {"space": "camera", "unit": "m", "scale": 8.0, "frames": [{"t": 0.0, "nodes": NODES}]}
    answer = {"kind": "choice", "value": "B", "options": ["left", "right", "behind", "front"]}
    return {"version": 1, "answer": answer, "graph": graph, **changes}


def graph_block(nodes: list[dict[str, Any]] = NODES, t: float = 0.0) -> str:
    frame = {"t": t, "nodes": [[node["id"], node["center"]] for node in nodes]}
    return json.dumps({"frames": [frame]})


def reply(graph: str | None = None, answer: str = "B") -> str:
    block = graph_block() if graph is None else graph
    return f"<think>I look. <graph>{block}</graph></think>\n<answer>{answer}</answer>"


#: Replies of all sorts: perfect, wrong, dirty, cut, hostile, empty.
REPLIES = [
    reply(),
    reply(answer="A"),
    reply("chair.1 0 0 0\ntable.1 3 4 0.5\nsofa.1 5 0 1"),
    reply(graph_block()[:-30]),
    reply("{'frames': [{'nodes': [('chair', (0, 0, 0)),]}]}"),
    reply("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
    reply("[]"),
    "<answer>B</answer><answer>C</answer>",
    "no tag at all",
    "",
    "<think><graph>" + "[" * 10_000,
    reply('[["chair", [NaN, 1, Infinity]]]', answer="**B**"),
    "caf\u00e9 \U0001f600 " + reply(),
    "\ud800" + reply(answer="right"),
]
