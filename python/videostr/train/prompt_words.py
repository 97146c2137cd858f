"""What a prompt's text asks for, as far as words tell. For texts that no template of ours wrote.

Each function looks for something that is written down in docs/training.md, "Prompts and spec"; a prompt that says it
in other words is not understood, and a recipe can say so (``prompt_check``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_JSON_FORM = re.compile(
    r"""["']?\bnodes["']?\s*:              # {"nodes": ...}
    |\[\s*["'][^"'\n]+["']\s*,\s*\[        # ["name", [...]]
    |["'](?:id|label|cent(?:er|re)|pos|position)["']\s*:
    |\{\s*["'][^"'\n]+["']\s*:\s*\[\s*\[   # {"name": [[...]]}
    """,
    re.VERBOSE,
)
_NUMBER = r"-?\d+(?:\.\d+)?"
_LINES_FORM = re.compile(
    rf"^[ \t]*@(?:t\b|{_NUMBER}|[ \t]*$)|^[ \t]*[^\W\d][\w.# -]*[ \t]+(?:x[ \t]+y\b|{_NUMBER}[ \t]+{_NUMBER})",
    re.MULTILINE,
)
_EDGES = re.compile(
    r"\bedges?\b|\bpairs?\b[^.\n]*\bdistances?\b|\bdistances?\b[^.\n]*\bpairs?\b|\S - \S+ (?:distance|\d)",
    re.I,
)
_ANGLE = re.compile(r"\bangles?\b", re.I)
_TIMES = re.compile(
    r"\bframes?\b|\btimes?\b|\bmoments?\b|\bseconds?\b|@t\b|\"t\"\s*:|<image>.*<image>|^[ \t]*@[ \t]*$",
    re.I | re.MULTILINE,
)
_THREE = re.compile(
    rf"\bx\W{{1,3}}y\W{{1,3}}(?:and )?z\b|\b3[- ]?d\b|\b(?:three|3)[- ](?:dimension|coordinate|number)"
    rf"|[\[(]\s*{_NUMBER}(?:\s*,\s*{_NUMBER}){{2}}\s*[\])]|^[ \t]*[^\W\d][\w.#-]*(?:[ \t]+{_NUMBER}){{3}}[ \t]*$",
    re.I | re.MULTILINE,
)
_TWO = re.compile(
    rf"\bx\W{{1,3}}(?:and )?y\b(?!\W{{1,3}}(?:and )?z\b)|\b2[- ]?d\b|\b(?:two|2)[- ](?:dimension|coordinate|number)"
    rf"|[\[(]\s*{_NUMBER}\s*,\s*{_NUMBER}\s*[\])]|^[ \t]*[^\W\d][\w.#-]*(?:[ \t]+{_NUMBER}){{2}}[ \t]*$",
    re.I | re.MULTILINE,
)
_CAMERA_AXES = re.compile(
    r"\bcamera|\bviewer|\bobserver|\b(?:x|right)\b[^.\n]*\b(?:down|up|forward|depth)\b", re.I
)
_IMAGE_AXES = re.compile(r"\bimage|\bpicture|\bpixel|\btop[- ]left|\bframe (?:width|height)", re.I)
_FREE_AXES = re.compile(
    r"\b(?:origin|heading|axes|orientation)\b[^.\n]*\b(?:is|are) free\b|\bany (?:axes|origin)\b", re.I
)
_WORLD_AXES = re.compile(
    r"\bx\b[^.\n]{0,40}\b(?:right|left|east|west|north|south|forward|along|toward|wall)|\borigin (?:at|in|is|of)\b",
    re.I,
)
_UP = re.compile(r"\bup\b(?! to\b)|\bupwards?\b|\bgravity\b|\bvertical|\bheight\b", re.I)
_LETTER = re.compile(
    r"\bletter of\b|\b(?:option|choice)(?:'s)? letter\b|\bletter (?:only|alone)\b"
    r"|\b(?:only|just|single|one|a) (?:the )?letter\b",
    re.I,
)
_KIND: Mapping[str, re.Pattern[str]] = {
    "number": re.compile(
        r"\bnumber|\bdigits?\b|\bnumeric|\binteger|\bdecimal|\bvalue\b|\bcount\b"
        r"|\bhow (?:many|much|far|long|fast|high|wide|tall|large|big|deep|old)\b",
        re.I,
    ),
    "box2d": re.compile(r"\bbox|\bbbox|\bbounding|\bx_?1\b|\bx_?min\b|\bleft, top\b", re.I),
    "interval": re.compile(r"\binterval|\bstart|\bbegin|\btime ?stamp|\bfrom\b.*\bto\b|\bseconds?\b", re.I),
}
_FROM_0_TO_1 = (
    r"\bfractions?\b|\bnormali[sz]ed\b|\b0(?:\.0+)?\s*(?:to|and|-|–|\.\.|,)\s*1(?:\.0+)?(?![\d.,]*\d)"
)
_BOX_SPACE: Mapping[str, re.Pattern[str]] = {
    "pixel": re.compile(r"\bpixels?\b|\bpx\b", re.I),
    "norm1": re.compile(_FROM_0_TO_1, re.I),
    "norm1000": re.compile(r"\b1,?000\b|\bthousandths?\b", re.I),
}
_METRE = r"met(?:re|er)s?"
_UNIT: Mapping[str, re.Pattern[str]] = {
    unit: re.compile(words, re.I)
    for unit, words in {
        "m": rf"\b{_METRE}\b|\bm\b",
        "cm": rf"\bcenti{_METRE}\b|\bcm\b",
        "mm": rf"\bmilli{_METRE}\b|\bmm\b",
        "km": rf"\bkilo{_METRE}\b|\bkm\b",
        "ft": r"\bfeet\b|\bfoot\b|\bft\b",
        "in": r"\binch(?:es)?\b",
        "s": r"\bseconds?\b|\bsecs?\b|\bs\b",
        "ms": r"\bmilliseconds?\b|\bms\b",
        "min": r"\bminutes?\b|\bmin\b",
        "h": r"\bhours?\b|\bh\b",
        "deg": r"\bdegrees?\b|°|\bdeg\b",
        "rad": r"\bradians?\b|\brad\b",
        "m/s": rf"\b{_METRE} (?:per|a|each) second\b|\bm ?/ ?s\b",
        "km/h": rf"\bkilo{_METRE} (?:per|an) hour\b|\bkm ?/ ?h\b|\bkph\b",
        "mph": r"\bmiles (?:per|an) hour\b|\bmph\b",
        "m2": rf"\bsquare {_METRE}\b|\bm(?:2|²|\^2)",
        "px": r"\bpixels?\b|\bpx\b",
        "norm": rf"\bscene units?\b|{_FROM_0_TO_1}",
    }.items()
}
_ALIKE = (
    ("m", "cm", "mm", "km", "ft", "in"),
    ("s", "ms", "min", "h"),
    ("deg", "rad"),
    ("m/s", "km/h", "mph"),
    ("m2",),
    ("px", "norm"),
)
_LONGEST = re.compile(
    r"\b(?:at most|no more than|not more than|up to|under|fewer than|less than|within|maximum(?: of)?|limit(?:ed)? to"
    r"|about|around|roughly|in)\s+(?:\d[\d,]*\s*(?:to|-|–|and)\s*)?"
    r"(?P<count>\d[\d,]*|one|two|three)\s+(?P<of>word|token|sentence|character)s?\b",
    re.I,
)
_SHORTEST = re.compile(r"\b(?:at least|more than|over)\s+(?P<count>\d[\d,]*)\s+(?P<of>word|token)s?\b", re.I)
_BRIEF = re.compile(
    r"\b(?:be brief|(?:answer|reply|respond) briefly"
    r"|keep (?:it|your reply|the reply|your answer|the answer) (?:short|brief))\b",
    re.I,
)
#: Tokens of a word, a sentence or a character: more than any text that a model is likely to write has.
_TOKENS_AT_MOST = {"token": 1.0, "word": 2.0, "sentence": 60.0, "character": 0.7}
_OF_A_REPLY = 20.0
_IN_WORDS = {"one": 1, "two": 2, "three": 3}


def shows_graph_form(text: str) -> bool:
    """Whether a form of the graph that the reader reads is shown: JSON or lines."""
    return bool(_JSON_FORM.search(text) or _LINES_FORM.search(text))


def asks_for_edges(text: str) -> bool:
    """Whether distances of pairs are asked for."""
    return bool(_EDGES.search(text))


def asks_for_angles(text: str) -> bool:
    """Whether an angle is mentioned."""
    return bool(_ANGLE.search(text))


def speaks_of_times(text: str) -> bool:
    """Whether frames or times are mentioned."""
    return bool(_TIMES.search(text))


def speaks_of_up(text: str) -> bool:
    """Whether the direction of gravity is mentioned."""
    return bool(_UP.search(text))


def dimensions(text: str) -> tuple[int, ...]:
    """The numbers of coordinates, 2 and 3, of which the text speaks or shows an example."""
    return tuple(count for count, words in ((2, _TWO), (3, _THREE)) if words.search(text))


def names_axes(text: str, space: str) -> bool:
    """Whether it says which way the coordinates of a space point."""
    words = {"camera": _CAMERA_AXES, "image": _IMAGE_AXES, "world": _WORLD_AXES}.get(space)
    return words is None or bool(words.search(text))


def leaves_axes_free(text: str) -> bool:
    """Whether it says that origin or axes are the model's choice."""
    return bool(_FREE_AXES.search(text))


def names_unit(text: str, unit: str) -> bool:
    """Whether a unit is named, by a word or its sign; True for a unit that is not known here."""
    return unit not in _UNIT or bool(_UNIT[unit].search(text))


def other_unit(text: str, unit: str) -> str | None:
    """A unit of the same kind that is named; None without one."""
    alike = next((units for units in _ALIKE if unit in units), ())
    return next((other for other in alike if other != unit and names_unit(text, other)), None)


def asks_for_kind(text: str, kind: str) -> bool:
    """Whether an answer of a kind may be meant; True for kinds that need no words."""
    return kind not in _KIND or bool(_KIND[kind].search(text))


def asks_for_letter(text: str) -> bool:
    """Whether the letter of an option is asked for."""
    return bool(_LETTER.search(text))


def missing_options(text: str, options: Sequence[str]) -> list[int]:
    """Positions of the options whose text does not stand there."""
    flat = _flat(text)
    return [place for place, option in enumerate(options) if _flat(str(option)) not in flat]


def box_spaces(text: str) -> tuple[str, ...]:
    """The spaces of box coordinates of which the text speaks."""
    return tuple(space for space, words in _BOX_SPACE.items() if words.search(text))


@dataclass(frozen=True)
class LengthAsked:
    """What a prompt says about the length of a reply.

    Attributes:
        words: As it says it.
        least, most: In tokens, estimated so that no reply that obeys has fewer or more; None where it says nothing.
    """

    words: str
    least: float | None = None
    most: float | None = None


def length_asked(text: str) -> LengthAsked | None:
    """What is said about a reply's length: a number of words, tokens, sentences or characters, or to be brief.

    A request for a handful of words is taken to be about the answer alone.
    """
    for longest in _LONGEST.finditer(text):
        most = _count(longest) * _TOKENS_AT_MOST[longest["of"].lower()]
        if most >= _OF_A_REPLY:
            return LengthAsked(longest[0], most=most)
    if brief := _BRIEF.search(text):
        return LengthAsked(brief[0], most=_TOKENS_AT_MOST["sentence"])
    if shortest := _SHORTEST.search(text):
        return LengthAsked(shortest[0], least=float(_count(shortest)))
    return None


def _count(found: re.Match[str]) -> int:
    text = found["count"].lower().replace(",", "")
    return _IN_WORDS.get(text) or int(text)


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())
