"""Letters of choice answers, spread evenly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np


class LetterBalancer:
    """Gives each choice question the letter that was right least often among questions of its kind.

    Kinds are told apart by `key` and number of options, so the share of each letter within a kind is even
    to one question.
    """

    def __init__(self) -> None:
        self._used: Counter[tuple[str, int, int]] = Counter()

    def place(
        self, key: str, right: str, wrong: Sequence[str], rng: np.random.Generator
    ) -> tuple[str, list[str]]:
        """The letter of `right` and all options in their order.

        >>> balancer, rng = LetterBalancer(), np.random.default_rng(0)
        >>> sorted(balancer.place("side", "left", ["right"], rng)[0] for _ in range(4))
        ['A', 'A', 'B', 'B']
        """
        count = len(wrong) + 1
        order = [int(index) for index in rng.permutation(count)]
        position = min(order, key=lambda index: self._used[key, count, index])
        self._used[key, count, position] += 1
        options = [wrong[int(index)] for index in rng.permutation(len(wrong))]
        options.insert(position, right)
        return chr(ord("A") + position), options
