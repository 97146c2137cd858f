"""Graph text to arrays, clean and cut, against the JSON readers of Python.

Ours gives numpy arrays of labels and centres (`videostr._core.read_graphs`, one call for all texts). Theirs give Python
objects only, without the arrays that scoring needs next: what that costs more is not held against them.
"""

from __future__ import annotations

import json
import statistics
from typing import Any

import jiter
import json_repair
import numpy as np
import orjson

import baseline_best
import corpus
import goals
from measure import interleaved
from videostr import _core
from whole import case, name_of

#: Frames, nodes, prompts (of eight replies).
CORPORA = [(1, (3, 30), 512), (16, (3, 30), 128), (16, (50, 80), 32)]
CLEAN = {"msgspec": baseline_best.DECODE, "orjson": orjson.loads, "json": json.loads}
#: json_repair is timed, and ours beside it, on so many characters of each text.
REPAIRED = 2000


def rows(rounds: int) -> dict[str, dict[str, Any]]:
    cases: dict[str, list[dict[str, Any]]] = {}
    for frames, nodes, prompts in CORPORA:
        made = corpus.make(name_of(frames, nodes), prompts=prompts, frames=frames, nodes=nodes)
        clean, cut = [], []
        for text, fault in zip(made.texts, made.faults, strict=True):
            graph = text[text.index("<graph>") + 7 :]
            if fault == "":
                clean.append(graph[: graph.index("</graph>")])
            elif fault == "cut" and len(graph) > 100:
                cut.append(graph)
        check_arrays(clean)
        for key, reader in CLEAN.items():
            cases.setdefault(key, []).append(_case(made.name, clean, reader, rounds, "</graph>"))
        cases.setdefault("jiter", []).append(_case(made.name, cut, partial, rounds))
        few = [text[:REPAIRED] for text in cut]
        cases.setdefault("json_repair", []).append(_case(made.name, few, json_repair.loads, min(3, rounds)))
    return {key: goals.row(key, of_key) for key, of_key in cases.items()}


def partial(text: str) -> Any:
    return jiter.from_json(text.encode(), partial_mode=True)


def _case(name: str, texts: list[str], reader: Any, rounds: int, end: str = "") -> dict[str, Any]:
    replies = [f"<graph>{text}{end}" for text in texts]
    times = interleaved(
        {
            "theirs": lambda: [reader(text) for text in texts],
            "ours": lambda: _core.read_graphs(replies, corpus.LABELS),
        },
        rounds,
    )
    speed = sum(map(len, texts)) / 1e6 / statistics.median(times["ours"])
    return case(f"{name}, {speed:.0f} MB/s", times, len(texts), "texts")


def check_arrays(texts: list[str]) -> None:
    """The arrays hold what json reads."""
    counts, labels, centers = _core.read_graphs([f"<graph>{text}</graph>" for text in texts], corpus.LABELS)
    frames = [frame["nodes"] for text in texts for frame in json.loads(text)["frames"]]
    places = [node[1] for nodes in frames for node in nodes]
    if counts.tolist() != [len(nodes) for nodes in frames] or not np.array_equal(centers, np.array(places)):
        raise SystemExit("the reader's arrays are not what json reads")
    known = [label < len(corpus.LABELS) for label in labels]
    if not all(known):
        raise SystemExit("a label of the corpus was not known")
