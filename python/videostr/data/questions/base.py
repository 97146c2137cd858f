"""What a question is, and what an asker sees of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from videostr.data.facts import Bools, Eye, Facts, Thing
from videostr.data.questions.filters import Filters

Kind = Literal["choice", "number", "box2d", "interval", "text"]
Ability = Literal["static", "dynamic", "spatio-temporal"]


@dataclass(frozen=True)
class Answer:
    """The answer of a question as a reference holds it; of a choice the options still lack their letters.

    Attributes:
        kind: Kind of answer.
        value: Of a choice the right option.
        wrong: Of a choice the other options.
        fields: What else the reference says, such as the unit.
    """

    kind: Kind
    value: Any
    wrong: tuple[str, ...] = ()
    fields: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Question:
    """A question that has one answer."""

    task: str
    ability: Ability
    text: str
    answer: Answer


@dataclass(frozen=True)
class Dropped:
    """A question that was not asked, and why."""

    task: str
    reason: str


class Sight:
    """A clip as askers see it.

    Args:
        facts: The clip.
        filters: When questions are dropped.
        anywhere: Ask only what does not depend on where the camera stands or how it is held.
    """

    def __init__(self, facts: Facts, filters: Filters, *, anywhere: bool = False) -> None:
        self.facts = facts
        self.filters = filters
        self.anywhere = anywhere

    @property
    def eye(self) -> Eye | None:
        """The camera, where questions may look from it."""
        return None if self.anywhere else self.facts.eye

    @cached_property
    def clear(self) -> Bools:
        """Which objects are clearly seen in which frame, (N, T)."""
        seen: Bools = np.array(
            [
                (thing.pixels >= self.filters.seen_pixels) & (thing.share >= self.filters.seen_share)
                for thing in self.facts.things
            ]
        )
        return seen.reshape(len(self.facts.things), len(self.facts.times))

    @cached_property
    def glimpsed(self) -> Bools:
        """Which objects show at all in which frame, (N, T)."""
        seen: Bools = np.array([thing.pixels > 0 for thing in self.facts.things])
        return seen.reshape(self.clear.shape)

    @cached_property
    def unique(self) -> list[int]:
        """Objects that are the only ones of their category."""
        counts = self.facts.label_counts
        return [index for index, thing in enumerate(self.facts.things) if counts[thing.label] == 1]

    def thing(self, index: int) -> Thing:
        """The object of that index."""
        return self.facts.things[index]

    def company(self, rng: np.random.Generator, least: int) -> tuple[str, int, list[int]] | None:
        """A moment and the unique objects that stand still or are clearly seen at it; None where there is none.

        Returns the words for the moment (none when all of them stand still through the clip), its frame, and the
        objects in random order, at least `least`.
        """
        still = [index for index in self.unique if not self.thing(index).moves and self.clear[index].any()]
        moments = []
        for frame, time in enumerate(self.facts.times):
            found = [index for index in self.unique if self.clear[index, frame]]
            if len(found) >= least:
                moments.append((f"At {time:g} s, ", frame, found))
        if len(still) >= least and (not moments or rng.random() < 0.5):
            chosen = ("", int(np.flatnonzero(self.clear[still].any(axis=0))[0]), still)
        elif moments:
            chosen = moments[int(rng.integers(len(moments)))]
        else:
            return None
        words, frame, found = chosen
        return words, frame, [found[int(place)] for place in rng.permutation(len(found))]

    def span(self, index: int, rng: np.random.Generator) -> tuple[int, int] | None:
        """Two frames, long enough apart, in both of which an object is clearly seen."""
        frames = np.flatnonzero(self.clear[index])
        pairs = [
            (int(first), int(last))
            for place, first in enumerate(frames)
            for last in frames[place + 1 :]
            if self.facts.times[last] - self.facts.times[first] >= self.filters.span_least
        ]
        return pairs[int(rng.integers(len(pairs)))] if pairs else None

    def good_box(self, index: int, frame: int) -> bool:
        """Whether an object's box is that of all of it: seen, uncut, not tiny."""
        thing, filters = self.thing(index), self.filters
        left, top, right, bottom = thing.boxes[frame]
        return bool(
            self.clear[index, frame]
            and thing.share[frame] >= filters.box_seen
            and thing.inside[frame] >= filters.box_inside
            and min(right - left, bottom - top) >= filters.box_side
        )


def joined(names: Sequence[str]) -> str:
    """`a, b or c`.

    >>> joined(["a", "b", "c"])
    'a, b or c'
    """
    return f"{', '.join(names[:-1])} or {names[-1]}"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return f"{', '.join(names[:-1])} and {names[-1]}"


def capital(text: str) -> str:
    """`text` with its first letter large."""
    return text[:1].upper() + text[1:]


def pick(rng: np.random.Generator, count: int) -> int:
    """A random index below `count`."""
    return int(rng.integers(count))
