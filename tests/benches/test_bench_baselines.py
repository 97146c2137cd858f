"""The benchmark's baselines score as the core does, and its corpora are what they are said to be."""

from __future__ import annotations

import importlib
import json
import re

import numpy as np
import pytest

import aligned_numpy
import baseline_loops
import baseline_numpy
import corpus
import whole
from measure import check

SHAPES = [(1, (3, 30), 12), (4, (3, 12), 4), (2, (50, 80), 2)]


def ids(shape: tuple[int, tuple[int, int], int]) -> str:
    return whole.name_of(*shape[:2])


@pytest.fixture(scope="module", params=SHAPES, ids=ids)
def made(request: pytest.FixtureRequest) -> corpus.Corpus:
    frames, nodes, prompts = request.param
    return corpus.make("test", prompts=prompts, frames=frames, nodes=nodes, seed=1)


def clean(made: corpus.Corpus) -> np.ndarray:
    return np.array([fault == "" for fault in made.faults])


@pytest.mark.parametrize("module", [baseline_numpy, baseline_loops], ids=lambda module: module.__name__)
def test_what_users_write_scores_as_the_core(made: corpus.Corpus, module: object) -> None:
    scorer = whole.scorer_of("video-str")
    ours = whole.columns(scorer.score_batch(made.texts, whole.prepared(scorer, made)))
    theirs = np.array(whole.score_each(module, made))
    assert (ours[clean(made), 2:] > 0).any(axis=0).all()
    assert np.abs(ours - theirs)[clean(made)].max() <= 1e-9


@pytest.mark.full
def test_the_best_python_scores_as_the_core(made: corpus.Corpus) -> None:
    best = importlib.import_module("baseline_best")  # numba comes with the training stack
    scorer = whole.scorer_of("video-str")
    ours = whole.columns(scorer.score_batch(made.texts, whole.prepared(scorer, made)))
    references = [best.Reference(reference) for reference in made.references]
    theirs = best.score_batch(made.texts, [references[p] for p in made.prompt])
    assert np.abs(ours - theirs)[clean(made)].max() <= 1e-9


@pytest.mark.parametrize("up", [True, False], ids=["yaw", "so3"])
@pytest.mark.parametrize("shape", [(1, (3, 12), 6), (3, (3, 8), 3), (1, (24, 40), 1)], ids=ids)
def test_aligned_numpy_scores_as_the_core(shape: tuple[int, tuple[int, int], int], up: bool) -> None:
    frames, nodes, prompts = shape
    made = corpus.make("test", prompts=prompts, frames=frames, nodes=nodes, up=up, seed=2)
    scorer = whole.scorer_of("pose-free")
    parts = (*whole.PARTS, "chirality")
    ours = whole.columns(scorer.score_batch(made.texts, whole.prepared(scorer, made)), parts)
    references = [aligned_numpy.Reference(reference) for reference in made.references]
    theirs = [
        aligned_numpy.score(text, references[p]) for text, p in zip(made.texts, made.prompt, strict=True)
    ]
    assert np.allclose(ours[clean(made)], np.array(theirs)[clean(made)], rtol=0, atol=1e-9, equal_nan=True)


def test_a_difference_ends_the_bench() -> None:
    check([1.0, np.nan], [1.0 + 1e-10, np.nan], "the same")
    with pytest.raises(SystemExit, match="differ by up to 2e-09"):
        check([1.0], [1.0 + 2e-9], "not the same")


def test_the_corpus_has_the_stated_shares() -> None:
    made = corpus.make("test", prompts=250, frames=1, nodes=(3, 30), seed=3)
    count = len(made.texts)
    assert count == 2000
    assert made.faults.count("cut") / count == pytest.approx(0.10, abs=0.02)
    assert made.faults.count("fenced") / count == pytest.approx(0.03, abs=0.012)
    names, sizes = [], []
    for text, fault in zip(made.texts, made.faults, strict=True):
        if fault == "cut":
            assert "</graph>" not in text
            continue
        before, graph = text.split("<graph>")
        graph, after = graph.split("</graph>")
        assert graph.startswith("```") == (fault == "fenced")
        sizes.append(len(before) + len(after))
        frames = json.loads(graph.strip("`").removeprefix("json"))["frames"]
        names += [node[0] for frame in frames for node in frame["nodes"]]
    assert 2048 <= min(sizes) < 2300
    assert 5900 < max(sizes) <= 6144 + 60
    assert np.mean([re.match("[A-Z]", name) is not None for name in names]) == pytest.approx(0.15, abs=0.01)
    nodes = [len(reference["graph"]["frames"][0]["nodes"]) for reference in made.references]
    assert (min(nodes), max(nodes)) == (3, 30)


def test_a_seed_makes_the_same_corpus_and_a_part_is_its_beginning() -> None:
    first, again = (corpus.make("test", prompts=4, frames=2, nodes=(3, 5), seed=s) for s in (5, 5))
    assert first == again
    assert first.texts != corpus.make("test", prompts=4, frames=2, nodes=(3, 5), seed=6).texts
    part = first.part(2)
    assert (part.texts, part.references) == (first.texts[:16], first.references[:2])
