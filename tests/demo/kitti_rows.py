"""Training rows from KITTI tracking labels, for tests alone: real counts, classes and distances.

A clip is four label frames half a second apart. KITTI's pictures are not at hand, so each object is a
coloured rectangle, the hull of its projected 3-D box. x, y, z of a label is the middle of the box's bottom
face in the rectified camera (x right, y down, z ahead).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostr.data.rows import make_row
from videostr.data.synth.video import write_mp4
from videostr.prompts import build_prompt

STRIDE = 5
"""Label frames from one clip frame to the next; labels come at 10 Hz."""
TIMES = (0.0, 0.5, 1.0, 1.5)
PICTURE = (1242, 375)
SIZE = (336, 112)
"""Width and height of a clip: multiples of 28, about the shape of the camera's pictures."""
COLOURS = {"car": (220, 60, 40), "van": (40, 90, 220), "cyclist": (240, 200, 40), "pedestrian": (60, 200, 90)}
OTHER = (200, 200, 200)

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """One labelled object at one moment: lengths in metres, `rect` in pixels of the camera's picture."""

    track: int
    label: str
    rect: tuple[float, ...]
    size: tuple[float, float, float]
    bottom: tuple[float, float, float]
    turn: float
    cut: bool

    @property
    def id(self) -> str:
        return f"{self.label}.{self.track + 1}"

    @property
    def center(self) -> list[float]:
        x, y, z = self.bottom
        return [round(x, 3), round(y - self.size[0] / 2, 3), round(z, 3)]

    def corners(self) -> Matrix:
        """Of the 3-D box, (8, 3)."""
        height, width, length = self.size
        signs = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-1.0, 0.0) for z in (-0.5, 0.5)])
        c, s = math.cos(self.turn), math.sin(self.turn)
        turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
        return np.asarray(signs * (length, height, width) @ turn.T + self.bottom, dtype=np.float64)

    def hull(self, projection: Matrix) -> tuple[float, float, float, float] | None:
        """Left, top, right, bottom of the projected box, cut at the picture; None behind the camera or outside."""
        places = np.c_[self.corners(), np.ones(8)] @ projection.T
        if places[:, 2].min() < 0.1:
            return None
        pixels = places[:, :2] / places[:, 2:]
        left, top = np.clip(pixels.min(0), 0, PICTURE)
        right, bottom = np.clip(pixels.max(0), 0, PICTURE)
        return (left, top, right, bottom) if right - left >= 1 and bottom - top >= 1 else None


def read_labels(path: Path) -> dict[int, list[Box]]:
    """Objects by frame; regions that the annotators did not care for are no objects."""
    frames: dict[int, list[Box]] = {}
    for line in path.read_text().splitlines():
        field = line.split()
        if field[2] == "DontCare":
            continue
        values = [float(value) for value in field[6:17]]
        frames.setdefault(int(field[0]), []).append(
            Box(
                track=int(field[1]),
                label=field[2].lower().replace("_", " "),
                rect=tuple(values[:4]),
                size=(values[4], values[5], values[6]),
                bottom=(values[7], values[8], values[9]),
                turn=values[10],
                cut=float(field[3]) > 0,
            )
        )
    return frames


def read_projection(path: Path) -> Matrix:
    """P2, (3, 4): from the rectified camera to pixels of the left colour camera."""
    for line in path.read_text().splitlines():
        name, _, numbers = line.partition(" ")
        if name.rstrip(":") == "P2":
            return np.array(numbers.split(), dtype=np.float64).reshape(3, 4)
    raise ValueError(f"{path}: there is no P2")


@dataclass(frozen=True)
class Clip:
    """Four label frames of a sequence; each has an object."""

    sequence: str
    start: int
    frames: tuple[tuple[Box, ...], ...]
    projection: Matrix

    @property
    def name(self) -> str:
        return f"{self.sequence}-{self.start:06d}"

    @property
    def objects(self) -> int:
        return sum(len(frame) for frame in self.frames)

    def write(self, path: Path) -> None:
        write_mp4(path, (self._picture(frame) for frame in self.frames), fps=2)

    def _picture(self, frame: tuple[Box, ...]) -> NDArray[np.uint8]:
        width, height = SIZE
        picture = np.full((height, width, 3), 90, dtype=np.uint8)
        for box in sorted(frame, key=lambda box: -box.bottom[2]):
            if rect := self.seen(box):
                left, top, right, bottom = (round(value) for value in rect)
                picture[top : bottom + 1, left : right + 1] = COLOURS.get(box.label, OTHER)
        return picture

    def seen(self, box: Box) -> list[float] | None:
        """Where the object stands in the clip's pictures, in their pixels."""
        rect = box.hull(self.projection)
        if rect is None:
            return None
        scale = np.array(SIZE * 2) / np.array(PICTURE * 2)
        return [round(float(value), 1) for value in np.array(rect) * scale]


def read_clips(data: Path, *, every: int = 1) -> Iterator[Clip]:
    """All clips of all sequences whose frames each show an object, from every `every`-th start frame."""
    for path in sorted((data / "label_02").glob("*.txt")):
        frames = read_labels(path)
        projection = read_projection(data / "calib" / path.name)
        for start in range(0, max(frames) - STRIDE * (len(TIMES) - 1) + 1, every):
            taken = tuple(tuple(frames.get(start + STRIDE * k, ())) for k in range(len(TIMES)))
            if all(taken):
                yield Clip(path.stem, start, taken, projection)


def camera_graph(clip: Clip) -> dict[str, Any]:
    """Every object of every frame, where the camera of that frame sees it."""
    return _graph("camera", [0.0, -1.0, 0.0], [(t, [_node(b, b.center) for b in f]) for t, f in _timed(clip)])


def world_graph(clip: Clip) -> dict[str, Any]:
    """The first frame in a world whose z points up: without the car's own motion no more of it is known."""
    nodes = [_node(box, [box.center[0], box.center[2], -box.center[1]]) for box in clip.frames[0]]
    return _graph("world", [0.0, 0.0, 1.0], [(TIMES[0], nodes)])


def _timed(clip: Clip) -> Iterator[tuple[float, tuple[Box, ...]]]:
    return zip(TIMES, clip.frames, strict=True)


def _node(box: Box, center: list[float]) -> dict[str, Any]:
    return {"id": box.id, "label": box.label, "center": center}


def _graph(space: str, up: list[float], frames: list[tuple[float, list[dict[str, Any]]]]) -> dict[str, Any]:
    centers = np.array([node["center"] for _, nodes in frames for node in nodes])
    scale = float(np.linalg.norm(centers.max(0) - centers.min(0)))
    return {
        "space": space,
        "unit": "m",
        "up": up,
        "scale": round(max(scale, 1.0), 3),
        "frames": [{"t": t, "observer": [0.0, 0.0, 0.0], "nodes": nodes} for t, nodes in frames],
    }


@dataclass(frozen=True)
class Asked:
    """A question about a clip."""

    task: str
    ability: str
    text: str
    answer: dict[str, Any]
    graph: dict[str, Any]


def questions(clip: Clip) -> Iterator[Asked]:
    """One question a task, of the tasks that the clip has something to ask for."""
    first, last = clip.frames[0], clip.frames[-1]
    camera = camera_graph(clip)
    near = min(first, key=lambda box: math.dist(box.center, (0, 0, 0)))
    count = sum(box.label == near.label for box in first)
    yield Asked(
        "counting",
        "static",
        f"How many objects like the nearest {near.label} at 0 s?",
        {"kind": "number", "value": count},
        world_graph(clip),
    )
    if rect := clip.seen(near):
        box = {"kind": "box2d", "value": rect, "size": list(SIZE), "box_space": "pixel"}
        yield Asked("localisation", "static", f"Where is the nearest {near.label} at 0 s?", box, camera)
    later = {box.track: box for box in last}
    if moved := later.get(near.track):
        length = round(math.dist(near.center, moved.center), 2)
        text = f"How far does the nearest {near.label} of 0 s get, seen from the car, by 1.5 s?"
        answer = {"kind": "number", "value": max(length, 0.01), "unit": "m"}
        yield Asked("displacement", "dynamic", text, answer, camera)
    far = max(first, key=lambda box: math.dist(box.center, (0, 0, 0)))
    if abs(far.center[0] - near.center[0]) > 1.0:
        side = "left" if far.center[0] < near.center[0] else "right"
        options = ["left", "right"]
        text = f"Is the farthest {far.label} left or right of the nearest {near.label} at 0 s?"
        answer = {"kind": "choice", "value": "AB"[options.index(side)], "options": options}
        yield Asked("relative_direction", "static", text, answer, camera)
    gone = [t for t, frame in _timed(clip) if all(box.track != near.track for box in frame)]
    if gone:
        answer = {"kind": "interval", "value": [0.0, gone[0]]}
        text = f"When is the nearest {near.label} of 0 s in sight?"
        yield Asked("grounding", "spatio-temporal", text, answer, camera)


def rows_of(clip: Clip, video: Path, first: int = 0) -> list[dict[str, Any]]:
    """The clip's questions as rows, numbered from `first`. The file at `video` is not written here."""
    struct = {
        "video": str(video),
        "nframes": len(TIMES),
        "resized_height": SIZE[1],
        "resized_width": SIZE[0],
    }
    rows = []
    for index, asked in enumerate(questions(clip), start=first):
        reference = {"version": 1, "answer": asked.answer, "graph": asked.graph}
        rows.append(
            make_row(
                reference=reference,
                prompt=build_prompt(reference, asked.text, media="video", form="lines", style="compact"),
                source="kitti",
                task=asked.task,
                ability=asked.ability,
                question=asked.text,
                scene=clip.name,
                split="train",
                index=index,
                frames=TIMES,
                seed=0,
                builder_version="test",
                videos=[struct],
            )
        )
    return rows
