"""What a row asks for, written as a reply: the targets of a cold start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from videostr.prompts import render_reply
from videostr.prompts.notation import Form


def form_of(row: Mapping[str, Any]) -> Form:
    """The form of the graph whose shape the row's prompt shows; lines where it shows none."""
    prompt = "".join(str(message["content"]) for message in row["prompt"])
    return "json" if '{"frames"' in prompt else "lines"


def target_text(row: Mapping[str, Any], *, form: Form | None = None, decimals: int | None = 1) -> str:
    """The reply that `row` asks for: its reference in the form of its prompt.

    Args:
        row: A training row.
        form: Of the graph; None: that of the prompt.
        decimals: Digits of coordinates; None: as the reference has them. Numbers of answers are always so.

    Raises:
        PromptError: The answer is of a kind that has no rendering.
    """
    return render_reply(row["reward_model"]["ground_truth"], form=form or form_of(row), decimals=decimals)
