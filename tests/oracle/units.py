"""Units of numbers: their kind and their size in the kind's base unit (scoring.md sections 1.1 and 5)."""

from __future__ import annotations

import math
import re

_METRES = ("m", "metre", "metres", "meter", "meters")
_NAMES: dict[str, tuple[str, float, tuple[str, ...]]] = {
    "m": ("length", 1.0, ("metre", "metres", "meter", "meters")),
    "cm": ("length", 0.01, ("centimetre", "centimetres", "centimeter", "centimeters")),
    "mm": ("length", 0.001, ("millimetre", "millimetres", "millimeter", "millimeters")),
    "km": ("length", 1000.0, ("kilometre", "kilometres", "kilometer", "kilometers")),
    "ft": ("length", 0.3048, ("foot", "feet")),
    "in": ("length", 0.0254, ("inch", "inches")),
    "s": ("time", 1.0, ("sec", "secs", "second", "seconds")),
    "ms": ("time", 0.001, ("millisecond", "milliseconds")),
    "min": ("time", 60.0, ("mins", "minute", "minutes")),
    "h": ("time", 3600.0, ("hr", "hrs", "hour", "hours")),
    "deg": ("angle", math.pi / 180.0, ("°", "degs", "degree", "degrees")),
    "rad": ("angle", 1.0, ("rads", "radian", "radians")),
    "m/s": ("speed", 1.0, tuple(f"{metre} per second" for metre in _METRES[1:])),
    "km/h": (
        "speed",
        1.0 / 3.6,
        tuple(f"kilo{metre} per hour" for metre in _METRES[1:]),
    ),
    "mph": ("speed", 0.44704, ("mile per hour", "miles per hour")),
    "m2": (
        "area",
        1.0,
        ("m²", "m^2", "sqm", *(f"{square} {m}" for square in ("sq", "square") for m in _METRES)),
    ),
    "px": ("pixel", 1.0, ("pixel", "pixels")),
}
UNITS: dict[str, tuple[str, float]] = {
    name: (kind, size) for short, (kind, size, words) in _NAMES.items() for name in (short, *words)
}
# Longest first, so that "m/s" is not read as "m"; a letter, digit or "_" after it makes it another word.
UNIT = re.compile(
    "(?:"
    + "|".join(re.escape(name).replace(r"\ ", r"[ \t]+") for name in sorted(UNITS, key=len, reverse=True))
    + r")(?![\w²])",
    re.IGNORECASE,
)


def _plain(unit: str) -> str:
    return " ".join(unit.casefold().split())


def kind_of(unit: str | None) -> str | None:
    return UNITS[_plain(unit)][0] if unit is not None and _plain(unit) in UNITS else None


def convert(value: float, unit: str, to_unit: str) -> float:
    return value * (UNITS[_plain(unit)][1] / UNITS[_plain(to_unit)][1])


def as_length(value: float, unit: str | None, reference_unit: str | None) -> float:
    """A coordinate or distance: converted where both units are lengths, else the unit is dropped."""
    if unit is not None and kind_of(unit) == "length" and kind_of(reference_unit) == "length":
        assert reference_unit is not None
        return convert(value, unit, reference_unit)
    return value
