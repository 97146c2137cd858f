"""Settings of the synthetic world; every threshold of a filter is named here, with its origin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from videostr.data.reader import sampled_indices, sampled_times
from videostr.data.synth.camera import Lens
from videostr.data.synth.scene import COLOURS, SHAPES, Shape
from videostr.prompts.notation import Form
from videostr.prompts.template import Style

SYNTH_VERSION = "1"
Space = Literal["camera", "world"]
TASKS = ("counting", "relative_distance", "relative_direction", "displacement")


@dataclass(frozen=True)
class SynthConfig:
    """What clips look like, what is asked of them and when a question is dropped.

    Lengths are metres, times seconds, angles degrees. The default makes clips for a tiny model on a CPU:
    four frames of 112 x 112 pixels, a graph at the first and the last of them.
    """

    frames: int = 4
    """Frames in the file."""
    fps: int = 2
    """Frames per second of the file."""
    nframes: int = 4
    """Frames that the reader takes, evenly, first and last included (even)."""
    graph_frames: int | None = 2
    """How many of the taken frames the reference has, evenly; None: all."""
    size: int = 112
    """Width and height in pixels; a multiple of 28, so that no reader resizes."""
    supersampling: int = 2
    """Rays per pixel side."""
    field_of_view: float = 60.0

    objects: tuple[int, int] = (2, 3)
    """Fewest and most objects of a scene."""
    colours: tuple[str, ...] = ("red", "green", "blue")
    shapes: tuple[Shape, ...] = ("cube", "ball")
    """Categories are the pairs of a colour and a shape; no two objects of a scene are of one category."""
    radius: tuple[float, float] = (0.45, 0.65)
    """Half width of a solid."""
    depth: tuple[float, float] = (3.0, 8.0)
    """Distance of an object from the first camera along the floor."""
    speed: tuple[float, float] = (0.5, 1.2)
    """Speed of a moving object."""
    moving_share: float = 0.6
    camera_height: float = 2.0
    camera_pitch: float = 18.0
    """Angle of the camera below the horizon, the same for all frames."""
    camera_speed: tuple[float, float] = (0.0, 0.4)
    camera_turn: tuple[float, float] = (-6.0, 6.0)
    """Turn about the vertical per second; the sign is that of a turn to the left."""

    space: Space = "camera"
    """Coordinates of the reference: of each frame's camera, or of the world (see `reference`)."""
    decimals: int = 4
    """Digits of reference coordinates."""

    tasks: tuple[str, ...] = TASKS
    questions_per_clip: int = 2
    choices: int = 2
    """Options of a relative_distance question, where the scene has as many objects."""
    form: Form = "lines"
    style: Style = "compact"
    categories: bool = True

    min_visible_pixels: int = 20
    """An object counts as seen in a frame from this many pixels on (ours)."""
    min_visible_share: float = 0.4
    """And from this share of what would be seen if it stood alone (ours)."""
    min_gap: float = 0.15
    """Free floor between two objects at any time (ours)."""
    distance_gap: float = 0.5
    """relative_distance: least difference of any two compared distances (0.15 m in the VSI-style generator
    of VLM-3R; more here, as clips are small)."""
    direction_margin: float = 8.0
    """relative_direction: least angle between the two objects seen from the camera (10 degrees from any
    sector edge in VLM-3R; less here, as the view is 60 degrees wide)."""
    displacement_range: tuple[float, float] = (0.2, 10.0)
    """displacement: kept lengths (0.2 to 10 m in VLM-3R's camera displacement)."""

    def __post_init__(self) -> None:
        try:
            sampled_indices(self.frames, self.nframes)
        except ValueError as error:
            raise ValueError(f"SynthConfig.{error}") from None
        if self.graph_frames is not None and not 1 <= self.graph_frames <= self.nframes:
            raise ValueError(f"SynthConfig.graph_frames: {self.graph_frames} must be from 1 to nframes")
        if self.size < 56 or self.size % 28:
            raise ValueError(f"SynthConfig.size: {self.size} must be a multiple of 28, at least 56")
        for name, known in (("colours", COLOURS), ("shapes", SHAPES)):
            for value in getattr(self, name):
                if value not in known:
                    raise ValueError(f"SynthConfig.{name}: {value!r} is none of {', '.join(known)}")
        kinds = len(set(self.colours)) * len(set(self.shapes))
        if not 2 <= self.objects[0] <= self.objects[1] <= kinds:
            raise ValueError(
                f"SynthConfig.objects: {self.objects} must rise from 2 to at most {kinds} categories"
            )
        if self.space not in ("camera", "world"):
            raise ValueError(f"SynthConfig.space: {self.space!r} is neither camera nor world")
        if self.questions_per_clip < 1:
            raise ValueError("SynthConfig.questions_per_clip: must be at least 1")
        if not 2 <= self.choices <= 8:
            raise ValueError(f"SynthConfig.choices: {self.choices} must be from 2 to 8")
        for task in self.tasks:
            if task not in TASKS:
                raise ValueError(f"SynthConfig.tasks: {task!r} is none of {', '.join(TASKS)}")

    @property
    def frame_times(self) -> list[float]:
        """Times of all frames of the file."""
        return [index / self.fps for index in range(self.frames)]

    @property
    def reader_times(self) -> list[float]:
        """Times of the frames that reach the model."""
        return sampled_times(self.frames, self.fps, self.nframes)

    @property
    def graph_times(self) -> list[float]:
        """Times of the frames of the reference, a subset of `reader_times`."""
        times = self.reader_times
        if self.graph_frames is None or self.graph_frames >= len(times):
            return times
        if self.graph_frames == 1:
            return times[:1]
        last = len(times) - 1
        return [times[round(index * last / (self.graph_frames - 1))] for index in range(self.graph_frames)]

    @property
    def lens(self) -> Lens:
        """The camera's lens."""
        return Lens(self.size, math.radians(self.field_of_view))

    @property
    def scale(self) -> float:
        """Diagonal in metres of the box in which the first camera sees the objects of any scene."""
        near, far = self.depth
        width = 2.0 * far * math.tan(self.lens.field_of_view / 2.0)
        return math.sqrt((far - near) ** 2 + width**2 + (2.0 * self.radius[1]) ** 2)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SynthConfig:
        """The settings from plain JSON values; an unknown name is a ValueError."""
        known = {field.name for field in fields(cls)}
        for key in values:
            if key not in known:
                raise ValueError(f"SynthConfig: unknown setting {key!r}; known: {', '.join(sorted(known))}")
        settings: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**settings)
