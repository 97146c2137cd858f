"""What the Python border costs a reply: `score_batch` less the same scoring by the Rust bench over the same file.

The Rust bench (rust/core/benches/corpus.rs) reads the corpus as JSON lines and prints the seconds of its rounds. Both
take turns, as the machine's speed drifts, and the least round of each counts: what else the machine does only adds to
a round. Short replies show the border best: it is the same for long ones, and what it is subtracted from is small.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import corpus
import goals
import videostr
from measure import cpu_seconds
from whole import name_of, prepared, scorer_of

TURNS = 5
ROUNDS_OF_A_TURN = 10  # times `rounds`
RUST = ["cargo", "bench", "--quiet", "--locked", "-p", "videostr-core", "--bench", "corpus", "--"]


def write(made: corpus.Corpus, path: Path) -> None:
    with path.open("w") as file:
        for p, reference in enumerate(made.references):
            texts = [text for text, of in zip(made.texts, made.prompt, strict=True) if of == p]
            file.write(json.dumps({"reference": json.dumps(reference), "texts": texts}) + "\n")


def rust_seconds(path: Path, preset: str, rounds: int) -> list[float]:
    ran = subprocess.run(
        [*RUST, str(path), preset, str(rounds)], stdout=subprocess.PIPE, text=True, check=True
    )
    return [float(line) for line in ran.stdout.split()]


def python_seconds(
    scorer: videostr.Scorer, made: corpus.Corpus, refs: list[videostr.Reference], rounds: int
) -> list[float]:
    scorer.score_batch(made.texts, refs, num_threads=1)
    return [cpu_seconds(lambda: scorer.score_batch(made.texts, refs, num_threads=1)) for _ in range(rounds)]


def short(prompts: int) -> corpus.Corpus:
    made = corpus.make("replies without a graph", prompts=prompts, frames=1, nodes=(3, 30))
    texts = ["<think>so</think><answer>B</answer>"] * len(made.texts)
    return corpus.Corpus(made.name, made.references, texts, made.prompt, [""] * len(texts))


def row(rounds: int) -> dict[str, Any]:
    """The case of the short replies counts; the others are printed beside it."""
    scorer = scorer_of("video-str")
    long = corpus.make(name_of(1, (3, 30)), prompts=64, frames=1, nodes=(3, 30))
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        for made in (short(512), long):
            path = Path(folder) / "corpus.jsonl"
            write(made, path)
            refs = prepared(scorer, made)
            rust, python = [], []
            for _ in range(TURNS):
                rust += rust_seconds(path, "video-str", ROUNDS_OF_A_TURN * rounds)
                python += python_seconds(scorer, made, refs, ROUNDS_OF_A_TURN * rounds)
            of_python, of_rust = (1e6 * min(times) / len(made.texts) for times in (python, rust))
            cases.append(
                {"name": made.name, "value": of_python - of_rust, "python_us": of_python, "rust_us": of_rust}
            )
    return goals.row("border", cases[:1], beside=cases[1:])
