"""What the demonstration shows a model, and how much of it, in each of its forms."""

from __future__ import annotations

from dataclasses import dataclass

from videostr.data.world import WorldConfig

#: Of the runs of the long form whose claims are tested.
SEEDS = (0, 1, 2)
#: Few, small, plain balls before a camera that stands still: what a model of 1.5 million parameters can learn to see.
WORLD = WorldConfig(
    frames=4,
    nframes=4,
    graph_frames=1,
    width=112,
    height=112,
    places=("room",),
    cameras=("still",),
    shapes=("ball",),
    colours=("red", "green", "blue", "yellow"),
    objects=(2, 2),
    clutter=(0, 0),
    repeats=0.0,
    occlusion=(0.0, 0.3),
    space="camera",
    tasks=("absolute_distance", "relative_direction", "size"),
    questions_per_clip=3,
    form="lines",
    style="compact",
    media_last=True,
)


@dataclass(frozen=True)
class Plan:
    """Sizes of one run.

    Attributes:
        cold_clips: Rendered clips for the cold start, apart from those of the GRPO rows.
        cold_start_steps: Steps of the cold start.
        cold_start_seconds: When the cold start stops even if steps are left.
        clips, val_clips: Rendered clips behind the rows for GRPO, and behind those that are held out.
        steps: GRPO steps.
        group_size: Replies to a prompt (G).
        prompts: Prompts a step.
        train_seconds: When a GRPO run is given up.
        looks: Held-out rewards with the clip and with another scene's are compared at the end.
    """

    cold_clips: int
    cold_start_steps: int
    cold_start_seconds: int
    clips: int
    val_clips: int
    steps: int
    group_size: int = 8
    prompts: int = 8
    train_seconds: int = 1800
    looks: bool = False

    @property
    def rows(self) -> int:
        """Prompts that GRPO is given: a quarter of its steps (all, of under four) sees each of them once."""
        return self.prompts * (self.steps // 4 or self.steps)


LONG = Plan(
    cold_clips=200,
    cold_start_steps=200,
    cold_start_seconds=240,
    clips=72,
    val_clips=8,
    steps=72,
)
SHORT = Plan(
    cold_clips=100,
    cold_start_steps=120,
    cold_start_seconds=180,
    clips=16,
    val_clips=4,
    steps=3,
    prompts=4,
)
LEARN = Plan(
    cold_clips=1200,
    cold_start_steps=1000,
    cold_start_seconds=1500,
    clips=72,
    val_clips=240,
    steps=72,
    looks=True,
)
