"""How time grows with the nodes, the frames, the batch and the bytes: exponents, a check for cliffs, plots.

A series fails where doubling its size costs more than its own order allows (`Series.order` plus `SLACK`, between
neighbouring sizes). The plots go to benches/plots/, which is not committed.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import corpus
import videostr
from measure import interleaved
from whole import prepared, scorer_of

SLACK = 0.7
PLOTS = Path(__file__).parent / "plots"
PRESETS = ("video-str", "pose-free")
NODES = (3, 4, 8, 16, 32, 64, 128, 256, 512)
FRAMES = (1, 2, 4, 8, 16, 32, 64, 128)
BATCHES = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536)
KIBIBYTES = (1, 2, 4, 8, 16, 32, 64, 128, 250)


@dataclass
class Series:
    """Microseconds of one call, by size."""

    name: str
    axis: str
    order: float
    sizes: list[int] = field(default_factory=list)
    us: list[float] = field(default_factory=list)

    def steepest(self) -> float:
        """The largest exponent between neighbours."""
        return max(self._slopes())

    def fitted(self) -> float:
        """The exponent of the larger half."""
        half = len(self.sizes) // 2
        return float(np.polyfit(np.log(self.sizes[half:]), np.log(self.us[half:]), 1)[0])

    def has_cliff(self) -> bool:
        return self.steepest() > self.order + SLACK

    def _slopes(self) -> Iterator[float]:
        for (a, t), (b, u) in itertools.pairwise(zip(self.sizes, self.us, strict=True)):
            yield math.log(u / t) / math.log(b / a)


def measure(rounds: int) -> list[Series]:
    found = []
    for preset in PRESETS:
        scorer = scorer_of(preset)
        found += [_nodes(scorer, preset, rounds), _frames(scorer, preset, rounds)]
    scorer = scorer_of("video-str")
    found += [_batches(scorer, rounds), _prose(scorer, rounds), _graph(scorer, rounds)]
    return found


def _time(scorer: videostr.Scorer, texts: list[str], refs: Any, rounds: int) -> float:
    works = {"ours": lambda: scorer.score_batch(texts, refs, num_threads=1)}
    return 1e6 * min(interleaved(works, rounds)["ours"])


def _of_shape(scorer: videostr.Scorer, frames: int, nodes: int, rounds: int) -> float:
    """Of one clean reply, the median over four prompts."""
    made = corpus.make("", prompts=4, frames=frames, nodes=(nodes, nodes))
    refs = prepared(scorer, made)
    clean = [i for i, fault in enumerate(made.faults) if fault == ""]
    return _time(scorer, [made.texts[i] for i in clean], [refs[i] for i in clean], rounds) / len(clean)


def _nodes(scorer: videostr.Scorer, preset: str, rounds: int) -> Series:
    """Nodes of one frame; 30 labels, so that pairs of one label grow as the square too."""
    series = Series(f"{preset}, one frame", "nodes", 2.0)
    for n in NODES:
        series.sizes.append(n)
        series.us.append(_of_shape(scorer, 1, n, rounds))
    return series


def _frames(scorer: videostr.Scorer, preset: str, rounds: int) -> Series:
    series = Series(f"{preset}, 8 nodes a frame", "frames", 1.0)
    for k in FRAMES:
        series.sizes.append(k)
        series.us.append(_of_shape(scorer, k, 8, rounds))
    return series


def _batches(scorer: videostr.Scorer, rounds: int) -> Series:
    series = Series("video-str, batch", "replies", 1.0)
    made = corpus.make("", prompts=512, frames=1, nodes=(3, 30))
    refs = prepared(scorer, made)
    for size in BATCHES:
        copies = -(-size // len(made.texts))
        texts, of_texts = (made.texts * copies)[:size], (refs * copies)[:size]
        series.sizes.append(size)
        series.us.append(_time(scorer, texts, of_texts, min(rounds, 3)))
    return series


def _prose(scorer: videostr.Scorer, rounds: int) -> Series:
    series = Series("video-str, bytes of prose", "bytes", 1.0)
    made = corpus.make("", prompts=1, frames=1, nodes=(8, 8))
    reference = scorer.prepare(made.references[0])
    for size in KIBIBYTES:
        prose = (corpus.SENTENCES * (1024 * size // len(corpus.SENTENCES) + 1))[: 1024 * size]
        series.sizes.append(1024 * size)
        text = f"<think>{prose}</think><answer>B</answer>"
        series.us.append(_time(scorer, [text] * 8, reference, rounds) / 8)
    return series


def _graph(scorer: videostr.Scorer, rounds: int) -> Series:
    """Bytes of a graph of up to 128 frames x 70 nodes, against a reference of one frame."""
    series = Series("video-str, bytes of graph", "bytes", 1.0)
    rng = np.random.default_rng(0)
    made = corpus.make("", prompts=1, frames=1, nodes=(8, 8))
    reference = scorer.prepare(made.references[0])
    for size in KIBIBYTES:
        frames: list[dict[str, Any]] = []
        written = 0
        while written < 1024 * size - 60:
            nodes = []
            while len(nodes) < 70 and written < 1024 * size - 60:
                label = corpus.LABELS[len(nodes) % len(corpus.LABELS)]
                nodes.append([f"{label}.{len(nodes)}", rng.uniform(0, 6, 3).round(2).tolist()])
                written += len(json.dumps(nodes[-1])) + 2
            frames.append({"t": len(frames), "nodes": nodes})
            written += 26
        text = f"<think><graph>{json.dumps({'frames': frames})}</graph></think><answer>B</answer>"
        series.sizes.append(len(text))
        series.us.append(_time(scorer, [text] * 2, reference, rounds) / 2)
    return series


def plot(found: list[Series]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    PLOTS.mkdir(exist_ok=True)
    for axis in dict.fromkeys(series.axis for series in found):
        figure, axes = pyplot.subplots(figsize=(6, 4))
        for series in found:
            if series.axis == axis:
                axes.loglog(
                    series.sizes, series.us, "o-", label=f"{series.name}: exponent {series.fitted():.2f}"
                )
        axes.set_xlabel(axis)
        axes.set_ylabel("microseconds of CPU")
        axes.grid(alpha=0.3)
        axes.legend()
        figure.tight_layout()
        figure.savefig(PLOTS / f"growth_{axis}.png", dpi=120)
        pyplot.close(figure)
