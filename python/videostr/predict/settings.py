"""What a prediction asks of the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videostr.data.reader import FRAME_FACTOR
from videostr.data.row_check import Row
from videostr.errors import VideostrError

#: Frames of a clip for whose frames nobody says anything.
DEFAULT_FRAMES = 32


class PredictError(VideostrError, ValueError):
    """A prediction that cannot be begun or gone on with; the message says what to do."""


@dataclass(frozen=True)
class PredictSettings:
    """All that decides what the replies are, beside model and rows.

    Attributes:
        frames: At most so many frames of each clip, evenly spaced; an even number. None: those that the row
            names, else 32.
        samples: Replies to a row.
        temperature: 0 takes the likeliest token each time.
        top_p: Only the likeliest tokens that have this share together are sampled from; over 0, at most 1.
        max_tokens: A reply ends here.
        seed: Of the sampling. What is sampled for a row does not depend on the rows beside it.
        engine: Arguments of ``vllm.LLM``.

    Raises:
        PredictError: A value is out of its range.

    Example:
        >>> PredictSettings(temperature=0.7, samples=4).samples
        4
    """

    frames: int | None = None
    samples: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int = 0
    engine: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.frames is not None and (self.frames < FRAME_FACTOR or self.frames % FRAME_FACTOR):
            raise PredictError(f"frames: {self.frames} is no even number from {FRAME_FACTOR} on")
        for name in ("samples", "max_tokens"):
            if getattr(self, name) < 1:
                raise PredictError(f"{name}: {getattr(self, name)} is less than 1")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise PredictError(f"temperature: {self.temperature} is not 0 or more")
        if not 0 < self.top_p <= 1:
            raise PredictError(f"top_p: {self.top_p} is not over 0 and at most 1")
        if self.seed < 0:
            raise PredictError(f"seed: {self.seed} is less than 0")
        if self.samples > 1 and self.temperature == 0:
            raise PredictError(
                f"samples: {self.samples} replies at temperature 0 would be the same one: give a temperature"
            )

    def frames_of(self, row: Row) -> int | None:
        """How many frames of each clip of a row; None: those that the row names itself."""
        if self.frames is not None:
            return self.frames
        clips = [clip for clip in row.get("videos") or () if isinstance(clip, Mapping)]
        timed = len(clips) == 1 and bool((row.get("extra_info") or {}).get("frames"))
        counted = any(clip.get(name) is not None for clip in clips for name in ("nframes", "fps"))
        return None if timed or counted else DEFAULT_FRAMES
