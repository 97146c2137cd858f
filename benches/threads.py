"""Two threads against one, in wall time, with the GIL released once."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

import corpus
import goals
from whole import name_of, prepared, scorer_of

CORPORA = [("video-str", 16, (3, 30), 32), ("pose-free", 4, (3, 30), 32)]
#: Of the cores that the other processes use while nothing of ours runs; a busier machine is not judged.
IDLE = 0.1


def busy_cores(seconds: float = 2.0) -> float:
    """How many cores the whole machine uses now."""

    def idle_ticks() -> int:
        with open("/proc/stat") as file:
            fields = file.readline().split()
        return int(fields[4]) + int(fields[5])

    before = idle_ticks()
    time.sleep(seconds)
    idle = (idle_ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds
    return max(0.0, (os.cpu_count() or 1) - idle)


def row(rounds: int) -> dict[str, Any] | None:
    """None where there is one core only."""
    pinned, busy = os.sched_getaffinity(0), busy_cores()
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        if len(os.sched_getaffinity(0)) < 2:
            return None
        cases = [_case(preset, *shape, rounds) for preset, *shape in CORPORA]
    finally:
        os.sched_setaffinity(0, pinned)
    found = goals.row("threads", cases, busy_cores=busy)
    if busy > IDLE:
        found["not_judged"] = f"not judged, {busy:.1f} cores were busy"
    return found


def _case(preset: str, frames: int, nodes: tuple[int, int], prompts: int, rounds: int) -> dict[str, Any]:
    scorer = scorer_of(preset)
    made = corpus.make(name_of(frames, nodes), prompts=prompts, frames=frames, nodes=nodes)
    refs = prepared(scorer, made)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds + 1):
        for threads, times in seconds.items():
            start = time.perf_counter()
            scorer.score_batch(made.texts, refs, num_threads=threads)
            times.append(time.perf_counter() - start)
    value = statistics.median(one / two for one, two in zip(seconds[1][1:], seconds[2][1:], strict=True))
    return {"name": f"{preset}, {made.name}", "value": value}
