"""The line form of a graph (scoring.md sections 1, 1.1)."""

from __future__ import annotations

import math
import re

from .graph import BadGraphError, WrittenFrame
from .labels import read_id
from .read_json import Reading, good_node
from .units import UNIT, as_length

BLANKS = re.compile(r"[\s,:;\[\](){}]+")
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*|(?:(?<=\s)|(?<![^\n]))#[^\n]*", re.DOTALL)
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


def _tokens(line: str) -> list[Token]:
    tokens: list[Token] = []
    for text in BLANKS.split(line):
        if not text:
            continue
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
    if not closed:
        reading.repairs.add("truncation")
        text = text[: text.rfind("\n") + 1]
    without_comments = COMMENT.sub(" ", text)
    if without_comments != text:
        reading.repairs.add("comment")

    frames: list[WrittenFrame] = []
    readable = False
    for line in without_comments.split("\n"):
        if line.strip().startswith("```"):
            reading.repairs.add("code_fence")
            continue
        tokens = _tokens(line)
        if not tokens:
            continue
        if tokens[0].text.startswith("@"):
            understood = _frame_line(tokens, frames)
            readable = readable or understood
        else:
            understood = _edge_line(tokens, frames, reading) or _node_line(tokens, frames, reading)
        if not understood:
            reading.repairs.add("void_line")
        elif any(token.unit for token in tokens):
            reading.repairs.add("unit")

    if not readable and not any(frame.nodes for frame in frames):
        raise BadGraphError("nothing readable")
    if not closed and frames and not frames[-1].nodes:
        frames.pop()
    return frames


def _frame_line(tokens: list[Token], frames: list[WrittenFrame]) -> bool:
    """`@` or `@t`."""
    if tokens[0].text != "@":
        tokens[0] = Token(tokens[0].text[1:])
    else:
        tokens = tokens[1:]
    if not tokens:
        frames.append(WrittenFrame())
        return True
    t = tokens[0].number
    if len(tokens) != 1 or t is None or not math.isfinite(t):
        return False
    frames.append(WrittenFrame(t))
    return True


def _current(frames: list[WrittenFrame]) -> WrittenFrame:
    if not frames:
        frames.append(WrittenFrame())
    return frames[-1]


def _edge_line(tokens: list[Token], frames: list[WrittenFrame], reading: Reading) -> bool:
    dashes = [index for index, token in enumerate(tokens) if token.text == "-"]
    if not dashes:
        return False
    left, right = tokens[: dashes[0]], tokens[dashes[0] + 1 :]
    count = _trailing_numbers(right)
    if count == 3 and INTEGER.fullmatch(right[-3].text):
        count = 2  # the integer is the suffix of the second id
    if not left or count not in (1, 2) or count == len(right):
        return False
    numbers = right[len(right) - count :]
    distance = numbers[0].number
    degrees = numbers[1].number if count == 2 else None
    assert distance is not None
    frame = _current(frames)
    frame.edge_count += 1
    if degrees is not None and not math.isfinite(degrees):
        reading.repairs.add("void_edge")
        return True
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
    if not name or (count not in (2, 3) and not has_suffix):
        return False
    frame = _current(frames)
    frame.node_count += 1
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
