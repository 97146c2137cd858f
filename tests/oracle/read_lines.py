"""The line form of a graph (scoring.md sections 1, 1.1)."""

from __future__ import annotations

import math
import re

from .graph import BadGraphError, WrittenFrame
from .labels import read_id
from .read_json import Reading, good_node
from .spans import BLANK
from .units import UNIT, as_length

BLANKS = re.compile(rf"[{BLANK},:;\[\](){{}}]+")
COMMENT = re.compile(rf"/\*.*?(?:\*/|\Z)|//[^\n]*|(?:(?<=[{BLANK}])|(?<![^\n]))#[^\n]*", re.DOTALL)
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
INTEGER = re.compile(r"[0-9]+")


class Token:
    """A word of a line; a number may carry a unit, attached or as the next word."""

    def __init__(self, text: str):
        self.text = text
        self.unit: str | None = None
        self.number: float | None = None
        if NOT_FINITE.fullmatch(text):
            self.number = float(text)
        elif number := NUMBER.match(text):
            rest = text[number.end() :]
            if not rest or UNIT.fullmatch(rest):
                self.number = float(number.group())
                self.unit = rest or None


def _tokens(words: list[str]) -> list[Token]:
    tokens: list[Token] = []
    for text in words:
        before = tokens[-1] if tokens else None
        if before is not None and before.number is not None and before.unit is None and UNIT.fullmatch(text):
            before.unit = text
        else:
            tokens.append(Token(text))
    return tokens


def _trailing_numbers(tokens: list[Token]) -> int:
    count = 0
    while count < len(tokens) and tokens[-1 - count].number is not None:
        count += 1
    return count


def _name(tokens: list[Token]) -> str:
    return " ".join(token.text for token in tokens)


def read_lines(text: str, closed: bool, reading: Reading) -> list[WrittenFrame]:
    """The frames; of a block that is not closed the line without an end is not read."""
    without_comments = COMMENT.sub(" ", text)
    if without_comments != text:
        reading.repairs.add("comment")
    if not closed:
        reading.repairs.add("truncation")
        without_comments = without_comments[: without_comments.rfind("\n") + 1]

    frames: list[WrittenFrame] = []
    readable = False
    for line in without_comments.split("\n"):
        words = [word for word in BLANKS.split(line) if word]
        if not words:
            continue
        if words[0].startswith("```"):
            reading.repairs.add("code_fence")
            continue
        if words[0].startswith("@"):
            understood = _frame_line([words[0][1:], *words[1:]], frames, reading)
            readable = readable or understood
        else:
            tokens = _tokens(words)
            is_edge = any(token.text == "-" for token in tokens[1:])
            understood = (_edge_line if is_edge else _node_line)(tokens, frames, reading)
        if not understood:
            reading.repairs.add("void_line")

    if not readable and not any(frame.nodes for frame in frames):
        raise BadGraphError("nothing readable")
    if not closed and frames and not frames[-1].nodes:
        frames.pop()
    if frames and not frames[0].is_stated and not frames[0].nodes:
        if frames[0].edges:
            reading.repairs.add("void_edge")
        frames.pop(0)
    return frames


def _frame_line(words: list[str], frames: list[WrittenFrame], reading: Reading) -> bool:
    """`@`, or `@` and a time, whose unit is dropped; the words are those behind the `@`."""
    tokens = _tokens([word for word in words if word])
    if not tokens:
        frames.append(WrittenFrame(is_stated=True))
        return True
    t = tokens[0].number
    if len(tokens) != 1 or t is None or not math.isfinite(t):
        return False
    _note_units(tokens, reading)
    frames.append(WrittenFrame(t, is_stated=True))
    return True


def _note_units(numbers: list[Token], reading: Reading) -> None:
    if any(number.unit for number in numbers):
        reading.repairs.add("unit")


def _current(frames: list[WrittenFrame]) -> WrittenFrame:
    if not frames:
        frames.append(WrittenFrame())
    return frames[-1]


def _edge_line(tokens: list[Token], frames: list[WrittenFrame], reading: Reading) -> bool:
    """A stated edge: two ids around a lone `-`, then a distance and, perhaps, an angle."""
    dash = next(index for index, token in enumerate(tokens) if index > 0 and token.text == "-")
    left, right = tokens[:dash], tokens[dash + 1 :]
    count = _trailing_numbers(right)
    if count in (0, len(right)):
        return False
    count = min(count, 2)  # numbers before these two belong to the second id
    numbers = right[len(right) - count :]
    _note_units(numbers, reading)
    distance = numbers[0].number
    degrees = numbers[1].number if count == 2 else None
    assert distance is not None
    frame = _current(frames)
    frame.edge_count += 1
    if degrees is not None and not math.isfinite(degrees):
        degrees = None
    frame.edges.append(
        (
            read_id(_name(left), reading.aliases),
            read_id(_name(right[: len(right) - count]), reading.aliases),
            as_length(distance, numbers[0].unit, reading.unit),
            degrees,
        )
    )
    return True


def _node_line(tokens: list[Token], frames: list[WrittenFrame], reading: Reading) -> bool:
    """A node, good or void; false when the line is neither."""
    count = _trailing_numbers(tokens)
    dimension = reading.dimension or min(count, 3)
    has_suffix = count == dimension + 1 and INTEGER.fullmatch(tokens[-count].text) is not None
    name = tokens[:-dimension] if has_suffix else tokens[: len(tokens) - count]
    if count == len(tokens) or (count not in (2, 3) and not has_suffix):
        return False
    frame = _current(frames)
    frame.node_count += 1
    _note_units(tokens[len(tokens) - count :], reading)
    id = read_id(_name(name), reading.aliases)
    center = [
        as_length(token.number, token.unit, reading.unit)
        for token in (tokens[-dimension:] if has_suffix else tokens[len(tokens) - count :])
        if token.number is not None
    ]
    node = good_node(id, center, reading) if id[0] else None
    if node is None:
        reading.repairs.add("void_node")
    else:
        frame.nodes.append(node)
    return True
