"""The oracle against brute force, scipy and the promises of scoring.md section 8 that it can break."""

from __future__ import annotations

import json
import random
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from .assign import optimal
from .cases.scenes import make_scene
from .score import score
from .spec import GRAPH_PARTS


def by_brute_force(costs: np.ndarray, same_id: np.ndarray) -> list[tuple[int, int]]:
    """Section 3's rule word for word: least sum, most equal ids, lexicographically first, unmatched last."""
    rows, columns = costs.shape
    choices = set(permutations([*range(columns), *[columns] * max(0, rows - columns)], rows))
    best = min(
        choices,
        key=lambda choice: (
            sum(int(costs[i, j]) for i, j in enumerate(choice) if j < columns),
            -sum(bool(same_id[i, j]) for i, j in enumerate(choice) if j < columns),
            choice,
        ),
    )
    return [(i, j) for i, j in enumerate(best) if j < columns]


@pytest.mark.parametrize("seed", range(300))
def test_assignment_by_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 6, size=2)
    costs = rng.integers(0, rng.choice([2, 4, 2**42]), size=shape)
    same_id = rng.random(shape) < 0.3
    assert optimal(costs, same_id) == by_brute_force(costs, same_id)


@pytest.mark.parametrize("seed", range(20))
def test_assignment_sum_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.integers(0, 2**40, size=rng.integers(8, 24, size=2))
    got = sum(int(costs[i, j]) for i, j in optimal(costs, np.zeros(costs.shape, dtype=bool)))
    assert got == int(costs[linear_sum_assignment(costs)].sum())


def rendered(graph: dict[str, Any], rotation: np.ndarray, shift: np.ndarray) -> str:
    frames = [
        ({"t": frame["t"]} if "t" in frame else {})
        | {"nodes": [[n["id"], (rotation @ n["center"] + shift).tolist()] for n in frame["nodes"]]}
        for frame in graph["frames"]
    ]
    return f"<think><graph>{json.dumps({'frames': frames})}</graph></think><answer>x</answer>"


def graph_parts(graph: dict[str, Any], text: str, spec: dict[str, Any]) -> dict[str, float | None]:
    found = score(text, {"version": 1, "graph": graph}, spec)["components"]
    return {name: found[name] for name in GRAPH_PARTS}


def motion(seed: int, graph: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """A random motion of the group that `auto` means."""
    rng = np.random.default_rng(seed)
    dimension = len(graph["frames"][0]["nodes"][0]["center"])
    if dimension == 2:
        rotation = Rotation.from_rotvec([0, 0, rng.uniform(-np.pi, np.pi)]).as_matrix()[:2, :2]
    elif "up" in graph:
        up = np.array(graph["up"]) / np.linalg.norm(graph["up"])
        rotation = Rotation.from_rotvec(up * rng.uniform(-np.pi, np.pi)).as_matrix()
    else:
        rotation = Rotation.random(random_state=rng).as_matrix()
    return rotation, rng.uniform(-9, 9, dimension)


def scene(seed: str) -> dict[str, Any]:
    """A scene that is not nearly, over 1e-9 and under 1e-3·D, on one line (promise 9 leaves those out)."""
    for attempt in range(100):
        graph = make_scene(random.Random(f"{seed} {attempt}"))
        points = np.vstack([[node["center"] for node in frame["nodes"]] for frame in graph["frames"]])
        centred = points - points.mean(axis=0)
        across = np.linalg.svd(centred)[2][1:]
        height = np.abs(centred @ across.T).max() / (graph.get("scale") or np.ptp(points) or 1.0)
        if not 1e-9 < height <= 5e-3:
            return graph
    raise AssertionError("no scene")


@pytest.mark.parametrize("seed", range(150))
def test_a_moved_reference_scores_one(seed: int) -> None:
    """Promise 7: whatever the layout, under `aligned` also after any motion of the group."""
    graph = scene(f"perfect {seed}")
    got = graph_parts(graph, rendered(graph, *motion(seed, graph)), {"frame_of_reference": "aligned"})
    assert all(value is None or abs(value - 1) <= 1e-9 for value in got.values()), got


@pytest.mark.parametrize("seed", range(100))
def test_moving_a_wrong_reply_changes_nothing(seed: int) -> None:
    """Promise 9 under `aligned`, on a reply with noise and gaps."""
    graph = scene(f"noise {seed}")
    noised = json.loads(json.dumps(graph))
    rng = random.Random(seed)
    for frame in noised["frames"]:
        frame["nodes"] = [node for node in frame["nodes"] if rng.random() < 0.9] or frame["nodes"][:1]
        for node in frame["nodes"]:
            node["center"] = [value + rng.gauss(0, 0.3) for value in node["center"]]
    dimension = len(graph["frames"][0]["nodes"][0]["center"])
    spec = {"frame_of_reference": "aligned"}
    still = graph_parts(graph, rendered(noised, np.eye(dimension), np.zeros(dimension)), spec)
    moved = graph_parts(graph, rendered(noised, *motion(seed, graph)), spec)
    assert moved == pytest.approx(still, abs=1e-9)
