"""The exact reference graph of a scene, in camera or world coordinates."""

from __future__ import annotations

from typing import Any

from videostr.data.synth.config import SynthConfig
from videostr.data.synth.scene import Scene


def reference_graph(scene: Scene, config: SynthConfig) -> dict[str, Any]:
    """The `graph` of a ground truth: one frame for each of `config.graph_times`.

    Camera space: x right, y down, z forward of that frame's camera, origin at it. World space: z up, origin
    on the floor under the first camera, which looks along +y. Metres. A centre is the middle of the solid's
    bounding box.
    """
    digits = config.decimals
    first = scene.camera(0.0)
    camera_space = config.space == "camera"
    frames: list[dict[str, Any]] = []
    for time in config.graph_times:
        camera, centres = scene.camera(time), scene.centres(time)
        places = camera.to_camera(centres) if camera_space else centres
        observer = (0.0, 0.0, 0.0) if camera_space else camera.position
        nodes = [
            {
                "id": solid.label,
                "label": solid.label,
                "center": [round(float(value), digits) for value in place],
            }
            for solid, place in sorted(zip(scene.solids, places, strict=True), key=lambda item: item[0].label)
        ]
        frames.append(
            {"t": time, "observer": [round(float(value), digits) for value in observer], "nodes": nodes}
        )
    return {
        "space": config.space,
        "unit": "m",
        "up": [round(value, 9) for value in first.up()] if camera_space else [0.0, 0.0, 1.0],
        "scale": round(config.scale, digits),
        "frames": frames,
    }
