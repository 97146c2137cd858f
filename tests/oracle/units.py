"""Units of numbers: their kind and their size in the kind's base unit (scoring.md sections 1.1 and 5)."""

from __future__ import annotations

import math
import re

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
    "deg": ("angle", math.pi / 180.0, ("°", "degree", "degrees")),
    "rad": ("angle", 1.0, ("radian", "radians")),
    "m/s": ("speed", 1.0, ("metres per second", "meters per second")),
    "km/h": ("speed", 1.0 / 3.6, ("kilometres per hour", "kilometers per hour")),
    "mph": ("speed", 0.44704, ("miles per hour",)),
    "m2": ("area", 1.0, ("m²", "square metre", "square metres", "square meter", "square meters")),
    "px": ("pixel", 1.0, ("pixel", "pixels")),
}
UNITS: dict[str, tuple[str, float]] = {
    name: (kind, size) for short, (kind, size, words) in _NAMES.items() for name in (short, *words)
}
# Longest first, so that "m/s" is not read as "m"; a letter, digit, "_" or "/" after it makes it another word.
UNIT = re.compile(
    "(?:" + "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True)) + r")(?![\w/²])",
    re.IGNORECASE,
)


def kind_of(unit: str | None) -> str | None:
    return UNITS[unit.casefold()][0] if unit is not None and unit.casefold() in UNITS else None


def convert(value: float, unit: str, to_unit: str) -> float:
    return value * (UNITS[unit.casefold()][1] / UNITS[to_unit.casefold()][1])


def as_length(value: float, unit: str | None, reference_unit: str | None) -> float:
    """A coordinate or distance: converted where both units are lengths, else the unit is dropped."""
    if unit is not None and kind_of(unit) == "length" and kind_of(reference_unit) == "length":
        assert reference_unit is not None
        return convert(value, unit, reference_unit)
    return value
