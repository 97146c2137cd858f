"""How much the demonstration does, in its long and its short form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Sizes of one run.

    Attributes:
        cold_clips: Rendered clips for the cold start, apart from those of the GRPO rows.
        cold_start_steps: Steps of the cold start.
        cold_start_seconds: When the cold start stops even if steps are left.
        clips, val_clips: Rendered clips behind the rows for GRPO.
        steps: GRPO steps.
        group_size: Replies to a prompt (G).
        prompts: Prompts a step.
        train_seconds: When a GRPO run is given up.
    """

    cold_clips: int
    cold_start_steps: int
    cold_start_seconds: int
    clips: int
    val_clips: int
    steps: int
    group_size: int
    prompts: int
    train_seconds: int


LONG = Plan(
    cold_clips=256,
    cold_start_steps=500,
    cold_start_seconds=210,
    clips=48,
    val_clips=8,
    steps=12,
    group_size=8,
    prompts=4,
    train_seconds=900,
)
SHORT = Plan(
    cold_clips=128,
    cold_start_steps=200,
    cold_start_seconds=180,
    clips=16,
    val_clips=4,
    steps=3,
    group_size=8,
    prompts=4,
    train_seconds=900,
)
