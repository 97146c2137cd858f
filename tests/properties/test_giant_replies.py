"""Promise 9 where a reply gets a share of the search (scoring.md section 9): a motion changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

import videostr


def lines(frames: list[np.ndarray]) -> str:
    text = "".join(
        f"@{t}\n" + "".join("chair {!r} {!r} {!r}\n".format(*map(float, point)) for point in points)
        for t, points in enumerate(frames)
    )
    return f"<think><graph>{text}</graph></think><answer>1</answer>"


@pytest.mark.parametrize(("frames", "chairs"), [(16, 17), (16, 18), (12, 40)])
@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_a_moved_giant_reply_scores_the_same(frames: int, chairs: int, noise: float) -> None:
    rng = np.random.default_rng(chairs)
    places = [rng.uniform(0, 6, (chairs, 3)) for _ in range(frames)]
    graph = {
        "space": "world",
        "unit": "m",
        "up": [0, 0, 1],
        "scale": 10.0,
        "frames": [
            {
                "t": t,
                "nodes": [
                    {"id": f"chair.{i}", "label": "chair", "center": p.tolist()} for i, p in enumerate(points)
                ],
            }
            for t, points in enumerate(places)
        ],
    }
    scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free"))
    ref = scorer.prepare({"version": 1, "answer": {"kind": "number", "value": 1}, "graph": graph})
    said = [points + rng.normal(0, noise, points.shape) for points in places]
    turn = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]])
    before = scorer.score(lines(said), ref)
    after = scorer.score(lines([points @ turn.T + [2.0, -1.0, 0.5] for points in said]), ref)
    for name in ("node", "edge", "chirality"):
        assert abs(getattr(before, name) - getattr(after, name)) <= 1e-9, name
    assert noise or before.node > 1 - 1e-9
