"""When a question is dropped because its answer would be ambiguous; every threshold with its origin."""

from __future__ import annotations

from dataclasses import dataclass, fields

from videostr.data.settings import SettingsError


@dataclass(frozen=True)
class Filters:
    """Lengths are metres, times seconds, angles degrees, areas pixels.

    VSI: the generator with VSI-Bench's metadata layout (VLM-3R's data process); SIMS-V, STI-Bench: their own. What has
    no origin is ours.
    """

    seen_pixels: int = 60
    """An object is clearly seen in a frame from this many of its pixels on (at 224 pixels; ours)."""
    seen_share: float = 0.4
    """And from this share of what would be seen if it stood alone (ours)."""
    count_least: int = 2
    """counting: fewest of a category that are asked for (VSI)."""
    choices: int = 4
    """Options of a choice among objects, where the clip has as many; at least 2 (VSI: 4, 3 or 2)."""
    distance_gap: float = 0.15
    """relative_distance: least difference of any two compared distances, and least distance (VSI)."""
    distance_least: float = 0.2
    """absolute_distance: shortest that is asked for (VSI)."""
    camera_distance: tuple[float, float] = (0.2, 10.0)
    """absolute_distance from the camera: kept lengths (VSI's camera tasks)."""
    direction_reach: tuple[float, float] = (0.3, 10.0)
    """relative_direction: kept distance of each pair of the three objects (0.3 as in VSI, 10 as in SIMS-V; VSI: 5)."""
    direction_margin: float = 10.0
    """relative_direction: least angle to any sector's edge, on both sides (VSI, SIMS-V)."""
    direction_corners: int = 2
    """relative_direction: most corners of the asked object's box in another sector than its centre (VSI)."""
    order_gap: float = 1.0
    """appearance_order: first times differ by more than this (VSI)."""
    box_inside: float = 0.95
    """Boxes and sizes: least share of an object's box that lies in the picture (ours)."""
    box_seen: float = 0.9
    """Boxes: least share of the object that nothing hides (ours)."""
    box_side: float = 8.0
    """Boxes: shortest side (ours)."""
    box_iou: float = 0.5
    """tracking: most overlap of the first box with the last; box options: of any two (ours)."""
    interval_least: int = 2
    """localisation in time: fewest frames in view, and out of it (ours)."""
    interval_doubt: int = 1
    """localisation in time: most frames in which the object is seen, but not clearly (ours)."""
    span_least: float = 2.0
    """Motion between two times: least time between them (ours; VSI's camera tasks: 5 frames)."""
    moved: tuple[float, float] = (0.2, 10.0)
    """displacement, path_length and the camera's: kept lengths (VSI's camera tasks)."""
    speed_least: float = 0.1
    """speed: least average speed in m/s (ours)."""
    path_seen: float = 0.75
    """path_length, speed: least share of the frames in which the object is clearly seen (ours)."""
    path_error: float = 0.05
    """path_length, speed: most that the frames' polygon falls short of the way, as a share (ours)."""
    camera_step: float = 1.0
    """ego_motion: least way along the asked axis (VSI's camera tasks)."""
    camera_side: float = 0.5
    """ego_motion: most way along the other axis, as a share (ours)."""
    turn: tuple[float, float] = (10.0, 170.0)
    """ego_motion: kept turns of the camera (ours)."""
    option_range: tuple[float, float] = (0.25, 1.75)
    """Wrong numbers as multiples of the right one (VSI)."""
    option_size_range: tuple[float, float] = (0.3, 1.8)
    """The same for sizes (VSI: from 0.4, under which three do not fit below the right one)."""
    option_gap: float = 0.2
    """Least difference of two options as a share of the right one (VSI)."""
    option_draws: int = 30
    """Draws for each rank of the right number; without fitting wrong ones the question is dropped (VSI: in all)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                if len(value) != 2 or not 0.0 <= value[0] < value[1]:
                    raise SettingsError(
                        f"filters.{field.name}: {list(value)} must be two numbers that rise from 0"
                    )
            elif value < 0:
                raise SettingsError(f"filters.{field.name}: {value} must not be negative")
        if not 2 <= self.choices <= 8:
            raise SettingsError(f"filters.choices: {self.choices} must be from 2 to 8")
