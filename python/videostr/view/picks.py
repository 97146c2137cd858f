"""Which rollouts of a run are shown: the best, the worst, the oddest, and some of steps all along."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from videostr.view.lines import Line, Place

#: Rollouts of each kind.
EACH = 4
#: Steps of which some rollouts are shown, evenly spread over the run.
SAMPLED_STEPS = 12
#: The worst are of this last share of the steps: early ones are all bad.
LAST_SHARE = 0.1
#: From here on an answer is right, up to here it is wrong; a graph of this much is right.
RIGHT_ANSWER, WRONG_ANSWER, RIGHT_GRAPH = 0.99, 0.01, 0.5
#: Runs of this many words are looked for again in one reply; from this share on it repeats itself.
WORDS, REPEATS = 5, 0.3
#: Words that are looked at.
MOST_WORDS = 2000

KINDS = {
    "best": "the highest scores of the run",
    "worst": "the lowest scores of the last tenth of the steps",
    "answer right, graph wrong": f"answer at least {RIGHT_ANSWER:g}, graph under {RIGHT_GRAPH:g}: lowest graph",
    "graph right, answer wrong": (
        f"graph at least {RIGHT_GRAPH:g}, answer at most {WRONG_ANSWER:g}: highest graph"
    ),
    "most repairs": "most kinds of faults that the reader mended",
    "longest": "most tokens, or characters where tokens are not known",
    "repeats itself": f"over {REPEATS:.0%} of its runs of {WORDS} words came before in the same reply",
    "along the run": f"best, middle and worst of {SAMPLED_STEPS} steps, evenly spread",
}
ALONG = "along the run"


@dataclasses.dataclass
class Pick:
    """A rollout that is shown.

    Attributes:
        why: The kinds that it was chosen for.
        group_scores: Of the replies to its prompt, in their order; its own score alone without a group.
        rank: Its place among them by score, from 1.
    """

    place: Place
    step: int
    task: str
    score: float
    group: str | None
    why: list[str]
    group_scores: Sequence[float] = ()
    rank: int = 1


@dataclasses.dataclass(frozen=True)
class _Seen:
    """What is kept of a rollout until it is chosen."""

    place: Place
    step: int
    task: str
    score: float
    group: str | None
    group_scores: Sequence[float]

    def pick(self, why: list[str]) -> Pick:
        rank = 1 + sum(score > self.score for score in self.group_scores)
        return Pick(self.place, self.step, self.task, self.score, self.group, why, self.group_scores, rank)


class _Top:
    """The few largest by a key, one of a group."""

    def __init__(self) -> None:
        self._best: dict[tuple[Any, ...], tuple[tuple[float, ...], int, _Seen]] = {}

    def offer(self, key: tuple[float, ...], number: int, seen: _Seen) -> None:
        group = (seen.place.path, seen.group) if seen.group is not None else (seen.place.path, number, None)
        entry = (key, -number, seen)
        held = self._best.get(group)
        if held is not None and held[:2] >= entry[:2]:
            return
        self._best[group] = entry
        if len(self._best) > EACH:
            del self._best[min(self._best, key=lambda name: self._best[name][:2])]

    def seen(self) -> list[_Seen]:
        return [entry[2] for entry in heapq.nlargest(EACH, self._best.values(), key=lambda each: each[:2])]


class Chooser:
    """Looks at every rollout of a run once and keeps the few that are shown.

    Args:
        steps: Numbers of all steps, in order.

    Example:
        >>> from videostr.view.picks import Chooser
        >>> Chooser([1, 2, 3]).picks()
        []
    """

    def __init__(self, steps: Sequence[int]) -> None:
        self._steps = steps
        last = max(1, math.ceil(len(steps) * LAST_SHARE))
        self._last = range(len(steps) - last, len(steps))
        spread = np.linspace(0, len(steps) - 1, min(SAMPLED_STEPS, len(steps))).round() if steps else ()
        self._sampled = {int(position) for position in spread}
        self._tops = {kind: _Top() for kind in KINDS if kind != ALONG}
        self._along: list[_Seen] = []
        self._number = 0

    def add_shard(self, position: int, lines: Iterable[Line]) -> None:
        """Looks at the replies of a step, by its place among the steps; replies of one group stand together."""
        in_step: list[_Seen] = []
        for run in _groups(lines):
            scores = [line.score for line in run]
            for line in run:
                seen = _Seen(line.place, self._steps[position], line.task, line.score, line.group, scores)
                self._offer(line, seen, in_last=position in self._last)
                if position in self._sampled:
                    in_step.append(seen)
        if in_step:
            order = sorted(in_step, key=lambda seen: (-seen.score, seen.place.number))
            places = dict.fromkeys((0, len(order) // 2, len(order) - 1))
            self._along += [order[place] for place in places]

    def _offer(self, line: Line, seen: _Seen, *, in_last: bool) -> None:
        self._number += 1
        answer, graph = line.component("answer"), line.component("graph")
        keys: dict[str, tuple[float, ...]] = {
            "best": (seen.score, seen.step),
            "longest": (line.tokens if line.tokens is not None else len(line.text),),
        }
        if in_last:
            keys["worst"] = (-seen.score,)
        if answer >= RIGHT_ANSWER and graph < RIGHT_GRAPH:
            keys["answer right, graph wrong"] = (-graph, seen.step)
        if answer <= WRONG_ANSWER and graph >= RIGHT_GRAPH:
            keys["graph right, answer wrong"] = (graph, seen.step)
        if line.repairs:
            keys["most repairs"] = (len(line.repairs), seen.step)
        if (share := repeated_share(line.text)) > REPEATS:
            keys["repeats itself"] = (share, len(line.text))
        for kind, key in keys.items():
            self._tops[kind].offer(key, self._number, seen)

    def picks(self) -> list[Pick]:
        """What is shown, those of a kind next to each other; a rollout of several kinds comes once."""
        found: dict[tuple[Any, int], Pick] = {}
        chosen = [(kind, seen) for kind, top in self._tops.items() for seen in top.seen()]
        for kind, seen in [*chosen, *((ALONG, seen) for seen in self._along)]:
            key = (seen.place.path, seen.place.number)
            if key in found:
                found[key].why.append(kind)
            else:
                found[key] = seen.pick([kind])
        return list(found.values())


def _groups(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Adjacent replies of one group; a reply without a group is alone."""
    for _, run in itertools.groupby(
        enumerate(lines), lambda each: each[0] if each[1].group is None else each[1].group
    ):
        yield [line for _, line in run]


def repeated_share(text: str) -> float:
    """The share of a reply's runs of five words (of its first 2,000) that came before in it, 0..1.

    >>> repeated_share("one two three four five six"), repeated_share("a b c d e " * 100) > 0.9
    (0.0, True)
    """
    words = text.split(None, MOST_WORDS)[:MOST_WORDS]
    runs = len(words) - WORDS + 1
    if runs < 2 * WORDS:
        return 0.0
    distinct = len(set(zip(*(words[shift:] for shift in range(WORDS)), strict=False)))
    return 1.0 - distinct / runs
