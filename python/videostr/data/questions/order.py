"""In which order things come into view."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from videostr.data.questions.base import Answer, Dropped, Kind, Question, Sight

TASK = "appearance_order"
WRONG = 3


def appearance_order(sight: Sight, rng: np.random.Generator, _kind: Kind) -> Question | Dropped:
    """Order of the first clear views, which a first glimpse must not contradict."""
    times = sight.facts.times
    firsts = {
        index: (float(times[sight.clear[index].argmax()]), float(times[sight.glimpsed[index].argmax()]))
        for index in sight.unique
        if sight.clear[index].any()
    }
    chosen: list[int] = []
    for place in rng.permutation(len(firsts)):
        index = list(firsts)[int(place)]
        if len(chosen) < sight.filters.choices and all(
            abs(firsts[index][0] - firsts[other][0]) > sight.filters.order_gap for other in chosen
        ):
            chosen.append(index)
    if len(chosen) < 2:
        return Dropped(TASK, "order_gap")
    order = sorted(chosen, key=lambda index: firsts[index][0])
    if any(firsts[a][1] >= firsts[b][1] for a, b in pairwise(order)):
        return Dropped(TASK, "glimpsed_before")
    names = [sight.thing(index).label for index in chosen]
    right = ", ".join(sight.thing(index).label for index in order)
    wrong: list[str] = []
    for _ in range(8 * WRONG):
        shuffled = ", ".join(names[int(place)] for place in rng.permutation(len(names)))
        if shuffled not in (right, *wrong) and len(wrong) < WRONG:
            wrong.append(shuffled)
    text = f"In which order do these objects first appear in the clip: {', '.join(names)}?"
    return Question(TASK, "spatio-temporal", text, Answer("choice", right, wrong=tuple(wrong)))
