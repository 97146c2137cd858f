"""`make bench`: the speed floor and the worst case, in one process on one pinned core; writes one JSON file.

Ratios are medians over interleaved rounds of CPU time, so that what else the machine does weighs little.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import baseline_numpy
import corpus
import golden
import hostile
import videostr


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def check_agreement(made: corpus.Corpus, batch: videostr.BatchReport) -> int:
    """Replies on which both compute the same thing must agree to 1e-9; returns how many were compared."""
    compared = 0
    for i, text in enumerate(made.texts):
        if not made.clean[i]:
            continue
        ours = [batch[name][i] for name in ("format", "answer", "node", "edge")]
        theirs = baseline_numpy.score(text, made.references[made.prompt[i]])
        if not np.allclose(ours, theirs, rtol=0, atol=1e-9):
            raise SystemExit(
                f"reply {i}: videostr {ours}, baseline {theirs}: they must agree before they are timed"
            )
        compared += 1
    return compared


def floor(rounds: int) -> dict[str, Any]:
    """512 prompts x 8 replies x 1 frame of 3..30 nodes, preset video-str."""
    made = corpus.make("512x8, 1 frame, 3..30 nodes", prompts=512, replies=8, frames=1, nodes=(3, 30))
    result: dict[str, Any] = {
        "corpus": made.name,
        "replies": len(made.texts),
        "bytes": sum(map(len, made.texts)),
    }
    for report in ("all", "weighted"):
        scorer = videostr.Scorer(
            videostr.RewardSpec.preset("video-str").replace(angle="centroid", report=report)
        )
        prepared = [scorer.prepare(reference) for reference in made.references]
        refs = [prepared[p] for p in made.prompt]
        if report == "all":
            result["compared"] = check_agreement(made, scorer.score_batch(made.texts, refs))
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(cpu_seconds(lambda s=scorer, r=refs: s.score_batch(made.texts, r, num_threads=1)))
            theirs.append(
                cpu_seconds(
                    lambda: [
                        baseline_numpy.score(t, made.references[p])
                        for t, p in zip(made.texts, made.prompt, strict=True)
                    ]
                )
            )
        result[f"ratio_{report}"] = statistics.median(t / o for o, t in zip(ours, theirs, strict=True))
        result[f"us_per_reply_{report}"] = 1e6 * statistics.median(ours) / len(made.texts)
        result["us_per_reply_baseline"] = 1e6 * statistics.median(theirs) / len(made.texts)
    return result


# Spec fields; (frames, labels, kind) of references; (frames, nodes a frame) of replies, else as many as fit.
GROUPS = [{"group": "so3"}, {"group": "yaw"}]
SHAPES = [
    (32, 1, "random"), (32, 1, "grid"), (32, 1, "point"), (32, 8, "grid"), (32, 64, "random"),
    (1, 1, "grid"), (1, 4, "random"), (8, 16, "grid"),
    (32, 1, "near"), (32, 1, "line"), (32, 1, "slant"), (32, 1, "octahedron"),
]  # fmt: skip
OTHERS = [
    {"align_scope": "frame"}, {"assignment": "greedy"}, {"free_scale": True}, {"group": "so3"}, {"group": "yaw"},
]  # fmt: skip
HARD_SHAPES = [
    (32, 1, "random"), (32, 1, "grid"), (32, 3, "grid"), (32, 1, "near"), (32, 1, "slant"),
]  # fmt: skip
HARD_REPLIES = [(32, 64), (8, 60)]


@functools.lru_cache(maxsize=16)
def made_replies(size: int, frames: int, labels: int, most: int) -> list[tuple[str, str]]:
    """Writing them takes longer than scoring them, and many cases share them."""
    return list(hostile.replies(size, frames, labels, most))


def slowest_of(
    fields: dict[str, Any],
    shape: tuple[int, int, str],
    replies: tuple[int, int] | None,
    size: int,
    rounds: int,
) -> tuple[float, str]:
    """The slowest reply in ms, and its name."""
    frames, labels, kind = shape
    scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free").replace(**fields))
    raw = hostile.reference(frames, 64, labels, kind)
    if fields.get("group") == "yaw":
        raw["graph"]["up"] = [0, 0, 1]
    prepared = scorer.prepare(raw)
    written, most = replies or (frames, 510)
    slowest = (0.0, "")
    for name, text in made_replies(size, written, labels, most):
        if replies and not name.startswith("compact") and "<graph>{" not in text:
            continue
        ms = 1e3 * min(cpu_seconds(lambda t=text: scorer.score(t, prepared)) for _ in range(rounds))
        of = f"{written} frames of {most if replies else 'as many nodes as fit'}"
        slowest = max(slowest, (ms, f"{name}; {of}; {fields}; {frames} x 64 {kind} nodes, {labels} labels"))
    return slowest


def worst(size: int, limits: dict[str, float], rounds: int = 3) -> dict[str, Any]:
    """Slowest hostile reply of `size` bytes, by frame of reference, in ms."""
    found: dict[str, Any] = {"size": size}
    cases = [(fields, shape, None) for fields in GROUPS for shape in SHAPES]
    cases += [
        (fields, shape, replies) for fields in OTHERS for shape in HARD_SHAPES for replies in HARD_REPLIES
    ]
    for frame_of_reference, limit in limits.items():
        ms, name = max(
            slowest_of({"frame_of_reference": frame_of_reference, **fields}, shape, replies, size, rounds)
            for fields, shape, replies in cases
        )
        found[frame_of_reference] = {"ms": ms, "limit_ms": limit, "slowest": name}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benches/results.json"))
    args = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{golden.check()} golden lines hold")
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "build": videostr.build_info(),
        "floor": floor(args.rounds),
        "worst_256KiB": worst(256 * 1024, {"given": 20.0, "aligned": 250.0}),
        "worst_16KiB": worst(16 * 1024, {"given": 2.0, "aligned": 10.0}),
    }
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    speed = result["floor"]
    print(f"{speed['corpus']}: {speed['replies']} replies, {speed['bytes'] / 1e6:.1f} MB")
    print(f"  {speed['compared']} clean replies agree to 1e-9")
    for report in ("all", "weighted"):
        print(
            f"  report {report:8}: {speed[f'us_per_reply_{report}']:.2f} us a reply, "
            f"{speed[f'ratio_{report}']:.0f} times re + json + numpy + scipy "
            f"({speed['us_per_reply_baseline']:.0f} us); floor 20 times"
        )
    failed = speed["ratio_all"] < 20
    for key in ("worst_256KiB", "worst_16KiB"):
        for frame_of_reference in ("given", "aligned"):
            row = result[key][frame_of_reference]
            print(f"{key} {frame_of_reference:7}: {row['ms']:7.2f} ms (limit {row['limit_ms']:g})")
            print(f"  {row['slowest']}")
            failed |= row["ms"] > row["limit_ms"]
    if failed:
        raise SystemExit("a goal was missed")


if __name__ == "__main__":
    main()
