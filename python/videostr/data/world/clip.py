"""One clip of the world: a scene that suits the config, its videos, its facts, its questions."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from videostr.data.facts import Facts
from videostr.data.questions import Answer, Question, Sight, ask_in_turn
from videostr.data.settings import SettingsError
from videostr.data.synth.video import write_mp4
from videostr.data.world.config import WORLD_VERSION, WorldConfig
from videostr.data.world.motion import Point
from videostr.data.world.observe import hidden_share, observe
from videostr.data.world.picture import render
from videostr.data.world.sample import NoRoomError, draw_scene
from videostr.data.world.scene import Room, Scene

DRAWS = 400
"""Scenes drawn for a clip before its config is said to leave no room."""


@dataclass(frozen=True)
class Shot:
    """A video of a scene.

    Attributes:
        video: Its path, relative to the output folder.
        view: Number of the side from which it is seen.
        roll: Of the camera, degrees.
        facts: At the times that reach the model.
    """

    video: str
    view: int
    roll: float
    facts: Facts


@dataclass(frozen=True)
class Clip:
    """A scene's shots and the questions that have one answer in all of them.

    Attributes:
        scene: Its name.
        shots: At least one.
        questions: In the order in which they become rows.
        dropped: Questions that were not asked, by `task/reason`.
    """

    scene: str
    shots: tuple[Shot, ...]
    questions: tuple[Question, ...]
    dropped: dict[str, int]


def record_path(out: Path, config: WorldConfig, seed: int, index: int) -> Path:
    """Where the record of a clip lies: its name ends in a hash of all that the clip is made from."""
    made_from = {"version": WORLD_VERSION, "config": config.at(index).to_dict(), "seed": seed, "index": index}
    return out / "scenes" / f"{_name(seed, index)}-{_digest(made_from)}.json"


def make_clip(out: Path, config: WorldConfig, seed: int, index: int) -> None:
    """Makes clip `index` of world `seed` unless it is there: its videos, then its record, each whole or not at all.

    Raises SettingsError when the config leaves no room for a scene.
    """
    record = record_path(out, config, seed, index)
    if record.exists() and all((out / shot.video).exists() for shot in load_clip(record).shots):
        return
    config = config.at(index)
    scene, clip = _found(config, seed, index)
    for shot, seen in zip(clip.shots, _shots(config, scene), strict=True):
        path = out / shot.video
        if not path.exists():
            frames = (render(seen.scene, time, config.lens, config.supersampling) for time in config.times)
            write_mp4(path, frames, config.fps)
    part = record.with_suffix(".part")
    part.write_text(json.dumps(_plain(clip, scene), separators=(",", ":")) + "\n", encoding="utf-8")
    os.replace(part, record)


def load_clip(path: str | Path) -> Clip:
    """The clip of a record."""
    values = json.loads(Path(path).read_text(encoding="utf-8"))
    return Clip(
        scene=values["scene"],
        shots=tuple(
            Shot(item["video"], item["view"], item["roll"], Facts.from_dict(item["facts"]))
            for item in values["shots"]
        ),
        questions=tuple(
            Question(item["task"], item["ability"], item["text"], _answer(item["answer"]))
            for item in values["questions"]
        ),
        dropped=values["dropped"],
    )


def sample_scene(config: WorldConfig, seed: int, index: int) -> Scene:
    """The scene of clip `index` of world `seed`: the same for the same arguments, whatever was made before."""
    return _found(config.at(index), seed, index)[0]


def _found(config: WorldConfig, seed: int, index: int) -> tuple[Scene, Clip]:
    """The first drawn scene that suits the config and can be asked something."""
    reasons: Counter[str] = Counter()
    for draw in range(DRAWS):
        rng = np.random.default_rng([seed, index, draw])
        try:
            scene = draw_scene(config, rng, _name(seed, index))
        except NoRoomError:
            reasons["no room for an object or the camera"] += 1
            continue
        shots = _observed(config, scene)
        if shots is None:
            reasons["hidden or out of view"] += 1
            continue
        sights = [Sight(shot.facts, config.filters, anywhere=config.several_shots) for shot in shots]
        questions, dropped = ask_in_turn(
            sights, config.tasks, config.questions_per_clip, seed=seed, index=index
        )
        if questions:
            return scene, Clip(scene.name, tuple(shots), tuple(questions), dropped)
        reasons["no question"] += 1
    told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    raise SettingsError(
        f"world: no scene in {DRAWS} draws (seed {seed}, clip {index}: {told}); "
        "allow fewer or smaller objects, another occlusion, or more tasks"
    )


@dataclass(frozen=True)
class _Seen:
    scene: Scene
    view: int
    roll: float


def _shots(config: WorldConfig, scene: Scene) -> Iterator[_Seen]:
    about = _middle(config, scene)
    for view in range(config.views):
        turned = scene.seen_from(2.0 * math.pi * view / config.views, about) if view else scene
        for roll in config.rolls:
            yield _Seen(turned.rolled(math.radians(roll)) if roll else turned, view, roll)


def _middle(config: WorldConfig, scene: Scene) -> Point:
    """The point about which views are turned: the mean place of the named objects."""
    places = np.concatenate([solid.motion.poses(config.reader_times)[:, :2] for solid in scene.named])
    x, y = places.mean(axis=0)
    return float(x), float(y)


def _observed(config: WorldConfig, scene: Scene) -> list[Shot] | None:
    """The scene's shots, or None where they do not suit the config."""
    shots: list[Shot] = []
    for seen in _shots(config, scene):
        if config.several_shots and not _stands_free(config, seen.scene):
            return None
        # What is written is what is asked about: the facts go through the digits of their file.
        facts = Facts.from_dict(observe(seen.scene, config.reader_times, config.lens).to_dict())
        clear = Sight(facts, config.filters).clear
        if config.several_shots and not clear.all():
            return None
        if clear.any(axis=1).sum() < config.objects[0]:
            return None
        if not config.occlusion[0] <= hidden_share(facts, config.filters.seen_pixels) <= config.occlusion[1]:
            return None
        made_from = {
            "version": WORLD_VERSION,
            "scene": [type(seen.scene.place).__name__, asdict(seen.scene)],
            "times": config.times,
            "fps": config.fps,
            "lens": asdict(config.lens),
            "supersampling": config.supersampling,
        }
        video = f"clips/{scene.name}-{_digest(made_from)}.mp4"
        shots.append(Shot(video, seen.view, seen.roll, facts))
    return shots


def _stands_free(config: WorldConfig, scene: Scene) -> bool:
    """Whether a turned camera keeps to the place and clear of the solids."""
    camera = scene.camera.motion.poses(config.times)[:, :2]
    margin = 0.3 if isinstance(scene.place, Room) else 1.0
    return scene.place.holds(camera, margin) and all(
        np.linalg.norm(solid.motion.poses(config.times)[:, :2] - camera, axis=1).min() > solid.footprint + 0.5
        for solid in scene.solids
    )


def _plain(clip: Clip, scene: Scene) -> dict[str, Any]:
    return {
        "version": WORLD_VERSION,
        "scene": clip.scene,
        "made_of": {"place_kind": type(scene.place).__name__.lower(), **asdict(scene)},
        "shots": [
            {"video": shot.video, "view": shot.view, "roll": shot.roll, "facts": shot.facts.to_dict()}
            for shot in clip.shots
        ],
        "questions": [asdict(question) for question in clip.questions],
        "dropped": clip.dropped,
    }


def _answer(values: dict[str, Any]) -> Answer:
    fields = tuple((name, value) for name, value in values["fields"])
    return Answer(values["kind"], values["value"], tuple(values["wrong"]), fields)


def _name(seed: int, index: int) -> str:
    return f"world-{seed}-{index:06d}"


def _digest(made_from: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]
