"""Chance levels: what replies with the right labels at random places earn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from videostr.report import COMPONENTS

if TYPE_CHECKING:
    from videostr.scoring import Reference, Scorer


def chance_level(reference: Reference, scorer: Scorer, *, draws: int, seed: int) -> dict[str, Any]:
    """Mean and spread of each component over `draws` blind replies; see `Reference.describe`."""
    random = np.random.default_rng(seed)
    truth = reference.ground_truth
    texts = [_blind_reply(truth, random) for _ in range(draws)]
    if scorer.spec.think_prefilled:
        texts = [text.removeprefix("<think>") for text in texts]
    batch = scorer.score_batch(texts, reference)
    levels = {name: _mean_and_std(batch[name]) for name in COMPONENTS}
    return {"draws": draws, "seed": seed, "fingerprint": scorer.spec.fingerprint, "components": levels}


def _mean_and_std(values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    known = values[~np.isnan(values)]
    if not known.size:
        return {"mean": None, "std": None}
    return {"mean": float(known.mean()), "std": float(known.std())}


def _blind_reply(truth: dict[str, Any], random: np.random.Generator) -> str:
    graph = truth.get("graph")
    block = f"<graph>{_blind_graph(graph, random)}</graph>" if graph else ""
    return f"<think>{block}</think><answer>{_blind_answer(truth.get('answer'), random)}</answer>"


def _blind_answer(answer: dict[str, Any] | None, random: np.random.Generator) -> str:
    options = len((answer or {}).get("options") or ())
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[int(random.integers(options))] if options else ""


def _blind_graph(graph: dict[str, Any], random: np.random.Generator) -> str:
    centers = np.array(
        [node["center"] for frame in graph["frames"] for node in frame["nodes"]], dtype=np.float64
    )
    low, high = centers.min(axis=0), centers.max(axis=0)
    if not np.any(high > low):
        half = float(graph.get("scale", 1.0)) / 2 / np.sqrt(centers.shape[1])
        low, high = low - half, high + half
    frames = []
    for frame in graph["frames"]:
        places = random.uniform(low, high, size=(len(frame["nodes"]), centers.shape[1])).tolist()
        nodes = [[node["id"], place] for node, place in zip(frame["nodes"], places, strict=True)]
        frames.append({"t": frame["t"], "nodes": nodes} if "t" in frame else {"nodes": nodes})
    return json.dumps({"frames": frames})
