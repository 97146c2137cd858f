"""The sentences of a prompt: coordinates, objects, times and the grammar of each kind of answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from videostr.prompts.errors import PromptError
from videostr.prompts.notation import format_number
from videostr.prompts.reference import GraphFacts, Json

UNIT_WORDS: Mapping[str, str] = {
    "m": "metres",
    "cm": "centimetres",
    "mm": "millimetres",
    "km": "kilometres",
    "ft": "feet",
    "in": "inches",
    "s": "seconds",
    "ms": "milliseconds",
    "min": "minutes",
    "h": "hours",
    "deg": "degrees",
    "rad": "radians",
    "m/s": "metres per second",
    "km/h": "kilometres per hour",
    "mph": "miles per hour",
    "m2": "square metres",
    "px": "pixels",
}
AXES = ("x", "y", "z")


def option_letter(index: int) -> str:
    """The letter of the option at `index`, A for 0."""
    return chr(ord("A") + index)


def options_text(answer: Json, *, separator: str) -> str:
    """`A. first`, `B. second`, … of a choice; empty for other kinds."""
    options: Sequence[str] = answer.get("options") or () if answer["kind"] == "choice" else ()
    return separator.join(f"{option_letter(index)}. {text}" for index, text in enumerate(options))


def coordinate_names(dimension: int) -> str:
    """`x y z`, or `x y` in the plane."""
    return " ".join(AXES[:dimension])


def up_direction(up: Sequence[float]) -> str:
    """The up vector in words: an axis such as `-y`, else its numbers."""
    length = sum(value * value for value in up) ** 0.5
    for name, value in zip(AXES, up, strict=False):
        if length > 0 and abs(value) >= 0.9999 * length:
            return name if value > 0 else f"-{name}"
    return "(" + ", ".join(format_number(value, 3) for value in up) + ")"


def axes_text(facts: GraphFacts) -> str:
    """Which way the axes point and where the origin lies, by the conventions of training rows."""
    known = (facts.space, facts.dimension)
    if known == ("camera", 3):
        if facts.up is not None and facts.up[1] >= 0:
            raise PromptError(
                f"reference.graph.up: {list(facts.up)} does not fit camera axes x right, y down, z forward; "
                "pass axes= with the sentence that names yours"
            )
        return "x right, y down, z forward, origin at the camera of that frame"
    if known == ("world", 3):
        up = "" if facts.up is None else f", up is {up_direction(facts.up)}"
        return f"one right-handed frame fixed to the scene{up}, origin and heading are free"
    if known == ("world", 2):
        return "a plan from above, one right-handed frame fixed to the scene, origin and heading are free"
    if known == ("image", 2):
        return "x right, y down, origin at the top left corner of the image"
    raise PromptError(
        f"reference.graph.space: {facts.space!r} with {facts.dimension} coordinates has no usual axes; "
        "pass axes= with the sentence that names yours"
    )


def graph_unit(facts: GraphFacts) -> str:
    """The unit of coordinates in words."""
    if facts.unit == "norm":
        return "fractions of the image width and height" if facts.space == "image" else "scene units"
    return UNIT_WORDS.get(facts.unit, facts.unit)


def times_text(times: Sequence[float]) -> str:
    """`0, 0.5, 1.25`."""
    return ", ".join(format_number(time) for time in times)


def answer_grammar(answer: Json | None, box_space: str | None) -> str:
    """What belongs between `<answer>` and `</answer>`, one phrase a kind."""
    if answer is None:
        return "the word done"
    kind = answer["kind"]
    if kind == "choice":
        return "the letter of the right option"
    if kind == "number":
        unit = answer.get("unit")
        return (
            f"one number in {UNIT_WORDS.get(unit, unit)}, digits only" if unit else "one number, digits only"
        )
    if kind == "box2d":
        return f"a box [x1, y1, x2, y2]: left, top, right, bottom, {_box_unit(answer, box_space)}"
    if kind == "interval":
        return "an interval [start, end] in seconds from the start of the clip"
    if kind == "text":
        return "the word or name alone"
    raise PromptError(
        f"reference.answer.kind: {kind!r} has no prompt; known: choice, number, box2d, interval, text"
    )


def _box_unit(answer: Json, box_space: str | None) -> str:
    space = box_space or answer.get("box_space")
    size: Any = answer.get("size")
    if space == "pixel":
        if size is None:
            raise PromptError("reference.answer.size: a box in pixels needs the image size [width, height]")
        return f"in pixels of an image {format_number(size[0])} wide and {format_number(size[1])} high"
    if space == "norm1":
        return "as fractions of the image width and height, from 0 to 1"
    if space == "norm1000":
        return "in thousandths of the image width and height, from 0 to 1000"
    raise PromptError(f"box_space: {space!r} is none of pixel, norm1, norm1000")
