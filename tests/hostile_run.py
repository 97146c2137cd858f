"""Scores hostile replies in one process and tells what came of it: python tests/hostile_run.py COUNT"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import hostile_replies
import videostr
from case_files import golden

BATCH = 4096
THREADS = 2
WARM_UP = 100_000
"""Replies after which everything that is kept for reuse has its size."""

INTERNAL = 1 << videostr.REPAIRS.index("internal")
SPECS: tuple[dict[str, Any], ...] = (
    {"preset": "pose-free", "weights": {"motion": 0.5}},
    {"preset": "video-str", "angle": "centroid"},
    {"preset": "so3", "free_scale": True, "edges": "stated", "number": "exact2", "report": "weighted"},
    {"preset": "coordinates", "assignment": "greedy", "gate": "answer", "box": "giou"},
    {"preset": "pose-free", "max_bytes": 300, "max_frames": 2, "max_nodes": 3, "max_edges": 2},
)

Pair = tuple[videostr.Scorer, list[videostr.Reference]]


def resident() -> int:
    """Bytes of memory that this process holds, without what was freed and is kept for later."""
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def judges() -> Iterator[Pair]:
    """Each spec's scorer with every golden reference, prepared."""
    truths = {json.dumps(case["reference"]) for case in golden() if case["reference"] is not None}
    for fields in SPECS:
        scorer = videostr.Scorer(videostr.RewardSpec.from_dict(fields))
        yield scorer, [scorer.prepare(truth) for truth in sorted(truths)]


def check(batch: Any) -> None:
    """Promises 1 and 2 for every row."""
    assert not (batch.repairs & INTERNAL).any(), "a caught bug of ours"
    assert np.isfinite(batch.total).all()
    parts = np.delete(batch.components, videostr.COMPONENTS.index("total"), axis=1)
    assert (np.isnan(parts) | (parts >= 0.0) & (parts <= 1.0)).all()


def run(
    count: int, *, seed: int = 0, warm_up: int = WARM_UP, after: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Scores `count` replies; `after` is called after each batch."""
    turns, rng = itertools.cycle(list(judges())), np.random.default_rng(seed)
    seen: dict[str, Counter[str]] = {
        "graph_status": Counter(),
        "answer_status": Counter(),
        "repairs": Counter(),
    }
    done = size = warm = 0
    scoring, started = 0.0, time.perf_counter()
    for number, texts in enumerate(hostile_replies.batches(seed, BATCH)):
        scorer, known = next(turns)
        refs = [known[k] for k in rng.integers(len(known), size=BATCH).tolist()]
        entered = time.perf_counter()
        batch = scorer.score_batch(texts, refs, num_threads=THREADS)
        scoring += time.perf_counter() - entered
        check(batch)
        if number % 50 == 0:
            alone = scorer.score_batch(texts, refs, num_threads=1)
            assert batch.components.tobytes() == alone.components.tobytes(), "threads change bits"
        for name, codes in (
            ("graph_status", videostr.GRAPH_STATUS),
            ("answer_status", videostr.ANSWER_STATUS),
        ):
            counts = np.bincount(getattr(batch, name), minlength=len(codes)).tolist()
            seen[name].update(dict(zip(codes, counts, strict=True)))
        seen["repairs"].update(
            {name: int((batch.repairs >> bit & 1).sum()) for bit, name in enumerate(videostr.REPAIRS)}
        )
        done += len(texts)
        size += sum(map(len, texts))
        after()
        if not warm and done >= warm_up:
            warm = resident()
        if done >= count:
            break
    return {
        "replies": done,
        "seconds": round(time.perf_counter() - started, 1),
        "seconds_in_score_batch": round(scoring, 1),
        "mean_characters": round(size / done),
        "resident_after_warm_up": warm,
        "resident_at_the_end": resident(),
        **{name: dict(counter) for name, counter in seen.items()},
    }


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]))))
