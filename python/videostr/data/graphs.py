"""Reference graphs from the facts of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videostr.data.facts import Bools, Facts, Space


def reference_graph(
    facts: Facts, frames: Sequence[int], shown: Bools, *, space: Space, decimals: int
) -> dict[str, Any] | None:
    """The `graph` of a ground truth, or None when no object is shown in any of `frames`.

    World space: z up, the scene's own origin and axes. Camera space: x right, y down, z forward of that
    frame's camera, origin at it. Metres. A frame without an object is left out.

    Args:
        facts: The clip.
        frames: Indices of its frames that the graph may have.
        shown: Which objects are nodes of which frame, (objects, frames of the clip).
        space: Whose coordinates.
        decimals: Digits after the point.

    Raises:
        ValueError: Camera space without a camera.
    """
    eye = facts.eye
    if space == "camera" and eye is None:
        raise ValueError("space: camera coordinates need the camera's pose")
    made: list[dict[str, Any]] = []
    for frame in frames:
        nodes: list[dict[str, Any]] = []
        for thing, seen in sorted(zip(facts.things, shown, strict=True), key=lambda item: item[0].id):
            if seen[frame]:
                place = thing.places[frame]
                if space == "camera":
                    assert eye is not None
                    place = eye.to_camera(place, frame)
                nodes.append({"id": thing.id, "label": thing.label, "center": _rounded(place, decimals)})
        if nodes:
            item: dict[str, Any] = {"t": float(facts.times[frame])}
            if eye is not None:
                observer = eye.positions[frame] if space == "world" else (0.0, 0.0, 0.0)
                item["observer"] = _rounded(observer, decimals)
            made.append({**item, "nodes": nodes})
    if not made:
        return None
    up: list[float] = [0.0, 0.0, 1.0]
    if space == "camera":
        assert eye is not None
        up = _rounded(eye.axes[frames[0]][:, 2], 9)
    return {"space": space, "unit": "m", "up": up, "scale": round(facts.scale, decimals), "frames": made}


def _rounded(values: Any, decimals: int) -> list[float]:
    return [round(float(value), decimals) + 0.0 for value in values]
