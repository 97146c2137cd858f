"""The text of a reply as a page shows it: cut where it is long, with the places of tags, nodes and repairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

#: Characters of a reply that are shown: so many of its beginning, so many of its end.
HEAD, TAIL = 8000, 3000
#: Marks in one reply, and repairs among them.
MARKS, REPAIRS = 400, 100
_TAG = re.compile(r"</?(?:think|graph|answer)>")
_NODE = re.compile(r"[^\n\]})<]{0,80}[\])}]?")
#: Characters that a repair's mark covers.
_REPAIR = 1


def shown_text(
    text: str, repairs: Sequence[Mapping[str, Any]], frames: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A reply's text with marks.

    Args:
        text: The reply.
        repairs: Of its explanation: ``repair`` and ``at`` in bytes.
        frames: Of its scene.

    Returns:
        ``text``: what is shown; ``left_out``: characters of the middle that are not; ``marks``: each with
        ``from`` and ``to`` in UTF-16 units of what is shown, as a browser counts, a ``kind`` (``tag``,
        ``node``, ``repair``), and what it says.
    """
    places = _Bytes(text)
    found: list[tuple[int, int, dict[str, Any]]] = [
        (tag.start(), tag.end(), {"kind": "tag"}) for tag in _TAG.finditer(text)
    ]
    for repair in repairs[:REPAIRS]:
        at = max(0, min(places.character(repair["at"]), len(text) - _REPAIR))
        found.append((at, min(at + _REPAIR, len(text)), {"kind": "repair", "says": repair["repair"]}))
    for number, frame in enumerate(frames):
        for node, drawn in enumerate(frame["reply"]):
            at = places.character(drawn["byte"])
            end = _NODE.match(text, at)
            found.append((at, end.end() if end else at, {"kind": "node", "frame": number, "node": node}))
    head, tail = (len(text), len(text)) if len(text) <= HEAD + TAIL else (HEAD, len(text) - TAIL)
    gap = f"\n⟨ {tail - head:,} characters left out ⟩\n" if tail > head else ""
    marks = list(_shown(found, head, tail, len(gap)))
    shown = text[:head] + gap + text[tail:]
    units = _Units(shown)
    return {
        "text": shown,
        "left_out": tail - head,
        "marks": [
            {"from": units.at(start), "to": units.at(end), **what} for start, end, what in marks[:MARKS]
        ],
    }


def _shown(
    found: Iterable[tuple[int, int, dict[str, Any]]], head: int, tail: int, gap: int
) -> Iterable[tuple[int, int, dict[str, Any]]]:
    """The marks that lie in what is shown, by their places in it."""
    for start, end, what in sorted(found, key=lambda each: each[:2]):
        if end <= head:
            yield start, end, what
        elif start >= tail:
            yield start - tail + head + gap, end - tail + head + gap, what


class _Bytes:
    """Byte offsets of a text's UTF-8 form as offsets of characters."""

    def __init__(self, text: str) -> None:
        raw = np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        self._before = np.concatenate([[0], np.cumsum((raw & 0xC0) != 0x80)])  # bytes that begin a character

    def character(self, byte: int) -> int:
        return int(self._before[min(byte, len(self._before) - 1)])


class _Units:
    """Offsets of characters as offsets of UTF-16 units."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._plain = all(ord(char) < 0x10000 for char in text)

    def at(self, character: int) -> int:
        if self._plain:
            return character
        return len(self._text[:character].encode("utf-16-le", "surrogatepass")) // 2
