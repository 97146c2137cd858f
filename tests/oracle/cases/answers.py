"""Answers of every kind but the 3-D and listed boxes: truths, and what a reply may write."""

from __future__ import annotations

import random
from typing import Any

OPTIONS = ("left", "right", "A red chair", "1.5 m", "no", "behind the table", "5", "-5")
UNITS = {
    "m": ("m", "metres", "cm", "km", "ft"),
    "s": ("s", "seconds", "min"),
    "km/h": ("km/h", "m/s"),
    None: (),
}
SIZES = {
    "m": 1.0,
    "metres": 1.0,
    "cm": 0.01,
    "km": 1000.0,
    "ft": 0.3048,
    "s": 1.0,
    "seconds": 1.0,
    "min": 60.0,
}
SIZES |= {"km/h": 1.0, "m/s": 3.6}
WORDS = {4: "four", 12: "Twelve", 21: "twenty-one", 35: "thirty five", 90: "ninety"}
UNREADABLE = ("", "  ", "I do not know", "none", "It is so", "?")


def make_answer(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice(("choice", "choice", "number", "number", "box2d", "interval", "text"))
    if kind == "choice":
        options = rng.sample(OPTIONS, rng.randint(2, 5))
        return {"kind": kind, "value": "ABCDE"[rng.randrange(len(options))], "options": options}
    if kind == "number":
        value = rng.choice((0, 4, 12, 21, 35, 90, 1200, -3, round(rng.uniform(0.1, 50), 2)))
        unit = rng.choice((None, "m", "s", "km/h"))
        return {"kind": kind, "value": value} | ({} if unit is None else {"unit": unit})
    if kind == "box2d":
        space, size = (
            rng.choice(("pixel", "norm1", "norm1000")),
            [rng.choice((640, 200)), rng.choice((480, 100))],
        )
        whole = {"pixel": size, "norm1": [1, 1], "norm1000": [1000, 1000]}[space]
        xs, ys = (sorted(rng.sample(range(1, 20), 2)) for _ in range(2))
        box = [xs[0] * whole[0] / 20, ys[0] * whole[1] / 20, xs[1] * whole[0] / 20, ys[1] * whole[1] / 20]
        return {"kind": kind, "value": box, "size": size, "box_space": space}
    if kind == "interval":
        start = rng.choice((0, 2, 3.5))
        return {"kind": kind, "value": [start, start + rng.choice((1, 4, 2.5))]}
    return {"kind": kind, "value": rng.choice(("Red couch", "table", "the left one", "Straße 5"))}


def write_answer(rng: random.Random, spec: dict[str, Any], truth: dict[str, Any] | None) -> str:
    if truth is None:
        return rng.choice(("B", "", "something", "4 m"))
    if rng.random() < 0.08:
        return rng.choice(UNREADABLE)
    if truth["kind"] == "box2d":
        return _box(rng, spec.get("box_space", "reference"), truth)
    return {"choice": _choice, "number": _number, "interval": _interval, "text": _text}[truth["kind"]](
        rng, truth
    )


def _choice(rng: random.Random, truth: dict[str, Any]) -> str:
    letter = truth["value"] if rng.random() < 0.6 else rng.choice("ABCDEZ")
    index = ord(letter) - ord("A")
    option = truth["options"][index] if index < len(truth["options"]) else "left"
    way = rng.choice(
        (
            "{0}",
            "{0}.",
            " {1})",
            "{0}: surely",
            "({0}) and so on",
            "[{1}]",
            "**{0}** it is",
            "Option {0}",
            "option ({1})",
            "{2}",
            "{3}",
            "It is {0}",
            "{0} or {0}",
            "the answer is ({0})",
            "A chair",
        )
    )
    return way.format(letter, letter.lower(), option, f"  {option.upper().replace(' ', '  ')}\n")


def _number(rng: random.Random, truth: dict[str, Any]) -> str:
    value, unit = truth["value"], truth.get("unit")
    if rng.random() < 0.12:
        return rng.choice(
            ("5 kg", "3 deg", "7 rad", "4 of them", "B2, then 4", "x_9 4", "5th", "1,2", "1.2e3")
        )
    if rng.random() < 0.5 and value in WORDS:
        return WORDS[value] + rng.choice(("", " in all", "."))
    if rng.random() < 0.6:
        value = value * rng.choice((1.013, 0.87, 1.17, 0.61, 1.73, -1))
    written = unit
    if unit is not None and rng.random() < 0.5:
        written = rng.choice(UNITS[unit])
        value = value * SIZES[unit] / SIZES[written]
        value *= 1.0003  # away from the thresholds, where the way of converting would show
        return f"{value!r}{rng.choice(('', ' '))}{written}{rng.choice(('', '.', ' long'))}"
    text = repr(round(value, 4))
    if value == int(value):
        text = rng.choice((str(int(value)), f"{int(value):,}", f"{value:.3e}"))
    return rng.choice(("{}", "about {}", "{}.", "-> {} <-", "  {}\n")).format(
        text.replace("-", rng.choice("-\u2212"))
    )


def _box(rng: random.Random, asked: str, truth: dict[str, Any]) -> str:
    (width, height), space = truth["size"], truth["box_space"]
    wholes = {"pixel": (width, height), "norm1": (1, 1), "norm1000": (1000, 1000)}
    ours, theirs = wholes[space], wholes[space if asked == "reference" else asked]
    box = [value / ours[i % 2] * theirs[i % 2] for i, value in enumerate(truth["value"])]
    if rng.random() < 0.6:
        box = [value + rng.uniform(-0.3, 0.3) * theirs[i % 2] for i, value in enumerate(box)]
    change = rng.random()
    if change < 0.15:
        box = [box[2], box[1], box[0], box[3]]
    elif change < 0.25:
        box = [box[0], box[1], box[0], box[3]]
    elif change < 0.32:
        box = box[:3]
    numbers = [repr(round(value, 4)) for value in box]
    return rng.choice(("[{}]", " [ {} ]\n")).format(rng.choice((",", ", ")).join(numbers))


def _interval(rng: random.Random, truth: dict[str, Any]) -> str:
    start, end = truth["value"]
    if rng.random() < 0.6:
        start, end = start + rng.choice((0, 1, 0.75)), end + rng.choice((1, 2.5, 20))
    if rng.random() < 0.1:
        return rng.choice((f"[{start},{end},{end}]", f"[{start}]", f"[{start},{start}]"))
    return rng.choice(("[{},{}]", "[{}, {}]", "{} to {}", "{}-{}", " {} - {}")).format(start, end)


def _text(rng: random.Random, truth: dict[str, Any]) -> str:
    value = truth["value"]
    return rng.choice(
        (
            value,
            value.upper(),
            f"  {value} \n",
            value.replace(" ", "  "),
            value.replace(" ", "_"),
            f"the {value}",
            "red",
        )
    )
