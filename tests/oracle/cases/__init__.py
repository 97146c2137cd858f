"""Seeded cases for comparing scorers: (spec, reference, text, tokens[, group]), made without any scorer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from .answers import make_answer, write_answer
from .envelopes import wrap
from .render import write_graph
from .replies import make_reply
from .scenes import make_scene
from .specs import fit_to_reference, make_spec

Case = dict[str, Any]


def cases(n: int, seed: int) -> Iterator[Case]:
    """The first n cases of a seed; case i of a seed is the same whatever n is."""
    return (case(seed, index) for index in range(n))


def case(seed: int, index: int) -> Case:
    rng = random.Random(f"{seed}:{index}")
    spec = make_spec(rng)
    reference: dict[str, Any] = {"version": 1}
    if rng.random() < 0.94:
        reference["graph"] = make_scene(rng)
    if "graph" not in reference or rng.random() < 0.85:
        reference["answer"] = make_answer(rng)
    fit_to_reference(rng, spec, reference)
    made: Case = {
        "seed": seed,
        "index": index,
        "spec": spec,
        "reference": reference,
        "text": make_text(rng, spec, reference),
        "tokens": rng.choice((None, None, 100, 319, 320, 400, 400, 512, 513)),
    }
    if rng.random() < 0.08:
        made["group"] = [make_text(rng, spec, reference) for _ in range(rng.randint(1, 3))]
    return made


def make_text(rng: random.Random, spec: dict[str, Any], reference: dict[str, Any]) -> str:
    graph = None
    if "graph" in reference and rng.random() < 0.97:
        reply = make_reply(rng, spec, reference["graph"])
        has_caps = any(field.startswith("max_") and field != "max_starts" for field in spec)
        graph = write_graph(rng, reply, reference["graph"], clean=has_caps)
    answer = write_answer(rng, spec, reference.get("answer"))
    return wrap(rng, graph, answer, bool(spec.get("think_prefilled", False)))
