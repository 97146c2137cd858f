"""README's table of figures, made of benches/results.json: `python benches/table.py --write` puts it there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import goals

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def figure(value: float) -> str:
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 1.95 else f"{value:.2f}"


def measured(key: str, row: dict[str, Any]) -> str:
    values = [case["value"] for case in row["cases"]]
    low, high = figure(min(values)), figure(max(values))
    between = low if low == high else f"{low} to {high}"
    unit = goals.GOALS[key].unit
    return f"{between} times as fast" if unit == "x" else f"{between} {unit}"


def goal_of(key: str, row: dict[str, Any]) -> str:
    goal = goals.GOALS[key]
    wanted = f"{goal.must:g} {goal.unit}" if goal.unit != "x" else f"{goal.must:g}"
    if "not_judged" in row:
        return f"{wanted}; {row['not_judged']}"
    return wanted if goals.is_met(key, row) else f"{wanted}: **missed**"


def render(result: dict[str, Any]) -> str:
    """The table, with a line of what it was measured on."""
    on = result["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in on["packages"].items())
    lines = [
        f"Measured by `make bench` on {on['date']}: {on['cores']} cores ({on['cpu']}), {on['system']},",
        f"Python {on['python']}, {packages}; {on['busy_cores']:g} cores were busy with other work.",
        "Ratios of CPU time in one process on one core, medians of interleaved rounds, as a range over the corpora or",
        "sizes; the least has to meet the goal.",
        "",
        "| what | against | measured | goal |",
        "|---|---|---|---|",
    ]
    for key, row in result["rows"].items():
        goal = goals.GOALS[key]
        against = "" if goal.against == "none" else goal.against
        lines.append(f"| {goal.what} | {against} | {measured(key, row)} | {goal_of(key, row)} |")
    for key, size in (("worst_256KiB", "256 KiB"), ("worst_16KiB", "16 KiB")):
        for kind in ("given", "aligned"):
            row = result[key][kind]
            limit = f"{row['limit_ms']:g} ms" + (": **missed**" if row["ms"] > row["limit_ms"] else "")
            lines.append(
                f"| slowest hostile reply of {size}, `{kind}` | | {figure(row['ms'])} ms | {limit} |"
            )
    return "\n".join(lines)


def with_table(readme: str, result: dict[str, Any]) -> str:
    before, rest = readme.split(BEGIN)
    return before + f"{BEGIN}\n{render(result)}\n{END}" + rest.split(END)[1]


def main() -> None:
    readme = ROOT / "README.md"
    result = json.loads((ROOT / "benches" / "results.json").read_text())
    if "--write" in sys.argv[1:]:
        readme.write_text(with_table(readme.read_text(), result))
    else:
        print(render(result))


if __name__ == "__main__":
    main()
