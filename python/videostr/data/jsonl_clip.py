"""One line of a user's JSONL file: a clip and its objects per frame, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from videostr import _json
from videostr.data.facts import Eye, Facts, Floats, Thing
from videostr.data.media_check import UnreadableMediaError, read_header
from videostr.data.reader import sampled_times
from videostr.data.row_check import ABILITIES, MEDIA_COLUMNS, NAME, SPLITS, RowError

Json = Mapping[str, Any]
_LINE = frozenset({"scene", "video", "split", "space", "unit", "up", "scale", "frames", "questions"})
_FRAME = frozenset({"t", "objects", "observer", "camera"})
_OBJECT = frozenset({"id", "label", "center", "size", "yaw", "box", "visible"})
_CAMERA = frozenset({"position", "axes"})
_QUESTION = frozenset({"question", "task", "ability", "answer"})
#: Coordinates and times of a line are at most so large.
MOST = 1e9


@dataclass(frozen=True)
class JsonlClip:
    """A clip.

    Attributes:
        scene, split: Of its rows.
        video: Absolute path.
        times: Of the frames that reach the model.
        frames: The annotated frames among them, each with the reader's time in `t` and its place in the line in `at`.
        header: space, unit, up and scale of its graph, as far as they are given.
        questions: Task, ability, words and answer, as given.
        facts: Of the annotated frames; None where they are not in world space and metres with z up.
    """

    scene: str
    split: str
    video: Path
    times: tuple[float, ...]
    frames: tuple[Json, ...]
    header: Json
    questions: tuple[tuple[str, str, str, Json], ...]
    facts: Facts | None

    @property
    def complete(self) -> bool:
        """Whether every frame that reaches the model is annotated."""
        return len(self.frames) == len(self.times)

    def graph(self, most: int | None, seen_share: float, decimals: int) -> dict[str, Any] | None:
        """The `graph` of a ground truth of up to `most` frames, evenly; None when no object is seen."""
        frames: list[dict[str, Any]] = []
        for frame, seen in self._shown(most, seen_share):
            nodes = [
                {"id": _id(item), "label": item["label"], "center": _rounded(item["center"], decimals)}
                for item in (frame["objects"][place] for place in seen)
            ]
            observer = frame.get("observer", frame.get("camera", {}).get("position"))
            seen_from = {} if observer is None else {"observer": _rounded(observer, decimals)}
            frames.append({"t": frame["t"], **seen_from, "nodes": nodes})
        return {**self.header, "frames": frames} if frames else None

    def own_field(self, field: str, most: int | None, seen_share: float) -> str:
        """What a field of `graph`, as `graph.frames[0].nodes[2].id`, is called in the line."""
        node = re.fullmatch(r"graph\.frames\[(\d+)\](?:\.nodes\[(\d+)\])?(.*)", field)
        if node is None:
            return field.removeprefix("graph.")
        frame, seen = self._shown(most, seen_share)[int(node[1])]
        item = "" if node[2] is None else f".objects[{seen[int(node[2])]}]"
        return f"frames[{frame['at']}]{item}{node[3]}"

    def _shown(self, most: int | None, seen_share: float) -> list[tuple[Json, list[int]]]:
        """Frames of the graph, each with the places of the objects that are seen in it, in the order of their ids."""
        frames = []
        for frame in self.frames:
            objects = frame["objects"]
            seen = [place for place, item in enumerate(objects) if item.get("visible", 1.0) >= seen_share]
            if seen:
                frames.append((frame, sorted(seen, key=lambda place: _id(objects[place]))))
        if most is None or most >= len(frames):
            return frames
        places = np.linspace(0, len(frames) - 1, most).round().astype(int) if most > 1 else [0]
        return [frames[int(place)] for place in places]


def read_clip(
    values: Json, where: str, *, folder: Path, nframes: int, seen_pixels: float, still_below: float
) -> JsonlClip:
    """The clip of a line. Raises RowError naming `where` and the field.

    Args:
        values: The line.
        where: File and number of the line.
        folder: Where relative paths of clips start.
        nframes: Frames that the reader takes.
        seen_pixels: Pixels of an object that is seen and has no box.
        still_below: See `JsonlConfig`.
    """
    check = _Check(where)
    values = check.names(values, _LINE, "")
    scene = check.text(values.get("scene"), "scene")
    split = values.get("split", "train")
    if split not in SPLITS:
        raise RowError(where, "split", f"{split!r} is none of {', '.join(SPLITS)}")
    video = folder / check.text(values.get("video"), "video")
    try:
        header = read_header(video)
    except UnreadableMediaError as error:
        raise RowError(where, "video", str(error)) from None
    count = min(nframes, header.frames // 2 * 2)
    if count < 2:
        raise RowError(where, "video", f"{video} has {header.frames} frames, at least 2 are needed")
    times = tuple(sampled_times(header.frames, header.fps, count))
    annotated = check.frames(values.get("frames"))
    taken = _taken(annotated, times, 0.5 / header.fps + 1e-6)
    if not taken:
        raise RowError(
            where,
            "frames",
            f"none lies at a time that the reader takes: {', '.join(f'{time:g}' for time in times)} s",
        )
    graph = {"space": values.get("space", "world"), "unit": values.get("unit", "m")}
    if "up" in values:
        graph["up"] = check.numbers(values["up"], "up", (2, 3))
    if "scale" in values:
        graph["scale"] = check.number(values["scale"], "scale")
    facts = None
    if (graph["space"], graph["unit"], graph.get("up")) == ("world", "m", [0, 0, 1]):
        facts = _facts(
            scene,
            taken,
            (header.width, header.height),
            seen_pixels=seen_pixels,
            still_below=still_below,
            scale=graph.get("scale"),
        )
    return JsonlClip(
        scene, split, video, times, taken, graph, tuple(check.questions(values.get("questions", []))), facts
    )


class _Check:
    """What a line must hold; says where it does not. Null stands for what is not there."""

    def __init__(self, where: str) -> None:
        self._where = where

    def fail(self, field: str, message: str) -> RowError:
        return RowError(self._where, field, message)

    def names(self, values: object, known: frozenset[str], field: str) -> Json:
        if not isinstance(values, Mapping):
            raise self.fail(field, "must be an object")
        for name in values:
            if name not in known:
                place = f"{field}.{name}" if field else str(name)
                raise self.fail(place, f"unknown; known: {', '.join(sorted(known))}")
        return {name: value for name, value in values.items() if value is not None}

    def text(self, value: object, field: str) -> str:
        if not isinstance(value, str) or not value:
            raise self.fail(field, "must be text")
        if not _json.is_unicode(value):
            raise self.fail(field, _json.LONE_SURROGATE)
        return value

    def number(self, value: object, field: str, least: float = -MOST, most: float = MOST) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self.fail(field, f"must be a number from {least:g} to {most:g}, is {value!r:.60}")
        return float(value)

    def numbers(
        self, value: object, field: str, counts: tuple[int, ...], least: float = -MOST
    ) -> list[float]:
        if not isinstance(value, list) or len(value) not in counts:
            raise self.fail(
                field, f"must be a list of {' or '.join(map(str, counts))} numbers, is {value!r:.60}"
            )
        return [self.number(item, f"{field}[{place}]", least) for place, item in enumerate(value)]

    def frames(self, values: object) -> list[Json]:
        if not isinstance(values, list) or not values:
            raise self.fail("frames", "must be a list of frames")
        frames: list[Json] = []
        dimensions: set[int] = set()
        for position, item in enumerate(values):
            field = f"frames[{position}]"
            frame = dict(self.names(item, _FRAME, field))
            self.number(frame.get("t"), f"{field}.t")
            if frames and frame["t"] <= frames[-1]["t"]:
                raise self.fail(f"{field}.t", "times must rise")
            if "observer" in frame:
                self.numbers(frame["observer"], f"{field}.observer", (2, 3))
            if "camera" in frame:
                frame["camera"] = self._camera(frame["camera"], f"{field}.camera")
            frame["objects"] = self._objects(frame.get("objects"), f"{field}.objects", dimensions)
            frames.append(frame | {"at": position})
        return frames

    def _camera(self, value: object, field: str) -> Json:
        camera = self.names(value, _CAMERA, field)
        self.numbers(camera.get("position"), f"{field}.position", (3,))
        axes = camera.get("axes")
        if not isinstance(axes, list) or len(axes) != 3:
            raise self.fail(f"{field}.axes", "must be three rows: the camera's x, y and z in the world")
        rows = np.array([self.numbers(row, f"{field}.axes[{place}]", (3,)) for place, row in enumerate(axes)])
        if np.abs(rows @ rows.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rows) < 0:
            raise self.fail(f"{field}.axes", "must be right-handed unit vectors at right angles")
        return camera

    def _objects(self, values: object, field: str, dimensions: set[int]) -> list[Json]:
        """The objects of a frame; `dimensions` are those of the centres so far."""
        if not isinstance(values, list):
            raise self.fail(field, "must be a list (empty where nothing is seen)")
        objects: list[Json] = []
        seen: set[str] = set()
        for position, value in enumerate(values):
            place = f"{field}[{position}]"
            item = self.names(value, _OBJECT, place)
            self.text(item.get("label"), f"{place}.label")
            self.text(_id(item), f"{place}.id")
            dimensions.add(len(self.numbers(item.get("center"), f"{place}.center", (2, 3))))
            if len(dimensions) > 1:
                raise self.fail(
                    f"{place}.center", "has 2 numbers where others have 3, or 3 where they have 2"
                )
            if "size" in item:
                self.numbers(item["size"], f"{place}.size", (3,), least=0.0)
            if "box" in item:
                left, top, right, bottom = self.numbers(item["box"], f"{place}.box", (4,))
                if left >= right or top >= bottom:
                    raise self.fail(f"{place}.box", "must be left, top, right, bottom, with an area")
            if "yaw" in item:
                self.number(item["yaw"], f"{place}.yaw")
            if "visible" in item:
                self.number(item["visible"], f"{place}.visible", 0.0, 1.0)
            if _id(item) in seen:
                raise self.fail(f"{place}.id", f"{_id(item)!r} is in this frame twice")
            seen.add(_id(item))
            objects.append(item)
        return objects

    def questions(self, values: object) -> list[tuple[str, str, str, Json]]:
        if not isinstance(values, list):
            raise self.fail("questions", "must be a list")
        found: list[tuple[str, str, str, Json]] = []
        for position, value in enumerate(values):
            field = f"questions[{position}]"
            item = self.names(value, _QUESTION, field)
            ability = item.get("ability", "spatio-temporal")
            if ability not in ABILITIES:
                raise self.fail(f"{field}.ability", f"{ability!r} is none of {', '.join(ABILITIES)}")
            if not isinstance(item.get("answer"), Mapping):
                raise self.fail(f"{field}.answer", "must be an object with kind and value")
            task = self.text(item.get("task"), f"{field}.task")
            if not NAME.fullmatch(task):
                raise self.fail(f"{field}.task", f"{task!r} must be {NAME.pattern}")
            words = self.text(item.get("question"), f"{field}.question")
            for medium in MEDIA_COLUMNS.values():
                if f"<{medium}>" in words:
                    raise self.fail(
                        f"{field}.question", f"has the mark <{medium}>, which stands for a medium"
                    )
            found.append((task, ability, words, item["answer"]))
        return found


def _id(item: Json) -> str:
    name: str = item.get("id", item["label"])
    return name


def _rounded(values: Sequence[float], decimals: int) -> list[float]:
    return [round(float(value), decimals) + 0.0 for value in values]


def _taken(annotated: Sequence[Json], times: Sequence[float], near: float) -> tuple[Json, ...]:
    """The annotated frames nearest to the times that the reader takes, under these times."""
    found: list[Json] = []
    given = np.array([frame["t"] for frame in annotated], dtype=np.float64)
    for time in times:
        place = int(np.abs(given - time).argmin())
        if abs(given[place] - time) <= near:
            found.append({**annotated[place], "t": time})
    return tuple(found)


def _facts(
    scene: str,
    frames: Sequence[Json],
    size: tuple[int, int],
    *,
    seen_pixels: float,
    still_below: float,
    scale: float | None,
) -> Facts | None:
    first = {_id(item): item for frame in reversed(frames) for item in frame["objects"]}
    if any(len(item["center"]) != 3 for item in first.values()):
        return None  # the scorer refuses the line: `up` has three numbers
    things = tuple(
        _thing(name, first[name]["label"], frames, size, seen_pixels=seen_pixels, still_below=still_below)
        for name in sorted(first)
    )
    everything = np.concatenate([thing.places for thing in things]) if things else np.zeros((1, 3))
    wide = scale or float(np.linalg.norm(everything.max(axis=0) - everything.min(axis=0))) or 1.0
    times = np.array([frame["t"] for frame in frames], dtype=np.float64)
    boxed = size if any(np.isfinite(thing.boxes).any() for thing in things) else None
    return Facts(scene, times, boxed, things, _eye(frames), wide)


def _eye(frames: Sequence[Json]) -> Eye | None:
    cameras = [frame.get("camera") for frame in frames]
    if any(camera is None for camera in cameras):
        return None
    positions = np.array([camera["position"] for camera in cameras], dtype=np.float64)  # type: ignore[index]
    axes = np.array([camera["axes"] for camera in cameras], dtype=np.float64)  # type: ignore[index]
    yaws = np.unwrap(np.arctan2(axes[:, 2, 1], axes[:, 2, 0]))
    return Eye(positions, axes, yaws, _way(positions))


def _way(places: Floats) -> Floats:
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    return np.concatenate([[0.0], steps.cumsum()])


def _thing(
    name: str,
    label: str,
    frames: Sequence[Json],
    size: tuple[int, int],
    *,
    seen_pixels: float,
    still_below: float,
) -> Thing:
    found = [next((item for item in frame["objects"] if _id(item) == name), None) for frame in frames]
    there = np.array([item is not None for item in found])
    at = np.flatnonzero(there)
    every = np.arange(len(frames))
    items = cast(list[Json], [item for item in found if item is not None])
    known = np.array([item["center"] for item in items], dtype=np.float64)
    # Between two sightings it is taken to go straight; nothing is asked of it there.
    places = np.column_stack([np.interp(every, at, known[:, axis]) for axis in range(3)])
    still = bool(np.linalg.norm(places - places[0], axis=1).max() < still_below)
    boxes, inside = np.full((len(frames), 4), np.nan), np.zeros(len(frames))
    share, pixels = np.zeros(len(frames)), np.zeros(len(frames))
    for frame, item in zip(at, items, strict=True):
        share[frame] = float(item.get("visible", 1.0))
        pixels[frame] = seen_pixels if share[frame] > 0.0 else 0.0
        box = np.array(item.get("box") or [np.nan] * 4, dtype=np.float64)
        cut = np.clip(box, 0.0, [*size, *size])
        if (cut[2:] > cut[:2]).all():
            boxes[frame] = cut
            inside[frame] = float(np.prod(cut[2:] - cut[:2]) / np.prod(box[2:] - box[:2]))
            pixels[frame] = share[frame] * float(np.prod(cut[2:] - cut[:2]))
        elif item.get("box") is None:
            inside[frame] = 1.0
    sizes = [item["size"] for item in items if item.get("size")]
    return Thing(
        id=name,
        label=label,
        groups=(),
        size=(float(sizes[0][0]), float(sizes[0][1]), float(sizes[0][2])) if sizes else None,
        places=places,
        yaws=np.interp(every, at, np.unwrap([float(item.get("yaw", 0.0)) for item in items])),
        boxes=boxes,
        inside=inside,
        pixels=pixels,
        share=share,
        travelled=np.zeros(len(frames)) if still else _way(places),
    )
