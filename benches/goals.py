"""What `make bench` has to reach, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    what: str
    against: str
    must: float
    aim: float | None
    unit: str = "x"  # "x": times as fast, at least; else at most, in this unit


GOALS = {
    "loops": Goal("whole scoring, `video-str`", "nested Python loops", 120, 250),
    "numpy": Goal("whole scoring, `video-str`", "re + json + numpy + scipy", 35, 60),
    "best": Goal("whole scoring, `video-str`", "msgspec + numba", 7, 12),
    "aligned": Goal("whole scoring, `pose-free`, aligned", "vectorised numpy + scipy", 40, 100),
    "small_scipy": Goal("assignment, n 3 to 16", "scipy", 6, 8),
    "small_batch": Goal("assignment, n 3 to 16", "the best batch package", 1.5, 2),
    "large_scipy": Goal("assignment, n 30 to 128", "scipy", 8, 10),
    "large_batch": Goal("assignment, n 30 to 128", "the best batch package", 2, 2.5),
    "small_distances_scipy": Goal("assignment of distances alone, n 3 to 16", "scipy", 6, 8),
    "small_distances_batch": Goal(
        "assignment of distances alone, n 3 to 16", "the best batch package", 1.5, 2
    ),
    "large_distances_scipy": Goal("assignment of distances alone, n 30 to 128", "scipy", 8, 10),
    "large_distances_batch": Goal(
        "assignment of distances alone, n 30 to 128", "the best batch package", 2, 2.5
    ),
    "msgspec": Goal("graph text to arrays", "msgspec, typed", 4, 7),
    "orjson": Goal("graph text to arrays", "orjson", 7, 12),
    "json": Goal("graph text to arrays", "json", 15, 25),
    "jiter": Goal("truncated graph text", "jiter, partial mode", 5, 10),
    "json_repair": Goal("truncated graph text", "json_repair", 300, 700),
    "threads": Goal("two threads", "one thread", 1.6, 1.9),
    "border": Goal("the Python border, a reply", "the same in Rust", 0.3, None, "us"),
    "memory": Goal("peak memory above the inputs, a reply", "none", 1.0, None, "KB"),
}


#: Of a process over repeated batches; nothing is kept, but memory comes in pages and arenas.
MOST_GROWTH_KB = 1024


def row(key: str, cases: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """One row of the results; `cases` have a `value` each, and the worst of them counts."""
    pick = min if GOALS[key].unit == "x" else max
    return {"value": pick(case["value"] for case in cases), "cases": cases, **more}


def is_met(key: str, found: dict[str, Any]) -> bool:
    """A row that says why it is not judged (a busy machine) counts as met."""
    if "not_judged" in found:
        return True
    goal = GOALS[key]
    value: float = found["value"]
    if found.get("growth_kb", 0) > MOST_GROWTH_KB:
        return False
    return value >= goal.must if goal.unit == "x" else value <= goal.must


def lines(key: str, found: dict[str, Any]) -> list[str]:
    goal = GOALS[key]
    aim = "" if goal.aim is None else f", aim {goal.aim:g}"
    verdict = found.get("not_judged") or ("ok" if is_met(key, found) else "MISSED")
    against = f" against {goal.against}" if goal.against != "none" else ""
    head = f"{goal.what}{against}: {found['value']:.3g} {goal.unit} (must {goal.must:g}{aim}) {verdict}"
    if "growth_kb" in found:
        head += f"; over {found['batches']} batches it grew by {found['growth_kb']} KB"
    return [
        head,
        *(f"    {case['name']}: {case['value']:.3g} {goal.unit}{_times(case)}" for case in found["cases"]),
    ]


def _times(case: dict[str, Any]) -> str:
    if "ours_us" not in case:
        return ""
    on = f", {case['count']} {case['counted']}" if "count" in case else ""
    return f"  ({case['ours_us']:.2f} against {case['theirs_us']:.1f} us{on})"
