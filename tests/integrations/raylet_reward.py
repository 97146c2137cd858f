"""videostr's reward for verl, with two additions that a test of several nodes needs.

``raylet``: the id of the process that started this reward worker, which is the raylet of its node.
``score`` also pays for letters: a model that has learnt nothing earns the same nothing in every reply, and
GRPO's gradient would be 0.
"""

from __future__ import annotations

import os
from typing import Any

from videostr.integrations.verl import compute_score as videostr_score


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None, **kwargs: Any
) -> dict[str, float]:
    result = videostr_score(data_source, solution_str, ground_truth, extra_info, **kwargs)
    letters = sum(character.isalpha() for character in solution_str) / max(len(solution_str), 1)
    return {**result, "score": result["score"] + letters, "raylet": float(os.getppid())}
