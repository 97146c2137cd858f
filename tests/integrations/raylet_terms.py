"""Reward terms of our own, which a test of several nodes needs.

``raylet``: the id of the process that started this reward worker, which is the raylet of its node.
``letters``: a model that has learnt nothing earns the same nothing in every reply, and GRPO's gradient would be
0; it differs in how many letters it writes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from videostr.terms import Sample


def raylet(samples: Sequence[Sample]) -> list[float]:
    return [float(os.getppid()) for _ in samples]


def letters(samples: Sequence[Sample]) -> list[float]:
    return [sum(map(str.isalpha, sample.text)) / max(len(sample.text), 1) for sample in samples]
