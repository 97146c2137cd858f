"""Writes docs/discrimination.md: how well each graph score tells good replies from chance and blind ones.

    python benches/discrimination.py            # about five minutes on one core

Three questions, asked of every preset and of forms that other reward code uses:

* *rank*: Spearman's correlation between the corruption of a reply and its graph score, over replies of one
  scene, averaged;
* *gap*: the mean score of replies with 10 % noise less that of chance (the right labels at random places), in
  pooled standard deviations;
* *blind*: what the best reply earns that knows the categories and the reward but never sees the scene: the best
  of a few layouts and of an evolution strategy on other scenes of the same kind, measured on scenes that it was
  not tuned on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

import videostr

Points = np.ndarray  # (N, 3), metres
NAMES = ["chair", "table", "sofa", "lamp", "bed", "desk", "shelf", "plant", "door", "window"]
LEVELS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)  # noise in parts of the scene's diagonal


@dataclass(frozen=True)
class Size:
    """How much is measured: scenes of a world, lists of categories for blind replies, steps of their evolution."""

    scenes: int
    sets: int
    steps: int


@dataclass(frozen=True)
class World:
    """A kind of scene: how many objects, in what box, in which space."""

    name: str
    objects: tuple[int, int]
    box: tuple[float, float, float]
    space: str = "world"
    up: tuple[float, float, float] | None = (0.0, 0.0, 1.0)

    @property
    def scale(self) -> float:
        return float(np.linalg.norm(self.box))

    def labels(self, rng: np.random.Generator) -> list[str]:
        n = int(rng.integers(self.objects[0], self.objects[1] + 1))
        return [str(label) for label in rng.choice(NAMES, n)]

    def place(self, labels: Sequence[str], rng: np.random.Generator) -> Points:
        """Uniform in the plan; the height depends on the label, as in rooms: a blind reply could know that."""
        points = rng.uniform(0, 1, (len(labels), 3))
        height = np.array([NAMES.index(label) / len(NAMES) for label in labels])
        up_axis = 2 if self.up is None or self.up[2] else 1
        points[:, up_axis] = np.clip(height + rng.normal(0, 0.1, len(labels)), 0, 1)
        return points * np.array(self.box)

    def reference(self, labels: Sequence[str], points: Points) -> str:
        graph: dict[str, Any] = {
            "space": self.space,
            "unit": "m",
            "scale": self.scale,
            "frames": [
                {
                    "nodes": [
                        {"id": f"{label}.{i}", "label": label, "center": [float(v) for v in p]}
                        for i, (label, p) in enumerate(zip(labels, points, strict=True))
                    ]
                }
            ],
        }
        if self.up is not None:
            graph["up"] = list(self.up)
        return json.dumps({"version": 1, "graph": graph})


WORLDS = (
    World("rooms, 3..8 objects", (3, 8), (6.0, 5.0, 2.5)),
    World("rooms, 6..15 objects", (6, 15), (6.0, 5.0, 2.5)),
    World("streets seen by the camera, 3..8", (3, 8), (30.0, 3.0, 50.0), "camera", (0.0, -1.0, 0.0)),
)


@dataclass(frozen=True)
class Form:
    """A way to score: a spec, and what a row of its report is worth."""

    name: str
    preset: str
    overrides: dict[str, Any] = field(default_factory=dict)
    recall_only: bool = False

    def scorer(self) -> videostr.Scorer:
        return videostr.Scorer(videostr.RewardSpec.preset(self.preset).replace(**self.overrides))

    def values(self, batch: videostr.BatchReport, stated: np.ndarray, true: np.ndarray) -> np.ndarray:
        if not self.recall_only:
            return batch["graph"]
        node = batch["node"] * np.maximum(stated, true) / true
        return np.nanmean([node, batch["edge"]], axis=0)


FORMS = (
    Form("`pose-free`", "pose-free"),
    Form("`pose-free`, linear kernels", "pose-free", {"node_kernel": "linear", "edge_kernel": "linear"}),
    Form("`pose-free`, s = 0.05", "pose-free", {"node_s": 0.05, "edge_s": 0.05}),
    Form("`pose-free`, s = 0.3", "pose-free", {"node_s": 0.3, "edge_s": 0.3}),
    Form("`pose-free`, greedy matching", "pose-free", {"assignment": "greedy"}),
    Form("`pose-free`, chirality 0", "pose-free", {"weights": {"chirality": 0.0}}),
    Form("`so3`", "so3"),
    Form("`video-str`", "video-str"),
    Form("`video-str`, exp kernels", "video-str", {"node_kernel": "exp", "edge_kernel": "exp"}),
    Form("`video-str`, greedy matching", "video-str", {"assignment": "greedy"}),
    Form("`video-str`, recall only", "video-str", {"per_class": False}, recall_only=True),
    Form("`coordinates`", "coordinates"),
)


def reply(labels: Sequence[str], points: Points) -> str:
    lines = [
        f"{label}.{i} {p[0]:.4f} {p[1]:.4f} {p[2]:.4f}"
        for i, (label, p) in enumerate(zip(labels, points, strict=True))
    ]
    return "<think><graph>@\n" + "\n".join(lines) + "\n</graph></think><answer></answer>"


def corrupt(
    world: World, labels: list[str], points: Points, level: float, rng: np.random.Generator
) -> tuple[list[str], Points]:
    """Noise of `level` on every centre; one object in ten is lost and one in ten renamed at the highest level."""
    moved = points + rng.normal(0, level * world.scale / np.sqrt(3), points.shape)
    share = level / LEVELS[-1] * 0.1
    keep = rng.random(len(labels)) >= share
    keep[0] = True
    named = [str(rng.choice(NAMES)) if rng.random() < share else label for label in labels]
    return [label for label, k in zip(named, keep, strict=True) if k], moved[keep]


Scene = tuple[list[str], Points]


def score(form: Form, world: World, scenes: Sequence[Scene], replies: Sequence[Scene]) -> np.ndarray:
    scorer = form.scorer()
    refs = [scorer.prepare(world.reference(*scene)) for scene in scenes]
    batch = scorer.score_batch([reply(*r) for r in replies], refs)
    return form.values(batch, np.array([len(r[0]) for r in replies]), np.array([len(s[0]) for s in scenes]))


def rank_and_gap(
    form: Form, world: World, scenes: Sequence[Scene], seed: int
) -> tuple[float, float, float, float]:
    rng = np.random.default_rng(seed)
    by_level = [
        score(form, world, scenes, [corrupt(world, *s, level, rng) for s in scenes]) for level in LEVELS
    ]
    chance = score(
        form, world, scenes, [(s[0], rng.uniform(0, 1, s[1].shape) * np.array(world.box)) for s in scenes]
    )
    table = np.array([*by_level, chance])
    levels = np.arange(len(table))
    rank = float(
        np.mean(
            [-spearmanr(levels, table[:, k]).statistic for k in range(table.shape[1]) if np.ptp(table[:, k])]
        )
    )
    good = by_level[LEVELS.index(0.1)]
    spread = float(np.sqrt((good.var(ddof=1) + chance.var(ddof=1)) / 2))
    return rank, float(good.mean() - chance.mean()) / spread, float(good.mean()), float(chance.mean())


def layouts(world: World, n: int) -> dict[str, Points]:
    """Layouts that need no look at the scene, in the unit box."""
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False)
    side = int(np.ceil(np.sqrt(n)))
    flat = 2 if world.up is None or world.up[2] else 1
    circle, grid, middle = np.full((n, 3), 0.5), np.full((n, 3), 0.5), np.full((n, 3), 0.5)
    a, b = [axis for axis in range(3) if axis != flat]
    circle[:, a], circle[:, b] = 0.5 + 0.4 * np.cos(turn), 0.5 + 0.4 * np.sin(turn)
    grid[:, a], grid[:, b] = (np.arange(n) % side + 0.5) / side, (np.arange(n) // side + 0.5) / side
    line = np.full((n, 3), 0.5)
    line[:, a] = (np.arange(n) + 0.5) / n
    return {"one point": middle, "circle": circle, "grid": grid, "line": line}


def evolve(value: Callable[[Points], float], start: Points, steps: int, rng: np.random.Generator) -> Points:
    """(1+1) evolution strategy with the one-fifth rule, in the unit box."""
    best, best_value, sigma = start, value(start), 0.15
    for _ in range(steps):
        trial = np.clip(best + rng.normal(0, sigma, best.shape), -0.5, 1.5)
        trial_value = value(trial)
        if trial_value >= best_value:
            best, best_value, sigma = trial, trial_value, min(0.5, sigma * 1.5)
        else:
            sigma = max(0.005, sigma * 0.9)
    return best


Reply = tuple[Points, Sequence[str]]  # unit box


def mean_over(form: Form, world: World, scenes: Sequence[Scene]) -> Callable[[Reply], float]:
    """The mean score of one reply over many scenes of the same categories."""
    scorer = form.scorer()
    refs = [scorer.prepare(world.reference(*scene)) for scene in scenes]
    true = np.array([len(scene[0]) for scene in scenes])

    def mean(blind_reply: Reply) -> float:
        points, names = blind_reply
        batch = scorer.score_batch([reply(names, points * np.array(world.box))] * len(refs), refs)
        return float(np.mean(form.values(batch, np.full(len(refs), len(names)), true)))

    return mean


def best_blind(
    on_train: Callable[[Reply], float], candidates: dict[str, Reply], steps: int, rng: np.random.Generator
) -> tuple[str, Reply]:
    first = max(candidates, key=lambda name: on_train(candidates[name]))
    start, names = candidates[first]
    evolved = evolve(lambda points: on_train((points, names)), start, steps, rng)
    tried = {**candidates, f"evolved from {first}": (evolved, names)}
    best = max(tried, key=lambda name: on_train(tried[name]))
    return best, tried[best]


def blind(form: Form, world: World, size: Size, seed: int) -> tuple[float, str]:
    """Mean held-out score of the best blind reply over lists of categories, and the commonest winner."""
    rng = np.random.default_rng(seed)
    earned, winners = [], []
    for _ in range(size.sets):
        labels = world.labels(rng)
        train, held_out = ([(labels, world.place(labels, rng)) for _ in range(48)] for _ in range(2))
        candidates: dict[str, Reply] = {k: (p, labels) for k, p in layouts(world, len(labels)).items()}
        candidates["mean layout"] = (np.mean([p for _, p in train], axis=0) / np.array(world.box), labels)
        sprayed = [label for label in labels for _ in range(4)]
        candidates["spray of 4 each"] = (rng.uniform(0, 1, (len(sprayed), 3)), sprayed)
        name, best = best_blind(mean_over(form, world, train), candidates, size.steps, rng)
        earned.append(mean_over(form, world, held_out)(best))
        winners.append(name)
    return float(np.mean(earned)), max(sorted(set(winners)), key=winners.count)


HEAD = """# How well the graph score tells good replies from chance

Written by `python benches/discrimination.py --scenes {scenes} --sets {sets} --steps {steps} --seed {seed}`, with the
scoring fingerprints of the last column. Synthetic scenes, one frame each; `graph` is what is measured.

* **rank**: Spearman's correlation of a reply's quality (six levels of noise from none to 40 % of the diagonal, then
  chance) with its score, mean over scenes; 1 is best.
* **gap**: mean score at 10 % noise less the mean of chance (right labels at random places), in pooled standard
  deviations.
* **good**, **chance**: those two means.
* **blind**: what the best reply earns that knows the categories and the reward but never the scene, on scenes that it
  was not tuned on, and which it was.
"""
COLUMNS = ["score", "rank", "gap", "good", "chance", "blind", "the best blind reply", "fingerprint"]


def table(world: World, size: Size, seed: int) -> Iterator[str]:
    yield f"\n## {world.name[0].upper()}{world.name[1:]}\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    rng = np.random.default_rng(seed)
    scenes = [
        (labels, world.place(labels, rng)) for labels in (world.labels(rng) for _ in range(size.scenes))
    ]
    for form in FORMS:
        rank, gap, good, chance = rank_and_gap(form, world, scenes, seed + 1)
        earned, winner = blind(form, world, size, seed + 2)
        numbers = f"{rank:.3f} | {gap:.1f} | {good:.2f} | {chance:.2f} | {earned:.2f}"
        yield f"| {form.name} | {numbers} | {winner} | `{form.scorer().spec.fingerprint[:12]}` |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--sets", type=int, default=6)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("docs/discrimination.md"))
    args = parser.parse_args()
    size = Size(args.scenes, args.sets, args.steps)
    parts = [HEAD.format(**vars(args))]
    for world in WORLDS:
        for line in table(world, size, args.seed):
            print(line, flush=True)
            parts.append(line)
    before = args.out.read_text().split("\n## Reading\n") if args.out.exists() else [""]
    reading = f"\n\n## Reading\n{before[1]}" if len(before) > 1 else "\n"
    args.out.write_text("\n".join(parts) + reading)


if __name__ == "__main__":
    main()
