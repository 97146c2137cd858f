"""Pictures of a scene: exact perspective, shading by a fixed light, occlusion by depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videostr.data.synth.camera import Lens
from videostr.data.synth.raycast import MISS, hit
from videostr.data.synth.scene import COLOURS, Scene

Floats = NDArray[np.float64]
_LIGHT = np.array([-0.45, -0.55, 0.70]) / np.linalg.norm([-0.45, -0.55, 0.70])
_AMBIENT = 0.45
_TILES = np.array([[0.36, 0.36, 0.37], [0.46, 0.46, 0.47]])
_SKY = np.array([0.72, 0.80, 0.88])
_HAZE_PER_METRE = 0.02


def render(scene: Scene, time: float, lens: Lens, supersampling: int = 2) -> NDArray[np.uint8]:
    """The picture at `time`, (size, size, 3) RGB."""
    camera = scene.camera(time)
    rays = lens.rays(supersampling) @ camera.axes()
    origin = np.array(camera.position)
    nearest, colour = _floor(origin, rays)
    for solid in scene.solids:
        depth, normal = hit(solid, time, origin, rays)
        light = _AMBIENT + (1.0 - _AMBIENT) * np.clip(normal @ _LIGHT, 0.0, 1.0)
        before = depth < nearest
        colour = np.where(before[..., None], np.array(COLOURS[solid.colour]) * light[..., None], colour)
        nearest = np.where(before, depth, nearest)
    size, count = lens.size, supersampling
    mean = colour.reshape(size, count, size, count, 3).mean(axis=(1, 3))
    picture: NDArray[np.uint8] = np.rint(np.clip(mean, 0.0, 1.0) * 255.0).astype(np.uint8)
    return picture


def visible_pixels(scene: Scene, time: float, lens: Lens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels of each solid that are seen at `time`, and that would be if it stood alone; both (N,)."""
    camera = scene.camera(time)
    rays = lens.rays(1) @ camera.axes()
    depths = np.stack([hit(solid, time, np.array(camera.position), rays)[0] for solid in scene.solids])
    first = depths.argmin(axis=0)
    hits = np.isfinite(depths)
    seen = [int(((first == index) & hits[index]).sum()) for index in range(len(scene.solids))]
    return np.array(seen, dtype=np.int64), hits.sum(axis=(1, 2)).astype(np.int64)


def _floor(origin: Floats, rays: Floats) -> tuple[Floats, Floats]:
    """Depth and colour of the tiled floor, and of the sky above it."""
    with np.errstate(divide="ignore"):
        depth = np.where(rays[..., 2] < 0.0, -origin[2] / rays[..., 2], MISS)
    reach = np.where(np.isfinite(depth), depth, 0.0)
    place = origin + rays * reach[..., None]
    tile = np.floor(place[..., :2]).astype(np.int64).sum(-1) % 2
    haze = np.exp(-_HAZE_PER_METRE * reach * np.linalg.norm(rays, axis=-1))[..., None]
    ground = _TILES[tile] * haze + _SKY * (1.0 - haze)
    return depth, np.where(np.isfinite(depth)[..., None], ground, _SKY)
