"""The JSON form of a graph: text to values with repairs, then values to frames (scoring.md sections 1, 1.1).

Values are str, bool, None, Number, Word, Array and Object. A container knows whether its own closing
bracket was read; a number that touches the end of a cut text is NaN, for it may have been longer.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .graph import BadGraphError, Node, WrittenFrame
from .labels import read_id
from .spans import BLANK
from .units import UNIT, as_length

MAX_NESTING = 24
MAX_MAGNITUDE = 1e9

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WORD = re.compile(r"(?:[A-Za-z0-9_.+-]|[^\x00-\x7f])+")
WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
PYTHON_WORDS: dict[str, Any] = {"True": True, "False": False, "None": None}
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
ESCAPES = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
CLOSERS = {"[": "])", "(": "])", "{": "}"}


@dataclass
class Number:
    value: float
    unit: str | None = None


@dataclass
class Word:
    text: str


@dataclass
class Array:
    items: list[Any] = field(default_factory=list)
    closed: bool = False
    ends_in_string: bool = False  # that the end of the text cut


@dataclass
class Object:
    members: dict[str, Any] = field(default_factory=dict)
    closed: bool = False


class CutError(Exception):
    """The text ended inside a scalar or where a value, key or colon should come."""


class JsonText:
    def __init__(self, text: str, repairs: set[str]):
        self.text = text
        self.at = 0
        self.repairs = repairs
        self.depth = 0

    def read(self) -> Any:
        """The one value of the text; afterwards `truncation` and `text_after` are known."""
        value = self.container()
        if not value.closed:
            self.repairs.add("truncation")
            return value
        self.skip_comments()
        if self.text.startswith("```", self.at):
            self.repairs.add("code_fence")
            while self.text.startswith("`", self.at):
                self.at += 1
            self.skip_comments()
        if self.at < len(self.text):
            self.repairs.add("text_after")
        return value

    # -- blanks ------------------------------------------------------------------------------------------

    def skip_blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in BLANK:
            self.at += 1

    def skip_comments(self) -> None:
        """Over blanks and comments."""
        while True:
            self.skip_blanks()
            if self.text.startswith("/*", self.at):
                end = self.text.find("*/", self.at + 2)
                self.at = len(self.text) if end < 0 else end + 2
            elif self.text.startswith(("//", "#"), self.at):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return
            self.repairs.add("comment")

    def peek(self) -> str:
        """The next character after blanks and comments."""
        self.skip_comments()
        if self.at == len(self.text) or self.text[self.at :] == "/":
            raise CutError
        return self.text[self.at]

    # -- values ------------------------------------------------------------------------------------------

    def value(self) -> Any:
        character = self.peek()
        if character in CLOSERS:
            return self.container()
        if character in "\"'":
            return self.string()
        if word := WORD.match(self.text, self.at):
            number = NUMBER.match(self.text, self.at)
            return self.number(number) if number else self.word(word)
        raise BadGraphError(f"unexpected {character!r} at {self.at}")

    def container(self) -> Array | Object:
        opener = self.text[self.at]
        self.at += 1
        if opener == "(":
            self.repairs.add("round_brackets")
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise BadGraphError("nesting")
        whole: Array | Object = Object() if opener == "{" else Array()
        with suppress(CutError):
            self.elements(whole, CLOSERS[opener])
        self.depth -= 1
        return whole

    def elements(self, whole: Array | Object, closers: str) -> None:
        """Fill a container up to its closing bracket, which alone makes it closed."""
        after_comma = False
        while True:
            if self.peek() in closers:
                if after_comma:
                    self.repairs.add("trailing_comma")
                if self.peek() == ")":
                    self.repairs.add("round_brackets")
                self.at += 1
                whole.closed = True
                return
            if isinstance(whole, Object):
                self.member(whole)
            else:
                self.item(whole)
            after_comma = False
            self.skip_comments()
            if self.text[self.at :] == "/":
                self.repairs.add("missing_comma")
            following = self.peek()
            if following == ",":
                self.at += 1
                after_comma = True
            elif following in "}])":
                if following not in closers:
                    raise BadGraphError(f"{following!r} for {closers!r} at {self.at}")
            elif following in ":=":
                raise BadGraphError(f"unexpected {following!r} at {self.at}")
            else:
                self.repairs.add("missing_comma")

    def item(self, whole: Array) -> None:
        try:
            value = self.value()
        except CutError:
            whole.ends_in_string = self.at == len(self.text)
            raise
        whole.items.append(value)
        self.stop_if_cut(value)

    def member(self, whole: Object) -> None:
        key = self.key()
        if self.peek() != ":":
            raise BadGraphError(f"no colon at {self.at}")
        self.at += 1
        self.peek()
        try:
            value = self.value()
        except CutError:
            whole.members.setdefault(key, Word(""))  # the start of a string
            raise
        if key in whole.members:
            self.repairs.add("repeated_key")
        else:
            whole.members[key] = value
        self.stop_if_cut(value)

    @staticmethod
    def stop_if_cut(value: Any) -> None:
        if isinstance(value, Array | Object) and not value.closed:
            raise CutError

    def key(self) -> str:
        character = self.peek()
        if character in "\"'":
            return self.string()
        word = WORD.match(self.text, self.at)
        if word is None:
            raise BadGraphError(f"no key at {self.at}")
        self.at = word.end()
        self.repairs.add("bare_key")
        return word.group()

    def string(self) -> str:
        quote = self.text[self.at]
        if quote == "'":
            self.repairs.add("single_quotes")
        parts = []
        fault = None  # told where the string is closed; where it is not, that is the fault
        at = self.at + 1
        while at < len(self.text):
            character = self.text[at]
            if character == quote:
                if fault is not None:
                    raise BadGraphError(fault)
                self.at = at + 1
                return _pair_surrogates("".join(parts))
            if character != "\\":
                if character < " ":
                    fault = f"control character in a string at {at}"
                parts.append(character)
                at += 1
            elif at + 1 == len(self.text):
                break
            elif self.text[at + 1] == "u":
                digits = self.text[at + 2 : at + 6]
                if at + 2 + len(digits) == len(self.text):
                    break
                if re.fullmatch(r"[0-9a-fA-F]{4}", digits):
                    parts.append(chr(int(digits, 16)))
                    at += 6
                else:
                    fault = f"bad escape at {at}"
                    at += 2
            elif self.text[at + 1] in ESCAPES:
                parts.append(ESCAPES[self.text[at + 1]])
                at += 2
            else:
                fault = f"bad escape at {at}"
                at += 1
        self.at = len(self.text)
        raise CutError

    def number(self, match: re.Match[str]) -> Any:
        """A number with its unit; a word that only starts as a number does is a word."""
        self.at = match.end()
        touched = self.at < len(self.text) and WORD.match(self.text, self.at) is not None
        number = Number(float(match.group()))
        before_blanks = self.at
        self.skip_blanks()
        unit = UNIT.match(self.text, self.at)
        if unit is not None and WORD.match(self.text, unit.end()) is None:
            self.at = unit.end()
            number.unit = unit.group()
        elif touched:
            whole = WORD.match(self.text, match.start())
            assert whole is not None
            return self.word(whole)
        else:
            self.at = before_blanks
        if self.at == len(self.text):
            return Number(math.nan)
        if number.unit is not None:
            self.repairs.add("unit")
        if JSON_NUMBER.fullmatch(match.group()) is None:
            self.repairs.add("python_literal")
        return number

    def word(self, match: re.Match[str]) -> Any:
        self.at = match.end()
        text = match.group()
        if text in PYTHON_WORDS:
            self.repairs.add("python_literal")
            return PYTHON_WORDS[text]
        if text in WORDS:
            return WORDS[text]
        if text in NOT_FINITE:
            return Number(NOT_FINITE[text])
        return Word(text)


def _pair_surrogates(text: str) -> str:
    """Two escapes of one character beyond U+FFFF become that character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


# -- values to frames ----------------------------------------------------------------------------------------


@dataclass
class Reading:
    """What a reader needs to know of the reference."""

    dimension: int | None
    unit: str | None
    aliases: dict[str, str]
    repairs: set[str]


def read_json(text: str, reading: Reading) -> list[WrittenFrame]:
    top = JsonText(text, reading.repairs).read()
    if isinstance(top, Array):
        frames = [_frame(top, None, None, top.closed, reading)]
    elif (shape := next((key for key in top.members if key in ("frames", "nodes")), None)) == "frames":
        written = top.members["frames"]
        are_objects = isinstance(written, Array) and all(isinstance(frame, Object) for frame in written.items)
        if not are_objects or written.ends_in_string:
            raise BadGraphError("frames is no list of objects")
        frames = [_frame_object(frame, reading) for frame in written.items]
    elif shape == "nodes":
        frames = [_frame_object(top, reading)]
    else:
        frames = [_category_map(top, reading)]
    frames = [frame for frame in frames if frame.nodes or not frame.is_cut]
    list_of_frames = top.members.get("frames") if isinstance(top, Object) else None
    is_whole = top.closed or (isinstance(list_of_frames, Array) and list_of_frames.closed)
    if not is_whole and not frames:
        raise BadGraphError("nothing whole before the cut")
    return frames


def _frame_object(written: Object, reading: Reading) -> WrittenFrame:
    nodes = written.members.get("nodes", Array(closed=True))
    edges = written.members.get("edges", Array(closed=True))
    if not isinstance(nodes, Array) or not isinstance(edges, Array):
        raise BadGraphError("nodes or edges is no list")
    return _frame(nodes, edges, written.members.get("t"), written.closed, reading)


def _frame(nodes: Array, edges: Array | None, t: Any, closed: bool, reading: Reading) -> WrittenFrame:
    frame = WrittenFrame(
        t.value if isinstance(t, Number) and math.isfinite(t.value) else None, is_cut=not closed
    )
    for written in _whole_items(nodes):
        frame.node_count += 1
        _add(frame, _id_and_center(written), reading)
    for written in _whole_items(edges) if edges is not None else []:
        frame.edge_count += 1
        edge = _edge(written, reading)
        if edge is None:
            reading.repairs.add("void_edge")
        else:
            frame.edges.append(edge)
    return frame


def _whole_items(array: Array) -> list[Any]:
    return [item for item in array.items if not isinstance(item, Array | Object) or item.closed]


def _category_map(written: Object, reading: Reading) -> WrittenFrame:
    frame = WrittenFrame(is_cut=not written.closed)
    for label, centers in written.members.items():
        if not isinstance(centers, Array):
            raise BadGraphError("a value of a category map is no list")
        for center in _whole_items(centers):
            frame.node_count += 1
            is_flat = isinstance(center, Array) and len(center.items) == 2
            _add(frame, (label, center) if is_flat else None, reading)
    return frame


def _id_and_center(written: Any) -> tuple[str, Array] | None:
    if isinstance(written, Array):
        name, center = written.items if len(written.items) == 2 else (None, None)
    elif isinstance(written, Object):
        names = (written.members.get(key) for key in ("id", "label"))
        name = next((name for name in names if isinstance(name, str)), None)
        places = (value for key, value in written.members.items() if key in ("center", "pos", "position"))
        center = next((place for place in places if isinstance(place, Array)), None)
    else:
        return None
    return (name, center) if isinstance(name, str) and isinstance(center, Array) else None


def _add(frame: WrittenFrame, written: tuple[str, Array] | None, reading: Reading) -> None:
    node = None if written is None else _node(*written, reading)
    if node is None:
        reading.repairs.add("void_node")
    else:
        frame.nodes.append(node)


def _node(name: str, center: Array, reading: Reading) -> Node | None:
    id = read_id(name, reading.aliases)
    if not id[0] or not all(isinstance(number, Number) for number in center.items):
        return None
    return good_node(
        id, [as_length(number.value, number.unit, reading.unit) for number in center.items], reading
    )


def good_node(id: tuple[str, int], center: list[float], reading: Reading) -> Node | None:
    """The node, unless its dimension is another or a coordinate is not finite or over 1e9."""
    dimensions = (2, 3) if reading.dimension is None else (reading.dimension,)
    if len(center) not in dimensions or not all(abs(value) <= MAX_MAGNITUDE for value in center):
        return None
    return Node(id, tuple(center))


def _edge(written: Any, reading: Reading) -> tuple[Any, Any, float, float | None] | None:
    if not isinstance(written, Array) or len(written.items) not in (3, 4):
        return None
    first, second, distance, *angle = written.items
    if not isinstance(first, str) or not isinstance(second, str) or not isinstance(distance, Number):
        return None
    has_angle = bool(angle) and isinstance(angle[0], Number) and math.isfinite(angle[0].value)
    return (
        read_id(first, reading.aliases),
        read_id(second, reading.aliases),
        as_length(distance.value, distance.unit, reading.unit),
        angle[0].value if has_angle else None,
    )
