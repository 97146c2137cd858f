"""Replies as text: every accepted form of a graph, clean, dirty, cut or broken.

What scoring.md leaves open (README.md, "Readings") is not written, nor is more than one fault that makes a
graph bad.
"""

from __future__ import annotations

import random
from typing import Any

from .json_form import json_graph
from .line_form import line_graph
from .replies import WrittenFrame
from .style import Style

BROKEN = (
    "",
    "  \n ",
    "I see a chair and a table.",
    '{"frames":3}',
    '{"nodes"=[]}',
    "[" * 30 + "]" * 30,
    '[["chair.1",[1,,2,3]]]',
    '[["chair.1",[1,2,3}]',
    '[["chair.1",[1,2',
    '{"nodes":[["chair.1",[1,2,3]]',
)


def write_graph(
    rng: random.Random, reply: list[WrittenFrame], graph: dict[str, Any], clean: bool
) -> tuple[str, bool]:
    """(the block's text, whether it is closed)."""
    if rng.random() < 0.025:
        return rng.choice(BROKEN), True
    style = Style(rng, graph, clean)
    in_lines = rng.random() < 0.35
    text = line_graph(style, reply) if in_lines else json_graph(style, reply)
    if style.has("fence"):
        text = f"```{rng.choice(('', 'json')) if not in_lines else ''}\n{text}\n```"
    if not in_lines and style.has("text after"):
        text += " That is all."
    if not style.cut:
        return text, True
    if in_lines:
        return text[: rng.randrange(len(text) + 1)], False
    first_whole = text.find("]") + 1
    return text[: rng.randrange(first_whole, len(text) + 1)], rng.random() < 0.5
