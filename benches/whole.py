"""Whole scoring of replies against the three baselines, and aligned scoring against numpy + scipy."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

import aligned_numpy
import baseline_loops
import baseline_numpy
import corpus
import goals
import videostr
from measure import check, interleaved, ratio

PARTS = ("format", "answer", "node", "edge")
#: Frames, nodes, prompts (of eight replies); then prompts and rounds for (c), (b), (a): the slow ones are timed, ours
#: too, on the first prompts only.
CORPORA = [
    (1, (3, 30), 512, (512, 7), (128, 5), (32, 3)),
    (4, (3, 30), 256, (256, 7), (32, 5), (8, 3)),
    (16, (3, 30), 128, (128, 7), (12, 5), (3, 3)),
    (1, (50, 80), 128, (128, 7), (32, 5), (4, 3)),
    (4, (50, 80), 48, (48, 7), (8, 5), (2, 3)),
    (16, (50, 80), 16, (16, 7), (3, 5), (1, 3)),
]
#: Frames, nodes, gravity known, prompts, rounds.
ALIGNED = [
    (1, (3, 30), True, 12, 3),
    (4, (3, 30), True, 6, 3),
    (1, (50, 80), True, 4, 3),
    (1, (3, 30), False, 8, 3),
    (4, (3, 30), False, 4, 3),
    (1, (50, 80), False, 4, 3),
]


def name_of(frames: int, nodes: tuple[int, int]) -> str:
    return f"{frames} frame{'s' * (frames > 1)} of {nodes[0]} to {nodes[1]} nodes"


def scorer_of(preset: str) -> videostr.Scorer:
    return videostr.Scorer(videostr.RewardSpec.preset(preset).replace(report="weighted"))


def prepared(scorer: videostr.Scorer, made: corpus.Corpus) -> list[videostr.Reference]:
    references = [scorer.prepare(reference) for reference in made.references]
    return [references[p] for p in made.prompt]


def columns(batch: videostr.BatchReport, names: tuple[str, ...] = PARTS) -> np.ndarray:
    return np.stack([batch[name] for name in names], axis=1)


def score_each(module: Any, made: corpus.Corpus) -> list[Any]:
    return [module.score(t, made.references[p]) for t, p in zip(made.texts, made.prompt, strict=True)]


def score_by_loops(made: corpus.Corpus) -> list[Any]:
    baseline_loops.match.cache_clear()
    return score_each(baseline_loops, made)


def against_baselines(rounds_most: int) -> dict[str, dict[str, Any]]:
    """Rows `best`, `numpy` and `loops`; what both read (clean JSON) must agree first."""
    import baseline_best

    scorer = scorer_of("video-str")
    cases: dict[str, list[dict[str, Any]]] = {"best": [], "numpy": [], "loops": []}
    for frames, nodes, prompts, *plan in CORPORA:
        whole = corpus.make(name_of(frames, nodes), prompts=prompts, frames=frames, nodes=nodes)
        for key, (part, rounds) in zip(cases, plan, strict=True):
            made = whole.part(part)
            refs = prepared(scorer, made)
            best_refs = [baseline_best.Reference(reference) for reference in made.references]
            best = [best_refs[p] for p in made.prompt]
            theirs = {
                "best": lambda m=made, b=best: baseline_best.score_batch(m.texts, b),
                "numpy": lambda m=made: score_each(baseline_numpy, m),
                "loops": lambda m=made: score_by_loops(m),
            }[key]
            clean = np.array([fault == "" for fault in made.faults])
            ours = lambda m=made, r=refs: scorer.score_batch(m.texts, r, num_threads=1)  # noqa: E731
            check(columns(ours())[clean], np.array(theirs())[clean], f"{made.name}, {key}")
            times = interleaved({"ours": ours, "theirs": theirs}, min(rounds, rounds_most))
            cases[key].append(case(made.name, times, len(made.texts), "replies"))
    return {key: goals.row(key, of_key) for key, of_key in cases.items()}


def case(name: str, times: dict[str, list[float]], count: int, counted: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": ratio(times["theirs"], times["ours"]),
        "ours_us": 1e6 * statistics.median(times["ours"]) / count,
        "theirs_us": 1e6 * statistics.median(times["theirs"]) / count,
        "count": count,
        "counted": counted,
    }


def aligned(rounds_most: int) -> dict[str, Any]:
    scorer = scorer_of("pose-free")
    cases = []
    for frames, nodes, up, prompts, rounds in ALIGNED:
        name = f"{name_of(frames, nodes)}, {'yaw' if up else 'so3'}"
        made = corpus.make(name, prompts=prompts, frames=frames, nodes=nodes, up=up)
        refs = prepared(scorer, made)
        arrays = [aligned_numpy.Reference(reference) for reference in made.references]
        ours = lambda m=made, r=refs: scorer.score_batch(m.texts, r, num_threads=1)  # noqa: E731
        theirs = lambda m=made, a=arrays: [  # noqa: E731
            aligned_numpy.score(t, a[p]) for t, p in zip(m.texts, m.prompt, strict=True)
        ]
        clean = np.array([fault == "" for fault in made.faults])
        check(columns(ours(), (*PARTS, "chirality"))[clean], np.array(theirs())[clean], f"{name}, aligned")
        times = interleaved({"ours": ours, "theirs": theirs}, min(rounds, rounds_most))
        cases.append(case(name, times, len(made.texts), "replies"))
    return goals.row("aligned", cases)
