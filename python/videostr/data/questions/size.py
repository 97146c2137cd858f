"""How large a thing is."""

from __future__ import annotations

import numpy as np

from videostr.data.questions.base import Dropped, Kind, Question, Sight, pick
from videostr.data.questions.options import number_answer


def size(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """The longest dimension of an object that is seen whole at least once, in centimetres."""
    whole = sight.filters.box_inside
    found = [
        index
        for index in sight.unique
        if sight.thing(index).size is not None
        and (sight.clear[index] & (np.nan_to_num(sight.thing(index).inside) >= whole)).any()
    ]
    if not found:
        return Dropped("size", "not_seen_whole")
    thing = sight.thing(found[pick(rng, len(found))])
    assert thing.size is not None
    answer = number_answer(
        "size",
        100.0 * max(thing.size),
        "cm",
        kind,
        filters=sight.filters,
        rng=rng,
        decimals=0,
        factors=sight.filters.option_size_range,
    )
    if isinstance(answer, Dropped):
        return answer
    text = (
        f"What is the length of the longest dimension (length, width, or height) of the {thing.label}, "
        "in centimetres?"
    )
    return Question("size", "static", text, answer)
