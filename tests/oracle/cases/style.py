"""How one reply writes: numbers, names, separators and the dirt it leaves."""

from __future__ import annotations

import random
from typing import Any

from .replies import Written

DIRT = (
    "fence",
    "trailing comma",
    "single quotes",
    "bare keys",
    "python literals",
    "round brackets",
    "missing comma",
    "repeated key",
    "unit",
    "comment",
    "text after",
    "void line",
    "void node",
)
DIRT_OF_CUT = (
    "fence",
    "trailing comma",
    "single quotes",
    "bare keys",
    "round brackets",
    "missing comma",
    "void node",
)
SIZES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "km": 1000.0, "feet": 0.3048, "metres": 1.0}


class Style:
    def __init__(self, rng: random.Random, graph: dict[str, Any], clean: bool):
        self.rng = rng
        self.unit = graph["unit"]
        self.dimension = len(graph["frames"][0]["nodes"][0]["center"])
        self.aliases = graph.get("aliases", {})
        self.cut = not clean and rng.random() < 0.1
        allowed = DIRT_OF_CUT if self.cut else DIRT
        is_dirty = not clean and rng.random() < 0.45
        self.dirt = set(rng.sample(allowed, rng.randint(1, 4))) if is_dirty else set()
        self.digits = rng.choice((None, None, None, 2, 3, 6))
        self.numbers = rng.choice(("plain", "plain", "floats", "mixed"))
        self.names = rng.choice(("exact", "exact", "dressed"))
        self.separators = rng.choice((".", ".", "._-# "))
        self.newline = rng.choice(("\n", "\n", "\r\n"))

    def has(self, dirt: str) -> bool:
        return dirt in self.dirt

    def sometimes(self, dirt: str, chance: float = 0.3) -> bool:
        return dirt in self.dirt and self.rng.random() < chance

    def number(self, value: float) -> str:
        if self.digits is not None:
            value = round(value, self.digits)
        ways = {
            "plain": ("int",),
            "floats": ("float",),
            "mixed": ("int", "float", "exponent", "big exponent"),
        }
        way = self.rng.choice(ways[self.numbers])
        if way == "exponent":
            return f"{value:.15e}"
        if way == "big exponent":
            return f"{value * 1000:.15E}".split("E")[0] + f"E{int(f'{value * 1000:.15E}'.split('E')[1]) - 3}"
        if way == "int" and value == int(value) and abs(value) < 1e15:
            return str(int(value))
        return repr(float(value))

    def length(self, value: float) -> str:
        """A coordinate or distance, perhaps with a unit."""
        if not self.sometimes("unit", 0.4):
            return self.number(value)
        if self.unit not in SIZES:
            return self.number(value) + self.rng.choice((" px", "px", " m"))
        unit = self.rng.choice(tuple(SIZES))
        return self.number(value * SIZES[self.unit] / SIZES[unit]) + self.rng.choice((" ", "")) + unit

    def name(self, node: Written, separators: str | None = None) -> str:
        label = node.label
        if self.names == "dressed":
            known_as = [
                name for name, meant in self.aliases.items() if meant == self.aliases.get(label.casefold())
            ]
            label = self.rng.choice((label, *known_as))
            change = self.rng.choice((str, str.upper, str.title, lambda text: text.replace(" ", "_")))
            label = change(label)
        if node.suffix is None:
            return label
        zero = "0" if self.names == "dressed" and self.rng.random() < 0.2 else ""
        return f"{label}{self.rng.choice(separators or self.separators)}{zero}{node.suffix}"
