"""Settings of the world: what clips look like, how hard they are, what is asked of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from videostr.data.facts import Space
from videostr.data.questions import ANYWHERE, TASKS, Filters
from videostr.data.reader import sampled_indices
from videostr.data.settings import SettingsError, known_settings, read_settings
from videostr.data.world.camera import Lens
from videostr.data.world.solids import COLOURS, SHAPES
from videostr.prompts.notation import FORMS, Form
from videostr.prompts.template import STYLES, Style

WORLD_VERSION = "1"
Range = tuple[float, float]
PLACES = ("room", "street")
CAMERAS = ("still", "pan", "orbit", "drive")
MOTIONS = ("straight", "turning", "stopping", "passing")
#: Settings that a stage of a curriculum may change.
DIFFICULTY = (
    "places",
    "cameras",
    "motions",
    "shapes",
    "colours",
    "objects",
    "clutter",
    "occlusion",
    "moving_share",
    "repeats",
    "camera_turn",
    "camera_speed",
    "object_speed",
    "object_size",
    "depth",
    "tasks",
)


@dataclass(frozen=True)
class WorldConfig:
    """Lengths are metres, times seconds, angles degrees. Pairs are ranges, both ends included."""

    frames: int = 16
    """Frames in the file."""
    fps: int = 2
    nframes: int = 16
    """Frames that the reader takes, evenly, first and last included (even)."""
    graph_frames: int | None = 4
    """How many of the taken frames the reference has, evenly; None: all."""
    width: int = 224
    height: int = 224
    """In pixels, multiples of 28, so that no reader resizes."""
    supersampling: int = 2
    """Rays per pixel side."""
    field_of_view: float = 70.0

    places: tuple[str, ...] = PLACES
    cameras: tuple[str, ...] = CAMERAS
    motions: tuple[str, ...] = MOTIONS
    shapes: tuple[str, ...] = SHAPES
    colours: tuple[str, ...] = tuple(COLOURS)
    objects: tuple[int, int] = (2, 12)
    """Named objects of a scene."""
    clutter: tuple[int, int] = (0, 3)
    """Grey objects that no reference names."""
    occlusion: Range = (0.0, 1.0)
    """Mean hidden share of the named objects, over the frames in whose view they are."""
    moving_share: Range = (0.2, 0.8)
    """Share of the named objects that move."""
    repeats: float = 0.25
    """Chance that an object is of the category of an earlier one."""
    camera_turn: Range = (20.0, 80.0)
    """Turn of a panning or orbiting camera over the clip."""
    camera_speed: Range = (0.3, 0.9)
    """Speed of a driving camera in a room."""
    object_speed: Range = (0.2, 0.8)
    """In a room."""
    object_size: Range = (0.4, 1.3)
    """Each dimension of an object, in a room."""
    depth: Range = (2.0, 8.0)
    """Distance from the camera at which objects are put, in a room."""
    street_factor: float = 1.8
    """Sizes and depths on a street as multiples of those in a room; speeds grow by its square."""

    space: Space = "world"
    """Coordinates of the references in the rows."""
    decimals: int = 3
    """Digits of reference coordinates."""
    tasks: tuple[str, ...] = tuple(TASKS)
    questions_per_clip: int = 5
    form: Form = "json"
    style: Style = "full"
    categories: bool = True
    media_last: bool = False
    """The clip stands behind the question, right before the reply."""
    filters: Filters = field(default_factory=Filters)

    views: int = 1
    """Clips of each scene from so many sides of it, with the same question and world."""
    rolls: tuple[float, ...] = (0.0,)
    """Clips of each scene with the camera rolled so far about its forward axis, with the same question."""
    stages: tuple[Mapping[str, Any], ...] = ()
    """A curriculum: each stage says for how many `clips` it lasts (the last one to the end) and changes DIFFICULTY."""

    def __post_init__(self) -> None:
        try:
            sampled_indices(self.frames, self.nframes)
        except ValueError as error:
            raise SettingsError(f"world.{error}") from None
        for name in ("width", "height"):
            if getattr(self, name) < 56 or getattr(self, name) % 28:
                raise SettingsError(
                    f"world.{name}: {getattr(self, name)} must be a multiple of 28, at least 56"
                )
        if self.graph_frames is not None and not 1 <= self.graph_frames <= self.nframes:
            raise SettingsError(f"world.graph_frames: {self.graph_frames} must be from 1 to nframes")
        _check_names(self)
        _check_ranges(self)
        tasks = ANYWHERE if self.several_shots else tuple(TASKS)
        for task in self.tasks:
            if task not in tasks:
                why = " (others depend on the camera's place)" if task in TASKS else ""
                raise SettingsError(f"world.tasks: {task!r} is none of {', '.join(tasks)}{why}")
        _check_stages(self)

    @property
    def several_shots(self) -> bool:
        """Whether each scene has more than one clip."""
        return self.views > 1 or len(self.rolls) > 1

    @property
    def times(self) -> list[float]:
        """Times of all frames of the file."""
        return [index / self.fps for index in range(self.frames)]

    @property
    def taken(self) -> list[int]:
        """Frames that reach the model."""
        return sampled_indices(self.frames, self.nframes)

    @property
    def reader_times(self) -> list[float]:
        """Times of the frames that reach the model."""
        return [self.times[frame] for frame in self.taken]

    @property
    def graph_places(self) -> list[int]:
        """Which of the taken frames the reference has."""
        count = self.graph_frames or self.nframes
        last = self.nframes - 1
        return [round(index * last / (count - 1)) for index in range(count)] if count > 1 else [0]

    @property
    def lens(self) -> Lens:
        """The camera's lens."""
        return Lens(self.width, self.height, math.radians(self.field_of_view))

    def at(self, index: int) -> WorldConfig:
        """The settings of clip `index`: those of its stage."""
        first = 0
        for place, stage in enumerate(self.stages):
            first += stage["clips"]
            if index < first or place == len(self.stages) - 1:
                return _changed(self, {key: value for key, value in stage.items() if key != "clips"})
        return self

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> WorldConfig:
        """The settings from plain JSON values, the others at their defaults; SettingsError names what is wrong."""
        settings = known_settings(values, cls, "world")
        if "filters" in settings:
            settings["filters"] = Filters(**known_settings(settings["filters"], Filters, "filters"))
        if settings.get("views", 1) > 1 or len(settings.get("rolls", (0.0,))) > 1:
            settings.setdefault("tasks", ANYWHERE)
        return cls(**settings)

    @classmethod
    def from_file(cls, path: str | Path) -> WorldConfig:
        """The settings of a YAML or JSON file (YAML needs PyYAML)."""
        return cls.from_dict(read_settings(path))


def _changed(config: WorldConfig, changes: Mapping[str, Any]) -> WorldConfig:
    for key in changes:
        if key not in DIFFICULTY:
            raise SettingsError(f"world.stages: {key!r} cannot change; what can: {', '.join(DIFFICULTY)}")
    return replace(config, stages=(), **known_settings(changes, WorldConfig, "world.stages"))


def _check_names(config: WorldConfig) -> None:
    lists = (
        ("places", PLACES),
        ("cameras", CAMERAS),
        ("motions", MOTIONS),
        ("shapes", SHAPES),
        ("colours", tuple(COLOURS)),
    )
    for name, known in lists:
        chosen = getattr(config, name)
        if not chosen:
            raise SettingsError(f"world.{name}: names none")
        for value in chosen:
            if value not in known:
                raise SettingsError(f"world.{name}: {value!r} is none of {', '.join(known)}")
    for name, value, known in (
        ("space", config.space, ("world", "camera")),
        ("form", config.form, FORMS),
        ("style", config.style, STYLES),
    ):
        if value not in known:
            raise SettingsError(f"world.{name}: {value!r} is none of {', '.join(known)}")


def _check_ranges(config: WorldConfig) -> None:
    limits: Mapping[str, tuple[float, float]] = {
        "objects": (2, 12),
        "clutter": (0, 12),
        "occlusion": (0, 1),
        "moving_share": (0, 1),
        "camera_turn": (0, 180),
        "camera_speed": (0, 3),
        "object_speed": (0, 3),
        "object_size": (0.1, 3),
        "depth": (0.5, 30),
    }
    for name, (least, most) in limits.items():
        value = getattr(config, name)
        if not (isinstance(value, tuple) and len(value) == 2 and least <= value[0] <= value[1] <= most):
            raise SettingsError(
                f"world.{name}: {value} must be two numbers that rise, from {least} to {most}"
            )
    if config.questions_per_clip < 1 or config.views < 1 or not config.rolls:
        raise SettingsError("world: questions_per_clip, views and the number of rolls must be at least 1")
    if not 1 <= config.supersampling <= 8:
        raise SettingsError(f"world.supersampling: {config.supersampling} must be from 1 to 8")
    if len(set(config.colours)) * len(set(config.shapes)) < 2:
        raise SettingsError(
            "world.colours, world.shapes: one category is not enough; name two colours or shapes"
        )
    if config.fps < 1 or config.street_factor <= 0.0 or not 10.0 <= config.field_of_view <= 150.0:
        raise SettingsError(
            "world: fps must be at least 1, street_factor over 0, field_of_view from 10 to 150"
        )
    if not 0.0 <= config.repeats <= 1.0:
        raise SettingsError(f"world.repeats: {config.repeats} must be from 0 to 1")


def _check_stages(config: WorldConfig) -> None:
    for place, stage in enumerate(config.stages):
        if not isinstance(stage, Mapping) or not isinstance(stage.get("clips"), int) or stage["clips"] < 1:
            raise SettingsError(f"world.stages[{place}].clips: must be a number of clips, at least 1")
        try:
            _changed(config, {key: value for key, value in stage.items() if key != "clips"})
        except SettingsError as error:
            raise SettingsError(f"{error} (in stages[{place}])") from None
