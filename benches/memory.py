"""Memory that scoring a batch takes above its inputs, in a process of its own (`python benches/memory.py`)."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import corpus
import goals
import videostr

BATCHES = (4096, 16384, 65536)
REPEATS = 50


def kilobytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def measure() -> dict[str, Any]:
    """Peaks of growing batches, each above what was resident before it, and growth over repeated batches."""
    made = corpus.make("16 prompts", prompts=16, frames=1, nodes=(3, 30))
    scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free"))
    prepared = [scorer.prepare(reference) for reference in made.references]
    refs = [prepared[p] for p in made.prompt]
    scorer.score_batch(made.texts, refs, num_threads=1)  # one worker's memory is there before
    peaks = []
    for size in BATCHES:
        copies = size // len(made.texts)
        texts, of_texts = made.texts * copies, refs * copies
        gc.collect()
        reset_peak()
        before = kilobytes("VmRSS")
        scorer.score_batch(texts, of_texts, num_threads=1)
        peaks.append({"replies": size, "kb_a_reply": (kilobytes("VmHWM") - before) / size})
    resident = []
    for _ in range(REPEATS):
        scorer.score_batch(made.texts * 32, refs * 32, num_threads=1)
        resident.append(kilobytes("VmRSS"))
    half = REPEATS // 2
    return {"peaks": peaks, "growth_kb": max(resident[half:]) - max(resident[:half]), "batches": REPEATS}


def row() -> dict[str, Any]:
    ran = subprocess.run([sys.executable, __file__], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ran.stdout)
    cases = [{"name": f"batch of {peak['replies']}", "value": peak["kb_a_reply"]} for peak in found["peaks"]]
    return goals.row("memory", cases, growth_kb=found["growth_kb"], batches=found["batches"])


if __name__ == "__main__":
    print(json.dumps(measure()))
