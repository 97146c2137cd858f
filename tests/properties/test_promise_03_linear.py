"""Promise 3: time is linear in the bytes of the reply for a fixed reference.

Each family of replies is scored at 16 KiB and at sixteen times as much. Linear work costs sixteen times as
much, quadratic work 256 times; the check allows 64, so that a busy machine does not fail it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from videostr import Reference
from videostr.testing import Scene, lone_object, random_scene, table_with_chairs

from .harness import Scores, in_new_process, scorer

pytestmark = pytest.mark.alone
SMALL = 16 * 1024
FACTOR = 16
ALLOWED = 4.0
FLOOR = 2e-4
"""Seconds under which a small reply's time is noise."""


def _graph(unit: str, head: str = "", tail: str = "") -> Callable[[int], str]:
    return lambda size: (
        f"<think><graph>{head}{unit * (size // len(unit))}{tail}</graph></think><answer>B</answer>"
    )


def _frames_full(node: str) -> Callable[[int], str]:
    """Frames of 500 nodes, as many as fit; `{k}` in `node` is the node's number in its frame."""

    def text(size: int) -> str:
        frame = ",".join(f'["{node.format(k=k)}",[{k % 97},{k % 89},1]]' for k in range(500))
        frames = max(1, size // (len(frame) + 24))
        body = ",".join(f'{{"t":{t},"nodes":[{frame}]}}' for t in range(frames))
        return f'<think><graph>{{"frames":[{body}]}}</graph></think><answer>B</answer>'

    return text


_TWO = '[["chair.1",[1,2,3]],["table.1",[2,3,4]]]'

FAMILIES: dict[str, Callable[[int], str]] = {
    "prose": lambda size: "<think>" + "I see a chair. " * (size // 15) + "</think><answer>B</answer>",
    "blanks after an open answer": lambda size: "<think></think><answer>" + " " * size,
    "opening tags": lambda size: "<think>" * (size // 7),
    "closing tags": lambda size: "</think></answer></graph>" * (size // 25),
    "answers": lambda size: "<think></think>" + "<answer>B</answer>" * (size // 18),
    "half tags": lambda size: "<answe<thin<grap" * (size // 16),
    "graph openings": lambda size: "<think>" + "<graph>[" * (size // 8),
    "brackets": _graph("["),
    "braces": _graph('{"a":'),
    "quotes": _graph('"'),
    "escapes": _graph("\\", head='["'),
    "single quotes": _graph("'a',", head="["),
    "comments": _graph("/*", head="["),
    "line comments": _graph("# x\n", head="["),
    "missing commas": _graph('["chair.1",[1 2 3]] ', head="["),
    "trailing commas": _graph("[1,],", head="[", tail="]"),
    "repeated keys": _graph('"nodes":[],', head="{", tail='"t":0}'),
    "one node again": _frames_full("chair.1"),
    "bare nodes": _frames_full("chair"),
    "numbered nodes": _frames_full("chair.{k}"),
    "bare cars": _frames_full("car"),
    "nodes of many labels": _frames_full("thing{k}x"),
    "too many nodes": _graph('["chair",[1,2,3]],', head="[", tail='["chair",[1,2,3]]]'),
    "digits": _graph("9", head='[["chair.1",['),
    "minus signs": _graph("-", head='[["chair.1",['),
    "void lines": _graph("what is this\n"),
    "node lines": _graph("chair.1 1 2 3\n", head="@0\n"),
    "frame lines": _graph("@1\n"),
    "edge lines": _graph("chair.1 - table.1 1.5\n", head="chair.1 1 2 3\ntable.1 2 3 4\n"),
    "edges": _graph('["chair.1","table.1",1],', head=f'{{"nodes":{_TWO},"edges":[', tail="[]]}"),
    "dashes": _graph(" - ", head="@0\n"),
    "one long word": _graph("a"),
    "commas in an answer": lambda size: "<think></think><answer>" + "1," * (size // 2) + "</answer>",
}  # fmt: skip

REFERENCES: dict[str, Scene] = {
    "table": table_with_chairs(),
    "clip": lone_object(6),
    "room": random_scene(np.random.default_rng(5), nodes=12, labelling="mixed"),
}


def seconds(scorer: Scores, text: str, ref: Reference, repeats: int = 3) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        scorer.score(text, ref)
        best = min(best, time.perf_counter() - start)
    return best


def check(scorer: Scores, family: str, ref: Reference, size: int = SMALL) -> None:
    small, large = FAMILIES[family](size), FAMILIES[family](size * FACTOR - 256)
    for attempt in range(3):
        before, after = seconds(scorer, small, ref), seconds(scorer, large, ref)
        if after <= ALLOWED * FACTOR * max(before, FLOOR):
            return
        time.sleep(0.05 * attempt)
    raise AssertionError(
        f"{family}: {before * 1e3:.2f} ms for {len(small)}, {after * 1e3:.2f} ms for {len(large)}"
    )


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("family", FAMILIES)
def test_linear(family: str, reference: str) -> None:
    real = scorer()
    check(real, family, real.prepare(REFERENCES[reference].reference()))


_MEMORY = """
import resource, sys
from properties.test_promise_03_linear import FACTOR, FAMILIES, REFERENCES, SMALL
from properties.harness import scorer
real = scorer()
ref = real.prepare(REFERENCES["room"].reference())
texts = [make(SMALL * FACTOR - 256) for make in FAMILIES.values()]
real.score(texts[0], ref)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for text in texts:
    real.score(text, ref)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_small() -> None:
    """No 256 KiB reply takes more than 64 bytes of memory for each of its own."""
    more = int(in_new_process(_MEMORY))
    assert more <= 64 * 256, f"{more} KiB more"


class _Backtracking:
    """A scorer that looks for its answer with the regular expression that one rival uses."""

    def __init__(self) -> None:
        self.real = scorer()

    def prepare(self, ground_truth: Any) -> Reference:
        return self.real.prepare(ground_truth)

    def score(self, text: str, ref: Reference, tokens: int | None = None) -> Mapping[str, float]:
        re.search(r"<answer>\s*\s*</answer>", text)
        return self.real.score(text, ref, tokens=tokens)

    def score_batch(self, texts: Any, refs: Any, **options: Any) -> Any:
        raise NotImplementedError


def test_can_fail() -> None:
    slow = _Backtracking()
    with pytest.raises(AssertionError):
        check(slow, "blanks after an open answer", slow.prepare(table_with_chairs().reference()), size=1024)
