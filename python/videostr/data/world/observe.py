"""The facts of a rendered scene, exact but for the counted pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from videostr.data.facts import Facts, Thing
from videostr.data.world.camera import Lens
from videostr.data.world.cast import View, count
from videostr.data.world.scene import Scene
from videostr.data.world.solids import Floats, Solid


def observe(scene: Scene, times: Sequence[float], lens: Lens) -> Facts:
    """What is where and how it is seen at each time. Pixels are counted by the ray through their middle."""
    eye = scene.camera.eye(times)
    poses = np.stack([solid.motion.poses(times) for solid in scene.solids])
    counts = [
        count(scene.solids, poses[:, frame], View(lens, 1, eye.positions[frame], eye.axes[frame]))
        for frame in range(len(times))
    ]
    seen = np.stack([item.seen for item in counts], axis=1)
    alone = np.stack([item.alone for item in counts], axis=1)
    uncut = np.stack([lens.pixels(item.bounds.reshape(-1, 2, 2)).reshape(-1, 4) for item in counts], axis=1)
    boxes = np.clip(uncut, 0.0, [lens.width, lens.height] * 2)
    inside = _area(boxes) / _area(uncut)
    boxes[~(_area(boxes) > 0.0)] = np.nan
    named = scene.named
    things = tuple(
        Thing(
            id=name,
            label=solid.label,
            groups=(f"coloured {solid.shape}", f"{solid.colour} object"),
            size=solid.size,
            places=np.column_stack([poses[index, :, :2], np.full(len(times), solid.size[2] / 2.0)]),
            yaws=poses[index, :, 2],
            boxes=boxes[index],
            inside=inside[index],
            pixels=seen[index],
            share=seen[index] / np.maximum(alone[index], 1.0),
            travelled=solid.motion.travelled(times),
        )
        for index, (name, solid) in enumerate(zip(_ids(named), named, strict=True))
    )
    return Facts(scene.name, np.array(times), (lens.width, lens.height), things, eye, _scale(named, poses))


def _area(boxes: Floats) -> Floats:
    sides = boxes[..., 2:] - boxes[..., :2]
    area: Floats = sides[..., 0] * sides[..., 1]
    return area


def _ids(solids: Sequence[Solid]) -> list[str]:
    """The label, numbered where several have it."""
    counts = Counter(solid.label for solid in solids)
    used: Counter[str] = Counter()
    ids: list[str] = []
    for solid in solids:
        used[solid.label] += 1
        ids.append(solid.label if counts[solid.label] == 1 else f"{solid.label}.{used[solid.label]}")
    return ids


def _scale(solids: Sequence[Solid], poses: Floats) -> float:
    """Diagonal of the upright box that holds all named solids at all times."""
    places = poses[: len(solids), :, :2]
    margins = np.array([solid.footprint for solid in solids])[:, None, None]
    span = (places + margins).max(axis=(0, 1)) - (places - margins).min(axis=(0, 1))
    return float(np.linalg.norm([*span, max(solid.size[2] for solid in solids)]))


def hidden_share(facts: Facts, least_pixels: int) -> float:
    """Mean hidden share of the objects over the frames in whose view they are."""
    shares = np.array([thing.share for thing in facts.things])
    pixels = np.array([thing.pixels for thing in facts.things])
    boxes = np.array([_area(thing.boxes) * np.nan_to_num(thing.inside) for thing in facts.things])
    in_view = (pixels > 0) | (np.nan_to_num(boxes) >= least_pixels)
    return float(1.0 - shares[in_view].mean()) if in_view.any() else 0.0
