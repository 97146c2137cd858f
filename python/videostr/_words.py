"""Explanations in words, for people."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

#: Edges of a frame that are written out, the dearest losses first.
SHOWN_EDGES = 30
#: Characters of the answer that are shown.
SHOWN_ANSWER = 200
#: Repairs of one kind that are shown in their place.
SHOWN_REPAIRS = 5
#: Characters of the reply that are shown to either side of a place.
AROUND = 40


def explanation_in_words(explanation: dict[str, Any], text: str) -> str:
    """What `Report.explanation` holds, line by line."""
    lines = [
        *_components(explanation["components"]),
        f"graph status: {explanation['graph_status']}",
        f"answer status: {explanation['answer_status']}",
        _answer(explanation["answer"]),
    ]
    for frame in explanation["frames"]:
        lines += ["", *_frame(frame)]
    if explanation["extra_frames"]:
        lines += ["", f"frames of the reply without a partner: {_listed(explanation['extra_frames'])}"]
    lines += ["", *_repairs(explanation["repairs"], text)]
    return "\n".join(lines)


def place_in_text(text: str, at: int) -> list[str]:
    """The line around byte `at` of a text's UTF-8 form, and under it a caret.

    Example:
        >>> print("\\n".join(place_in_text("one\\ntwo 'three'", 8)))
        two 'three'
            ^
    """
    raw = text.encode("utf-8", "surrogatepass")
    position = len(raw[:at].decode("utf-8", "surrogatepass"))
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    first, last = max(start, position - AROUND), min(end, position + AROUND)
    before, after = _shown(text[first:position]), _shown(text[position:last])
    left = "..." if first > start else ""
    right = "..." if last < end else ""
    return [f"{left}{before}{after}{right}", " " * (len(left) + _width(before)) + "^"]


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "\u00b7" for char in text)


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def _components(components: dict[str, float | None]) -> Iterator[str]:
    for name, value in components.items():
        yield f"{name:<12}{'not defined' if value is None else f'{value:.4f}'}"


def _answer(answer: str | None) -> str:
    if answer is None:
        return "answer: no block counts"
    more = "..." if len(answer) > SHOWN_ANSWER else ""
    return f"answer: {_shown(answer[:SHOWN_ANSWER])!r}{more}"


def _frame(frame: dict[str, Any]) -> Iterator[str]:
    yield f"frame {frame['frame']}{_time(frame['t'])}: {_partner(frame)}"
    if frame["motion"] is not None:
        yield f"  compared after {_motion(frame['motion'])}"
    for node in frame["matched"]:
        yield (
            f"  {node['id']} is {_shown(node['partner'])}: {_short(node['distance'])} apart, "
            f"node {node['kernel']:.3f} ({_point(node['center'])} against {_point(node['moved'])})"
        )
    if frame["missing"]:
        yield f"  missing in the reply: {_listed(frame['missing'])}"
    for node in frame["extra"]:
        why = "no partner left" if node["known_label"] else "no such label in the reference"
        yield f"  unmatched in the reply: {_shown(node['id'])} ({why})"
    yield from _edges(frame["edges"])
    if frame["chirality_of"]:
        yield f"  chirality: {frame['chirality_right']} of {frame['chirality_of']} tuples right"


def _time(t: float | None) -> str:
    return "" if t is None else f" (t = {_short(t)})"


def _partner(frame: dict[str, Any]) -> str:
    if frame["partner"] is None:
        return "no frame of the reply pairs with it"
    return f"pairs with frame {frame['partner']}{_time(frame['partner_t'])} of the reply"


def _motion(motion: dict[str, Any]) -> str:
    rows = "; ".join(_point(row) for row in motion["rotation"])
    scale = "" if motion["scale"] == 1 else f", scale {_short(motion['scale'])}"
    return f"rotation [{rows}], shift {_point(motion['shift'])}{scale}"


def _edges(edges: Sequence[dict[str, Any]]) -> Iterator[str]:
    for edge in sorted(edges, key=lambda edge: float(edge["value"]))[:SHOWN_EDGES]:
        angle = "" if edge["angle_kernel"] is None else f", angle {edge['angle_kernel']:.3f}"
        yield (
            f"  edge {edge['ends'][0]} - {edge['ends'][1]}: {_length(edge['distance'])} in the reference, "
            f"{_length(edge['partner_distance'])} in the reply: "
            f"{edge['value']:.3f} (distance {edge['distance_kernel']:.3f}{angle})"
        )
    if len(edges) > SHOWN_EDGES:
        yield f"  ... and {len(edges) - SHOWN_EDGES} edges that earn more"


def _length(value: float | None) -> str:
    return "not stated" if value is None else _short(value)


def _repairs(repairs: Sequence[dict[str, Any]], text: str) -> Iterator[str]:
    yield f"repairs: {len(repairs) or 'none'}"
    raw = text.encode("utf-8", "surrogatepass")
    seen: Counter[str] = Counter()
    for repair in sorted(repairs, key=lambda repair: int(repair["at"])):
        seen[repair["repair"]] += 1
        if seen[repair["repair"]] > SHOWN_REPAIRS:
            continue
        line = raw.count(b"\n", 0, repair["at"]) + 1
        yield f"  {repair['repair']} at byte {repair['at']} (line {line} of the reply)"
        for shown in place_in_text(text, repair["at"]):
            yield f"    {shown}"
    for name, count in seen.items():
        if count > SHOWN_REPAIRS:
            yield f"  ... and {count - SHOWN_REPAIRS} more of {name}"


def _listed(items: Sequence[Any]) -> str:
    return ", ".join(map(str, items))


def _point(values: Sequence[float]) -> str:
    return "(" + ", ".join(map(_short, values)) + ")"


def _short(value: float) -> str:
    return f"{value:.4g}"
