"""The line form of a graph."""

from __future__ import annotations

from .replies import Written, WrittenFrame
from .style import Style

VOID_LINES = ("I think so", "chair", "table.1 5", "So, there it is:", "1.5 2.5 3.5")


def line_graph(style: Style, frames: list[WrittenFrame]) -> str:
    lines: list[str] = []
    for frame in frames:
        if frame.t is not None:
            unit = style.rng.choice((" s", "s", " sec")) if style.sometimes("unit", 0.4) else ""
            lines.append(f"@{style.number(frame.t)}{unit}" + style.rng.choice(("", "", ":")))
        elif len(frames) > 1 or not frame.nodes or style.rng.random() < 0.5:
            lines.append("@")
        lines += [_node(style, node) for node in frame.nodes]
        if style.sometimes("void node", 0.7):
            lines.append(_void_node(style))
        lines += [_edge(style, edge) for edge in frame.edges]
    if lines and lines[0].startswith("["):
        lines.insert(0, "@")  # a block that starts with a bracket is read as JSON
    return style.newline.join(_dirty(style, lines)) + style.rng.choice(("", style.newline))


def _dirty(style: Style, lines: list[str]) -> list[str]:
    written = []
    for line in lines:
        if style.sometimes("void line", 0.15):
            written.append(style.rng.choice(VOID_LINES))
        if style.sometimes("comment", 0.15):
            written.append(style.rng.choice(("# all of it", "// and on", "", "/* here */")))
        comment = (
            style.rng.choice((" # left", "// right", " /* so */")) if style.sometimes("comment", 0.15) else ""
        )
        written.append(style.rng.choice(("", "", "  ", "\t")) + line + comment)
    return written


def _node(style: Style, node: Written) -> str:
    name = style.name(node)
    numbers = [style.length(value) for value in node.center]
    return style.rng.choice(
        (
            f"{name} {' '.join(numbers)}",
            f"{name} {' '.join(numbers)}",
            f"{name}: ({', '.join(numbers)})",
            f"[{name}, {'; '.join(numbers)}]",
        )
    )


def _void_node(style: Style) -> str:
    other = ["1.5", "2.5"] if style.dimension == 3 else ["1.5", "2.5", "3.5"]
    bad = ["2.5"] * style.dimension
    bad[style.rng.randrange(style.dimension)] = style.rng.choice(("nan", "inf", "NaN", "2000000000"))
    return f"ghost.1 {' '.join(style.rng.choice((other, bad)))}"


def _edge(style: Style, edge: tuple[Written, Written, float, float | None]) -> str:
    a, b, distance, angle = edge
    line = f"{style.name(a, '.#_')} - {style.name(b, '.#_')} {style.length(distance)}"
    return line if angle is None else f"{line} {style.number(angle)}"
