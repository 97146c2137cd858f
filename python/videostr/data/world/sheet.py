"""Contact sheets: clips as their files show them, with the boxes, the names and the questions of their records."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from videostr._packages import require_packages
from videostr.data.clips import read_frames
from videostr.data.facts import Facts
from videostr.data.questions import Filters, Question, Sight
from videostr.data.world.clip import Clip, Shot
from videostr.data.world.solids import COLOURS

_FRAMES = 6
_TEXT_PX = 430
_LINE_PX = 12
_LETTERS = 72


def contact_sheet(
    path: str | Path, out_dir: str | Path, clips: Sequence[Clip], filters: Filters | None = None
) -> None:
    """A picture with one row for each shot of the clips; objects that are not clearly seen have thin boxes.

    Args:
        path: A `.png` to write.
        out_dir: Where the clips' paths start.
        clips: From `load_clip`.
        filters: That say what is clearly seen.
    """
    require_packages("contact sheets", ["PIL", "av"])
    from PIL import Image

    strips = [
        _strip(clip, shot, Path(out_dir), filters or Filters()) for clip in clips for shot in clip.shots
    ]
    width = max(strip.width for strip in strips)
    sheet = Image.new("RGB", (width, sum(strip.height + 4 for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height + 4
    sheet.save(path)


def _strip(clip: Clip, shot: Shot, out: Path, filters: Filters) -> Any:
    from PIL import Image, ImageDraw

    facts = shot.facts
    assert facts.size is not None
    width, height = facts.size
    count = min(_FRAMES, len(facts.times))
    frames = [int(frame) for frame in np.linspace(0, len(facts.times) - 1, count).round()]
    pictures = read_frames(out / shot.video, [float(facts.times[frame]) for frame in frames]).frames
    clear = Sight(facts, filters).clear
    strip = Image.new("RGB", (count * (width + 2) + _TEXT_PX, height), "white")
    for place, (frame, picture) in enumerate(zip(frames, pictures, strict=True)):
        image = Image.fromarray(picture)
        pen = ImageDraw.Draw(image)
        _draw_boxes(pen, facts, frame, clear)
        pen.text((3, 1), f"{facts.times[frame]:g} s", fill="black")
        strip.paste(image, (place * (width + 2), 0))
    pen = ImageDraw.Draw(strip)
    lines = [f"{clip.scene} view {shot.view} roll {shot.roll:g}"]
    for question in clip.questions:
        lines += _told(question)
    for row, line in enumerate(lines):
        pen.text((count * (width + 2) + 6, 2 + row * _LINE_PX), line, fill="black")
    return strip


def _draw_boxes(pen: Any, facts: Facts, frame: int, clear: Any) -> None:
    for thing, seen in zip(facts.things, clear[:, frame], strict=True):
        box = thing.boxes[frame]
        if thing.pixels[frame] <= 0 or np.isnan(box).any():
            continue
        colour = tuple(int(255 * part) for part in COLOURS[thing.label.split()[0]])
        left, top, right, bottom = (float(value) for value in box)
        pen.rectangle((left, top, right, bottom), outline=colour if seen else "white")
        if seen:
            pen.text((left + 2, max(top - 11, 0)), thing.id, fill="black")


def _told(question: Question) -> list[str]:
    answer = question.answer
    unit = dict(answer.fields).get("unit", "")
    wrong = f" (not {' | '.join(answer.wrong)})" if answer.wrong else ""
    text = f"- [{question.task}] {question.text} => {answer.value} {unit}{wrong}"
    return textwrap.wrap(text, _LETTERS)
