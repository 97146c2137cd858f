"""The answer grammar and its rewards (scoring.md section 5), all kinds but box3d, boxes2d and tube."""

from __future__ import annotations

import math
import re
from typing import Any

from .spans import SPACES
from .units import UNIT, convert, kind_of

MRA = (
    0.5,
    0.44999999999999996,
    0.4,
    0.35,
    0.30000000000000004,
    0.25,
    0.19999999999999996,
    0.15000000000000002,
    0.10000000000000009,
    0.050000000000000044,
)


class UnreadableAnswerError(Exception):
    """Not the grammar of the reference's kind."""


def same_text(text: str) -> str:
    return re.sub(f"[{SPACES}]+", " ", text.casefold()).strip(" ")


def trim(block: str) -> str:
    return re.sub(rf"\A[{SPACES}]+|[{SPACES}]+\Z", "", block)


def read_answer(
    blocks: list[str], truth: dict[str, Any] | None, spec: dict[str, Any]
) -> tuple[float | None, str, set[str]]:
    """(answer, answer_status, repairs); the last block counts."""
    if not blocks:
        return (None if truth is None else 0.0), "none", set()
    status = "many" if len(blocks) > 1 else "ok"
    if truth is None:
        return None, status, set()
    repairs: set[str] = set()
    try:
        return _grade(blocks[-1], truth, spec, repairs), status, repairs
    except UnreadableAnswerError:
        return 0.0, "unreadable", repairs


def _grade(block: str, truth: dict[str, Any], spec: dict[str, Any], repairs: set[str]) -> float:
    match truth["kind"]:
        case "choice":
            return choice(block, truth)
        case "number":
            return number_reward(read_number(block, truth.get("unit")), float(truth["value"]), spec["number"])
        case "interval":
            return interval(block, truth)
        case "box2d":
            return box2d(block, truth, spec, repairs)
        case "text":
            return text(block, truth)
        case kind:
            raise NotImplementedError(f"answers of kind {kind!r} are not part of the oracle")


# -- choice --------------------------------------------------------------------------------------------------

LETTER = re.compile(
    rf"(?:option(?=[{SPACES}(\[*])[{SPACES}]*)?(?:([a-z])(?:[.):]|\Z)|\(([a-z])\)|\[([a-z])\]|\*\*([a-z])\*\*)",
    re.IGNORECASE | re.ASCII,
)


def choice(block: str, truth: dict[str, Any]) -> float:
    wanted = truth["value"].upper()
    if letter := LETTER.match(trim(block)):
        return float(next(group for group in letter.groups() if group).upper() == wanted)
    texts = [same_text(option) for option in truth.get("options") or []]
    if same_text(block) not in texts:
        raise UnreadableAnswerError
    return float(same_text(block) == texts[ord(wanted) - ord("A")])


# -- number --------------------------------------------------------------------------------------------------

SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ONES = (
    *SMALL,
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBER = re.compile(
    r"(?P<digits>(?P<sign>[-+\u2212])?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?:e[-+]?[0-9]+)?)"
    rf"|(?P<tens>{'|'.join(TENS)})(?:(?:-|\s+)(?P<after>{'|'.join(SMALL[1:])}))?(?!\w)"
    rf"|(?P<ones>{'|'.join(sorted(ONES, key=len, reverse=True))})(?!\w)",
    re.IGNORECASE,
)


def first_number(block: str) -> re.Match[str] | None:
    """The first number as a whole that no letter, digit or "_" touches from the left."""
    at = 0
    while found := NUMBER.search(block, at):
        start = found.start()
        if start == 0 or not (block[start - 1].isalnum() or block[start - 1] == "_"):
            return found
        # of a number that is touched nothing counts; behind a touched sign, or in a touched word, another may begin
        at = found.end() if found["digits"] and not found["sign"] else start + 1
    return None


def read_number(block: str, to_unit: str | None) -> float:
    """The first number of the block, in the reference's unit."""
    found = first_number(block)
    if found is None:
        raise UnreadableAnswerError
    if found["digits"]:
        value = float(found["digits"].replace(",", "").replace("\u2212", "-"))
    elif found["tens"]:
        value = 20.0 + 10.0 * TENS.index(found["tens"].lower())
        value += ONES.index(found["after"].lower()) if found["after"] else 0.0
    else:
        value = float(ONES.index(found["ones"].lower()))

    rest = trim(block[found.end() :])
    unit = UNIT.match(rest)
    if unit is None or to_unit is None or kind_of(unit.group()) == "pixel":
        return value
    if unit.group().lower() == "in" and rest[unit.end() :].strip() not in ("", "."):
        return value  # "2 in the room"
    if kind_of(unit.group()) != kind_of(to_unit):
        raise UnreadableAnswerError
    return convert(value, unit.group(), to_unit)


def number_reward(got: float, truth: float, kind: str) -> float:
    if kind == "exact2":
        return float(round(got, 2) == round(truth, 2))
    if truth == 0:
        return float(abs(got) <= 1e-9)
    error = abs(got - truth) / abs(truth)
    if kind == "relative":
        return max(0.0, 1.0 - error)
    return sum(error <= threshold for threshold in MRA) / len(MRA)


# -- lists of numbers ----------------------------------------------------------------------------------------

DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
SPAN = re.compile(
    rf"({DECIMAL})(?:[{SPACES}]+to[{SPACES}]+|[{SPACES}]*-[{SPACES}]*)({DECIMAL})", re.IGNORECASE
)


def read_list(block: str, count: int) -> list[float]:
    element = rf"[{SPACES}]*({DECIMAL})[{SPACES}]*"
    found = re.fullmatch(rf"\[{','.join([element] * count)}\]", trim(block))
    if found is None:
        raise UnreadableAnswerError
    return [float(group) for group in found.groups()]


def interval(block: str, truth: dict[str, Any]) -> float:
    if span := SPAN.fullmatch(trim(block)):
        start, end = float(span[1]), float(span[2])
    else:
        start, end = read_list(block, 2)
    true_start, true_end = truth["value"]
    shared = max(0.0, min(end, true_end) - max(start, true_start))
    union = max(0.0, end - start) + max(0.0, true_end - true_start) - shared
    return shared / union if 0 < union < math.inf else 0.0


def box2d(block: str, truth: dict[str, Any], spec: dict[str, Any], repairs: set[str]) -> float:
    x1, y1, x2, y2 = read_list(block, 4)
    if x1 > x2 or y1 > y2:
        repairs.add("corners_sorted")
        x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    asked = truth["box_space"] if spec["box_space"] == "reference" else spec["box_space"]
    return box_reward(
        in_pixels([x1, y1, x2, y2], asked, truth["size"]),
        in_pixels(truth["value"], truth["box_space"], truth["size"]),
        spec["box"],
    )


def in_pixels(box: list[float], space: str, size: list[float]) -> list[float]:
    whole = {"pixel": None, "norm1": 1.0, "norm1000": 1000.0}[space]
    if whole is None:
        return list(box)
    return [value * size[axis % 2] / whole for axis, value in enumerate(box)]


def box_reward(a: list[float], b: list[float], kind: str) -> float:
    area_a, area_b = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    if area_a <= 0 or area_b <= 0 or not math.isfinite(area_a):
        return 0.0
    shared = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = area_a + area_b - shared
    iou = shared / union
    if kind == "iou":
        return iou
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return (1.0 + iou - (hull - union) / hull) / 2.0


def text(block: str, truth: dict[str, Any]) -> float:
    if not same_text(block):
        raise UnreadableAnswerError
    return float(same_text(block) == same_text(truth["value"]))
