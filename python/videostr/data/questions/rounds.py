"""Which questions a clip is asked, and how their answers stand in references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from videostr.data.letters import LetterBalancer
from videostr.data.questions.askers import TASKS, ask
from videostr.data.questions.base import Dropped, Question, Sight


def ask_in_turn(
    sights: Sequence[Sight], tasks: Sequence[str], most: int, *, seed: int, index: int
) -> tuple[list[Question], dict[str, int]]:
    """Up to `most` questions, one a task; tasks and kinds of answer are taken in turn from clip to clip.

    Args:
        sights: Of one scene; a question that they do not all give alike is dropped.
        tasks: That may be asked.
        most: Questions.
        seed: Of the build.
        index: Of the clip.

    Returns:
        The questions, and how many were dropped by `task/reason`.
    """
    asked: list[Question] = []
    dropped: Counter[str] = Counter()
    for turn in range(len(tasks)):
        if len(asked) == most:
            break
        step = index * most + turn
        task = tasks[step % len(tasks)]
        kinds = TASKS[task]
        kind = kinds[(index + step // len(tasks)) % len(kinds)]
        answers = [ask(task, sight, np.random.default_rng([seed, index, turn]), kind) for sight in sights]
        first = answers[0]
        if isinstance(first, Dropped):
            dropped[f"{task}/{first.reason}"] += 1
        elif any(answer != first for answer in answers):
            dropped[f"{task}/differs_between_shots"] += 1
        else:
            asked.append(first)
    return asked, dict(sorted(dropped.items()))


def reference_answer(
    question: Question, balancer: LetterBalancer, rng: np.random.Generator
) -> dict[str, Any]:
    """The `answer` of a ground truth; a choice gets its letter."""
    answer = question.answer
    if answer.kind == "choice":
        letter, options = balancer.place(question.task, answer.value, answer.wrong, rng)
        return {"kind": "choice", "value": letter, "options": options}
    return {"kind": answer.kind, "value": answer.value, **dict(answer.fields)}
