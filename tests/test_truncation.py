"""Golden replies cut at every byte: no error, a finite total, and every node written before the cut."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
import pytest

import videostr
from case_files import Case, golden, ident, scorer_of

Written = tuple[int, str, int | None, tuple[float, ...]]

OPEN, CLOSE = b"<graph>", b"</graph>"
NODE_LIST = rb'\[\s*"[^"]*"\s*,\s*\[[^\[\]"]*\]\s*\]'
NODE_OBJECT = rb'\{[^{}]*"(?:center|pos|position)"\s*:\s*\[[^\[\]]*\][^{}]*\}'
NODE_ENDS = re.compile(NODE_LIST + rb"|" + NODE_OBJECT)
PLACE_ENDS = re.compile(rb"\[[-+0-9.eE,\s]+\]")
# Until the value of its key "nodes" or "frames" begins, an object that begins with another key is a category map: cut
# there it keeps none of the nodes of its frame. Behind it every cut counts.
MAP_UNTIL = re.compile(rb'<graph>\s*\{\s*"(?!nodes"|frames")[^<]*?"(?:nodes|frames)"\s*:\s*\S')
CLEAN = [
    case
    for case in golden()
    if case["graph_status"] == "ok" and not case["repairs"] and case["text"].count("<graph>") == 1
]


def cuts(text: str) -> Iterator[str]:
    """Every prefix in bytes; of a character cut in two its bytes stay, as lone surrogates."""
    data = text.encode("utf-8", "surrogatepass")
    for end in range(len(data) + 1):
        yield data[:end].decode("utf-8", "surrogateescape")


def written(text: str, think_prefilled: bool) -> list[Written]:
    graph = videostr.parse(text, think_prefilled=think_prefilled).graph
    return [
        (index, node.label, node.suffix, node.center)
        for index, frame in enumerate(graph.frames)
        for node in frame.nodes
    ]


def node_ends(data: bytes) -> list[int]:
    """Where each node of a clean graph ends, found in another way than the reader's."""
    start = data.index(OPEN) + len(OPEN)
    block = data[start : data.index(CLOSE, start)]
    if block.lstrip()[:1] in (b"{", b"["):
        is_map = b'"nodes"' not in block and block.lstrip()[:1] == b"{"
        pattern = PLACE_ENDS if is_map else NODE_ENDS
        return [start + match.end() for match in pattern.finditer(block)]
    ends = []
    at = start
    for line in block.splitlines(keepends=True):
        at += len(line)
        if not line.strip() or line.lstrip().startswith(b"@") or re.search(rb"\S - ", line):
            continue
        whole = line.endswith(b"\n")
        ends.append(at if whole else start + len(block) + len(CLOSE))
    return ends


@pytest.mark.parametrize("case", golden(), ids=ident)
def test_cut_anywhere_scores(case: Case) -> None:
    scorer = scorer_of(case)
    ref = scorer.prepare(case["reference"])
    texts = list(cuts(case["text"]))
    batch = scorer.score_batch(texts, ref, [case["tokens"]] * len(texts))
    assert np.isfinite(batch.total).all()
    columns = [index for index, name in enumerate(videostr.COMPONENTS) if name != "total"]
    values = batch.components[:, columns]
    assert (np.isnan(values) | ((values >= 0) & (values <= 1))).all()
    assert not (batch.repairs & (1 << videostr.REPAIRS.index("internal"))).any()
    fixed = [index for index, name in enumerate(videostr.COMPONENTS) if name != "consistency"]
    defined = ~np.isnan(batch.components[:, fixed])
    assert (defined == defined[-1]).all(), "a cut changed what the reference defines"


@pytest.mark.parametrize("case", CLEAN, ids=ident)
def test_cut_keeps_the_nodes_before_it(case: Case) -> None:
    prefilled = bool(case["spec"].get("think_prefilled", False))
    data = case["text"].encode("utf-8", "surrogatepass")
    nodes = written(case["text"], prefilled)
    ends = node_ends(data)
    assert len(ends) == len(nodes), "this test does not know the form of the graph"
    as_map = MAP_UNTIL.search(data)
    for end, text in enumerate(cuts(case["text"])):
        if as_map and as_map.start() + len(OPEN) < end < as_map.end():
            assert not set(written(text, prefilled)) & set(nodes)
            continue
        kept = sum(1 for node_end in ends if node_end <= end)
        assert written(text, prefilled) == nodes[:kept], f"cut at byte {end}: {text!r}"


def test_there_is_enough_to_cut() -> None:
    assert len(CLEAN) >= 300
    assert sum(len(case["text"]) for case in CLEAN) >= 30_000
    assert all(math.isfinite(case["components"]["total"]) for case in CLEAN)
