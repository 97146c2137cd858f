"""Answers of the world's questions, worked out anew from the question's words and the record's plain JSON."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np

Record = dict[str, Any]
NUMBER = r"(-?[\d.]+)"


class Clip:
    """The facts of a shot as its JSON file holds them."""

    def __init__(self, facts: Record) -> None:
        self.times = facts["times"]
        self.things = facts["things"]
        self.eye = facts["eye"]

    def frame(self, time: str) -> int:
        return min(range(len(self.times)), key=lambda frame: abs(self.times[frame] - float(time)))

    def named(self, label: str) -> Record:
        found = [thing for thing in self.things if thing["label"] == label]
        assert len(found) == 1, f"{label} is not the only one"
        return found[0]

    def clear(self, thing: Record) -> list[int]:
        return [
            frame
            for frame in range(len(self.times))
            if thing["pixels"][frame] >= 60 and thing["share"][frame] >= 0.4
        ]

    def still_or_clear(self, thing: Record, frame: int, *, timed: bool) -> None:
        """Whoever is asked about stands still and is seen at some time, or is seen clearly at that time."""
        if timed:
            assert frame in self.clear(thing)
        else:
            assert thing["travelled"][-1] == 0.0
            assert self.clear(thing)


def between(a: Any, b: Any) -> float:
    return math.dist(a, b)


def answer(question: Record, facts: Record) -> Any:
    """The right answer as the question's answer gives it, without rounding."""
    return ANSWERS[question["task"]](question["text"], Clip(facts), question["answer"])


def _moment(text: str, clip: Clip) -> tuple[str, int, bool]:
    at = re.match(rf"At {NUMBER} s, (.*)", text)
    return (at[2], clip.frame(at[1]), True) if at else (text[:1].lower() + text[1:], 0, False)


def _counting(text: str, clip: Clip, _answer: Record) -> Any:
    name = re.fullmatch(r"How many different (.+)\(s\) are seen in the clip\?", text)[1]  # type: ignore[index]
    count = 0
    for thing in clip.things:
        colour, shape = thing["label"].split()
        if name in (thing["label"], f"coloured {shape}", f"{colour} object"):
            seen = bool(clip.clear(thing))
            assert seen or not any(thing["pixels"]), "one is barely seen"
            count += seen
    assert count >= 2
    return count


def _relative_distance(text: str, clip: Clip, answer: Record) -> Any:
    rest, frame, timed = _moment(text, clip)
    base = re.search(r"closest to the (.+?)[?:]", rest)[1]  # type: ignore[index]
    listed = re.search(r": (.+)\?$", rest)
    names = (
        re.split(", | or ", listed[1]) if answer["kind"] == "text" else [answer["value"], *answer["wrong"]]
    )
    origin = clip.eye["positions"][frame] if base == "camera" else clip.named(base)["places"][frame]
    lengths = {}
    for name in names:
        clip.still_or_clear(clip.named(name), frame, timed=timed)
        lengths[name] = between(origin, clip.named(name)["places"][frame])
    assert all(abs(a - b) > 0.15 for a, b in itertools.combinations(lengths.values(), 2))
    assert min(lengths.values()) >= 0.15
    return min(lengths, key=lambda name: lengths[name])


def _absolute_distance(text: str, clip: Clip, _answer: Record) -> Any:
    rest, frame, timed = _moment(text, clip)
    camera = re.search(r"between the camera and the centre of the (.+), in metres", rest)
    if camera:
        clip.still_or_clear(clip.named(camera[1]), frame, timed=timed)
        length = between(clip.eye["positions"][frame], clip.named(camera[1])["places"][frame])
        assert 0.2 <= length <= 10.0
        return length
    a, b = re.search(r"centres of the (.+) and the (.+), in metres", rest).groups()  # type: ignore[union-attr]
    for name in (a, b):
        clip.still_or_clear(clip.named(name), frame, timed=timed)
    return between(clip.named(a)["places"][frame], clip.named(b)["places"][frame])


def _relative_direction(text: str, clip: Clip, answer: Record) -> Any:
    rest, frame, timed = _moment(text, clip)
    seen = re.match(r"seen from the camera, is the (.+) to the left or to the right of the (.+)\?", rest)
    if seen:
        columns = []
        for name in seen.groups():
            thing = clip.named(name)
            offset = np.subtract(thing["places"][frame], clip.eye["positions"][frame])
            x, _, z = np.array(clip.eye["axes"][frame]) @ offset
            columns.append(math.degrees(math.atan2(x, z)))
        assert abs(columns[0] - columns[1]) >= 10.0
        return "left" if columns[0] < columns[1] else "right"
    match = re.match(r"if someone stands by the (.+) and faces the (.+), is the (.+) to their (.+)\?", rest)
    assert match
    stand, face, ask = (np.array(clip.named(name)["places"][frame][:2]) for name in match.groups()[:3])
    for name in match.groups()[:3]:
        clip.still_or_clear(clip.named(name), frame, timed=timed)
    ahead, there = complex(*(face - stand)), complex(*(ask - stand))
    angle = math.degrees(np.angle(there / ahead))  # positive: to the left
    options = {answer["value"], *answer["wrong"]}
    assert options == set(re.split(", | or ", match[4]))
    edges = {2: (0, 135, -135), 3: (0, 135, -135), 4: (0, 90, 180, -90)}[len(options)]
    assert all(abs((angle - edge + 180) % 360 - 180) >= 10.0 - 1e-9 for edge in edges)
    if len(options) == 4:
        return f"{'front' if abs(angle) < 90 else 'back'}-{'left' if angle > 0 else 'right'}"
    if abs(angle) > 135:
        assert len(options) == 3
        return "back"
    return "left" if angle > 0 else "right"


def _appearance_order(text: str, clip: Clip, _answer: Record) -> Any:
    names = re.search(r": (.+)\?", text)[1].split(", ")  # type: ignore[index]
    first = {name: clip.times[clip.clear(clip.named(name))[0]] for name in names}
    assert all(abs(a - b) > 1.0 for a, b in itertools.combinations(first.values(), 2))
    glimpse = {
        name: next(t for t, p in zip(clip.times, clip.named(name)["pixels"], strict=True) if p)
        for name in names
    }
    assert sorted(names, key=lambda name: first[name]) == sorted(names, key=lambda name: glimpse[name])
    return ", ".join(sorted(names, key=lambda name: first[name]))


def _size(text: str, clip: Clip, _answer: Record) -> Any:
    thing = clip.named(re.search(r"of the ([a-z ]+), in centimetres", text)[1])  # type: ignore[index]
    assert any(thing["inside"][frame] >= 0.95 for frame in clip.clear(thing))
    return 100.0 * max(thing["size"])


def _localisation(text: str, clip: Clip, _answer: Record) -> Any:
    when = re.match(r"From when to when is the (.+) in view\?", text)
    if when:
        frames = clip.clear(clip.named(when[1]))
        assert frames == list(range(frames[0], frames[-1] + 1))
        assert 2 <= len(frames) <= len(clip.times) - 2
        return [clip.times[frames[0]], clip.times[frames[-1]]]
    time, name = re.match(rf"At {NUMBER} s, where in the picture is the ([a-z ]+)", text).groups()  # type: ignore[union-attr]
    thing, frame = clip.named(name.strip()), clip.frame(time)
    assert thing["inside"][frame] >= 0.95
    assert thing["share"][frame] >= 0.9
    return thing["boxes"][frame]


def _tracking(text: str, clip: Clip, _answer: Record) -> Any:
    match = re.match(rf"At {NUMBER} s there is a (.+) in the box \[(.+)\] .* is it at {NUMBER} s\?", text)
    assert match
    first, last = clip.frame(match[1]), clip.frame(match[4])
    box = [float(value) for value in match[3].split(", ")]
    here = [
        thing
        for thing in clip.things
        if thing["label"] == match[2]
        and thing["boxes"][first][0] is not None
        and np.abs(np.subtract(thing["boxes"][first], box)).max() <= 0.5 + 1e-6
    ]
    assert len(here) == 1
    assert float(match[4]) - float(match[1]) >= 2.0
    return here[0]["boxes"][last]


def _span(text: str, clip: Clip, pattern: str) -> tuple[Record, int, int]:
    match = re.search(pattern, text)
    assert match
    thing = clip.named(match["name"])
    first, last = clip.frame(match["first"]), clip.frame(match["last"])
    assert {first, last} <= set(clip.clear(thing))
    assert clip.times[last] - clip.times[first] >= 2.0
    return thing, first, last


def _displacement(text: str, clip: Clip, _answer: Record) -> Any:
    pattern = r"the place of the (?P<name>.+) at (?P<last>[\d.]+) s from its place at (?P<first>[\d.]+) s,"
    thing, first, last = _span(text, clip, pattern)
    length = between(thing["places"][first], thing["places"][last])
    assert 0.2 <= length <= 10.0
    return length


def _way(thing: Record, first: int, last: int) -> float:
    """Length of the way; its polygon over the frames is at most a twentieth shorter."""
    places = thing["places"][first : last + 1]
    polygon = sum(between(a, b) for a, b in itertools.pairwise(places))
    way = thing["travelled"][last] - thing["travelled"][first]
    assert 0.95 * way - 1e-6 <= polygon <= way + 1e-5
    return way


def _path_length(text: str, clip: Clip, _answer: Record) -> Any:
    pattern = r"way that the (?P<name>.+) goes from (?P<first>[\d.]+) s to (?P<last>[\d.]+) s,"
    return _way(*_span(text, clip, pattern))


def _speed(text: str, clip: Clip, _answer: Record) -> Any:
    pattern = r"speed of the (?P<name>.+) from (?P<first>[\d.]+) s to (?P<last>[\d.]+) s,"
    thing, first, last = _span(text, clip, pattern)
    return _way(thing, first, last) / (clip.times[last] - clip.times[first])


def _ego_motion(text: str, clip: Clip, _answer: Record) -> Any:
    start, end = (np.array(clip.eye["positions"][frame]) for frame in (0, -1))
    forward = np.array(clip.eye["axes"][0])[2][:2]
    forward /= np.linalg.norm(forward)
    if text.startswith("How far in a straight line"):
        return between(start, end)
    if text.startswith("By how many degrees"):
        return abs(_turned(clip))
    if text.startswith("Does the camera turn"):
        return "left" if _turned(clip) > 0 else "right"
    assert text.startswith("Seen from where the camera looks at the start")
    ahead = float((end - start)[:2] @ forward)
    left = float((end - start)[:2] @ np.array([-forward[1], forward[0]]))
    assert max(abs(ahead), abs(left)) >= 1.0
    if abs(ahead) > abs(left):
        return "forwards" if ahead > 0 else "backwards"
    return "left" if left > 0 else "right"


def _turned(clip: Clip) -> float:
    """Degrees from frame to frame, summed, from the axes alone."""
    total = 0.0
    for before, after in itertools.pairwise(np.array(clip.eye["axes"])):
        a, b = before[2][:2], after[2][:2]
        total += math.degrees(math.atan2(a[0] * b[1] - a[1] * b[0], a @ b))
    return total


ANSWERS = {
    "counting": _counting,
    "relative_distance": _relative_distance,
    "relative_direction": _relative_direction,
    "absolute_distance": _absolute_distance,
    "appearance_order": _appearance_order,
    "size": _size,
    "localisation": _localisation,
    "tracking": _tracking,
    "displacement": _displacement,
    "path_length": _path_length,
    "speed": _speed,
    "ego_motion": _ego_motion,
}
