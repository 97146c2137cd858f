"""How many there are."""

from __future__ import annotations

import numpy as np

from videostr.data.questions.base import Answer, Dropped, Kind, Question, Sight, pick
from videostr.data.questions.options import count_options


def counting(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """Different objects of one name that are seen in the clip; each clearly, or not at all."""
    things = sight.facts.things
    names = sorted({name for thing in things for name in (thing.label, *thing.groups)})
    if not names:
        return Dropped("counting", "nothing_there")
    name = names[pick(rng, len(names))]
    members = [index for index, thing in enumerate(things) if name in (thing.label, *thing.groups)]
    clear = [index for index in members if sight.clear[index].any()]
    if any(sight.glimpsed[index].any() for index in members if index not in clear):
        return Dropped("counting", "barely_seen")
    if len(clear) < sight.filters.count_least:
        return Dropped("counting", "too_few")
    text = f"How many different {name}(s) are seen in the clip?"
    if kind == "number":
        return Question("counting", "static", text, Answer("number", len(clear)))
    return Question(
        "counting", "static", text, Answer("choice", str(len(clear)), wrong=count_options(len(clear), rng))
    )
