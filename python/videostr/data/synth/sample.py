"""Random scenes in which every object can be told and is seen in every frame that reaches the model."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from videostr.data.synth.config import SynthConfig
from videostr.data.synth.render import visible_pixels
from videostr.data.synth.scene import Scene, Solid

MAX_ATTEMPTS = 2000


def sample_scene(config: SynthConfig, seed: int, index: int) -> Scene:
    """Scene number `index` of world `seed`: the same for the same arguments, whatever was made before.

    Raises ValueError when the config leaves no room for a scene.
    """
    rng = np.random.default_rng([seed, index])
    count = int(rng.integers(config.objects[0], config.objects[1] + 1))
    for _ in range(MAX_ATTEMPTS):
        scene = _draw(config, rng, seed, index, count)
        if _apart(scene, config) and _in_view(scene, config):
            return scene
    raise ValueError(
        f"SynthConfig: no scene of {count} objects in {MAX_ATTEMPTS} attempts (seed {seed}, clip {index}); "
        "allow fewer or smaller objects, more depth, or less motion"
    )


def _draw(config: SynthConfig, rng: np.random.Generator, seed: int, index: int, count: int) -> Scene:
    kinds = [(colour, shape) for colour in config.colours for shape in config.shapes]
    chosen = rng.choice(len(kinds), size=count, replace=False)
    half_view = math.tan(math.radians(config.field_of_view) / 2.0)
    solids: list[Solid] = []
    for kind in chosen:
        colour, shape = kinds[int(kind)]
        depth = rng.uniform(*config.depth)
        speed = rng.uniform(*config.speed) if rng.random() < config.moving_share else 0.0
        heading = rng.uniform(0.0, 2.0 * math.pi)
        solids.append(
            Solid(
                colour=colour,
                shape=shape,
                radius=float(rng.uniform(*config.radius)),
                start=(float(rng.uniform(-1.0, 1.0) * depth * half_view), float(depth)),
                velocity=(float(speed * math.cos(heading)), float(speed * math.sin(heading)))
                if speed
                else (0.0, 0.0),
                yaw=float(rng.uniform(0.0, math.pi / 2.0)),
            )
        )
    speed, heading = rng.uniform(*config.camera_speed), rng.uniform(0.0, 2.0 * math.pi)
    return Scene(
        index=index,
        seed=seed,
        solids=tuple(solids),
        camera_height=config.camera_height,
        camera_pitch=math.radians(config.camera_pitch),
        camera_velocity=(float(speed * math.cos(heading)), float(speed * math.sin(heading))),
        camera_turn=math.radians(rng.uniform(*config.camera_turn)),
    )


def _apart(scene: Scene, config: SynthConfig) -> bool:
    """No two solids touch at any time; their distance under straight motion is least at one known time."""
    last = config.frame_times[-1]
    for a, b in combinations(scene.solids, 2):
        gap = np.subtract(a.start, b.start)
        motion = np.subtract(a.velocity, b.velocity)
        square = float(motion @ motion)
        nearest = min(max(-float(gap @ motion) / square, 0.0), last) if square else 0.0
        if np.linalg.norm(gap + motion * nearest) < a.footprint + b.footprint + config.min_gap:
            return False
    return True


def _in_view(scene: Scene, config: SynthConfig) -> bool:
    """Every solid is before the camera and seen well enough in each frame that the reader takes."""
    lens = config.lens
    for time in config.reader_times:
        centres = scene.camera(time).to_camera(scene.centres(time))
        if (centres[:, 2] <= 2.0 * config.radius[1]).any():
            return False
        pixels = lens.project(centres)
        if (pixels < 0.0).any() or (pixels > lens.size).any():
            return False
    for time in config.reader_times:
        seen, alone = visible_pixels(scene, time, lens)
        if (seen < config.min_visible_pixels).any() or (seen < config.min_visible_share * alone).any():
            return False
    return True
