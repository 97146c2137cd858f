"""Rollout lines for tests: healthy ones, and each fault that an alarm counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from videostr import Scorer
from videostr.report import BatchReport
from videostr.rollouts import Rollout
from videostr.testing import Scene, jitter, random_scene, reply

Line = dict[str, Any]
NODES = 5


def scene(seed: int) -> Scene:
    """Five objects of a world whose up is known, and a question whose answer is B."""
    return random_scene(np.random.default_rng([seed, 1]), nodes=NODES, up=(0.0, 0.0, 1.0))


def prose(rng: np.random.Generator) -> str:
    """Thirty words that no other reply has in this order."""
    return " ".join(f"w{word}" for word in rng.integers(0, 10_000, 30))


def good_text(seed: int, about: Scene, *, answer: str = "B") -> str:
    """A reply with small mistakes, in its own words."""
    rng = np.random.default_rng([seed, 2])
    return reply(jitter(rng, about.frames, 0.03 * about.diameter), answer, prose=prose(rng))


def line(text: str, about: Scene, **fields: Any) -> Line:
    return {"text": text, "ground_truth": about.reference(), **fields}


def healthy(
    groups: int = 8, size: int = 4, *, first: int = 0, tokens: int | None = 400, **fields: Any
) -> list[Line]:
    """Groups of replies, three of four right, which ring no alarm."""
    lines = []
    for group in range(first, first + groups):
        about = scene(group)
        for k in range(size):
            text = good_text(1000 * group + k, about, answer="A" if k % 4 == 3 else "B")
            lines.append(line(text, about, tokens=tokens, group=f"g{group}", **fields))
    return lines


def rollouts(lines: Iterable[Line], scorer: Scorer, *, file: str = "1.jsonl") -> list[Rollout]:
    """The lines as the commands read them from a file of this name."""
    return [
        Rollout(
            row=row,
            end=row,
            crc32=0,
            text=each["text"],
            reference=scorer.prepare(each["ground_truth"]),
            tokens=each.get("tokens"),
            group=each.get("group"),
            path=Path(file),
            line=row + 1,
            fields={key: value for key, value in each.items() if key not in ("text", "ground_truth")},
        )
        for row, each in enumerate(lines)
    ]


def scores(lines: Sequence[Line], scorer: Scorer) -> BatchReport:
    return scorer.score_batch(
        [each["text"] for each in lines],
        [each["ground_truth"] for each in lines],
        tokens=[each.get("tokens") for each in lines],
        group_ids=[each.get("group") for each in lines],
    )


def write(path: Path, lines: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines))
    return path
