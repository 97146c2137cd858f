"""One rollout beside its reference as a picture, with matplotlib."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from videostr._packages import require_packages
from videostr.view.axes import axes_of
from videostr.view.plot import INK, REFERENCE, REPLY, finish, in_space, places_on, write
from videostr.view.scene import spread_over

Floats = npt.NDArray[np.float64]

#: Frames beside each other.
COLUMNS = 4
#: A reply's node that strays by more than so many times the size of the reference is drawn at the edge.
STRAY = 1.2
_WIDTH, _BARS, _HIGH = 3.1, 3.0, 3.0


def draw_rollout(rollout: Mapping[str, Any], clip: Mapping[str, Any] | None, out: Path) -> None:
    """Writes a PNG: frames of the clip, the graphs from above and in space, the components.

    Args:
        rollout: As `rollout_data` gives it.
        clip: Its pictures, where there are some.
        out: The file.
    """
    require_packages("a picture of a rollout", ["matplotlib"])
    figure = _figure(rollout, clip)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(out, format="png", dpi=110)


def _figure(rollout: Mapping[str, Any], clip: Mapping[str, Any] | None) -> Any:
    from matplotlib.figure import Figure

    scene = rollout["scene"]
    frames = [scene["frames"][place] for place in spread_over(len(scene["frames"]), COLUMNS)] if scene else []
    bounds = _bounds(scene) if scene else np.zeros((2, 2))
    columns = max(1, len(frames))
    rows = ["pictures"] if clip else []
    if scene:
        rows += ["above", "space"] if scene["dim"] == 3 else ["above"]
    heights = [1.7 if row == "pictures" else _HIGH for row in rows] or [_HIGH]
    figure = Figure(figsize=(columns * _WIDTH + _BARS, sum(heights) + 0.7), layout="constrained")
    grid = figure.add_gridspec(
        len(heights), columns + 1, height_ratios=heights, width_ratios=[_WIDTH] * columns + [_BARS]
    )
    for line, row in enumerate(rows):
        for column, frame in enumerate(frames or [{"t": None}]):
            if row == "pictures":
                assert clip is not None
                _picture(figure.add_subplot(grid[line, column]), clip, frame["t"])
            else:
                projection = "3d" if row == "space" else None
                panel = figure.add_subplot(grid[line, column], projection=projection)
                _scene(panel, scene, frame, bounds, titled=line == rows.index("above"))
    bars = figure.add_subplot(grid[:, columns])
    _bars(bars, rollout)
    if scene:
        _legend(bars)
    figure.suptitle(_title(rollout), fontsize=11, parse_math=False)
    return figure


def _title(rollout: Mapping[str, Any]) -> str:
    step = "" if rollout["step"] is None else f"step {rollout['step']}, "
    truth, said = rollout.get("truth"), rollout.get("said")
    asked = f"; asked for {truth['value']}, said {said if said else 'nothing'}"[:90] if truth else ""
    return "".join(char if char.isprintable() else "\ufffd" for char in f"{step}{rollout['id']}{asked}")


def _picture(panel: Any, clip: Mapping[str, Any], t: float | None) -> None:
    from PIL import Image

    pictures = clip["pictures"]
    near = pictures[0] if t is None else min(pictures, key=lambda each: abs((each["t"] or 0) - t))
    raw = base64.b64decode(near["src"].partition(",")[2])
    panel.imshow(np.asarray(Image.open(io.BytesIO(raw))))
    panel.set_axis_off()
    if near["t"] is not None:
        panel.set_title(f"{near['t']:g} s", fontsize=8, color=INK)


def _scene(
    panel: Any, scene: Mapping[str, Any], frame: Mapping[str, Any], bounds: Floats, *, titled: bool
) -> None:
    space, up = scene["space"], scene["up"]
    low, high = bounds[:, : 3 if in_space(panel) else 2]

    def at(nodes: Sequence[Mapping[str, Any]]) -> Floats:
        places = places_on(panel, space, up, np.array([node["at"] for node in nodes], dtype=np.float64))
        return np.clip(places, low, high) if len(nodes) else places

    reference, reply = at(frame["reference"]), at(frame["reply"])
    for node, place in zip(frame["reference"], reference, strict=True):
        if node["pair"] >= 0:
            ends = np.stack([place, reply[node["pair"]]])
            panel.plot(*ends.T, color=INK, linewidth=1, alpha=0.6, zorder=2)
    for nodes, places, marker, color in (
        (frame["reference"], reference, "o", REFERENCE),
        (frame["reply"], reply, "D", REPLY),
    ):
        for node, place in zip(nodes, places, strict=True):
            panel.scatter(*place[:, None], s=36, marker=marker, zorder=3, **_look(color, node["pair"] >= 0))
            if node["pair"] < 0 or color == REFERENCE:
                write(panel, place, node["id"], INK if color == REFERENCE else REPLY)
    finish(panel, space, up, flat=scene["dim"] == 2, bounds=np.stack([low, high]))
    if titled:
        time = "" if frame["t"] is None else f"t = {frame['t']:g} s"
        panel.set_title(time if frame["paired"] else f"{time}: no frame of the reply", fontsize=9)


def _look(color: str, matched: bool) -> dict[str, Any]:
    return {
        "facecolors": color if matched else "none",
        "edgecolors": color,
        "linewidths": 1.2,
        "linestyles": "-" if matched else ":",
    }


def _bounds(scene: Mapping[str, Any]) -> Floats:
    """A cube about all that is drawn, the same in every frame, (2, axes); what strays far is drawn at its edge."""

    def at(side: str) -> Floats:
        points = [node["at"] for frame in scene["frames"] for node in frame[side]]
        array = np.array(points, dtype=np.float64).reshape(len(points), scene["dim"])
        return array if scene["dim"] == 2 else array @ axes_of(scene["space"], scene["up"])[0].T

    known, said = at("reference"), at("reply")
    low, high = known.min(axis=0), known.max(axis=0)
    size = max(float((high - low).max()), 0.25 * (scene["scale"] or 0.0)) or 1.0
    near = said[((said > low - STRAY * size) & (said < high + STRAY * size)).all(axis=1)]
    drawn = np.vstack([known, near])
    middle = (drawn.min(axis=0) + drawn.max(axis=0)) / 2
    half = 0.62 * max(float(np.ptp(drawn, axis=0).max()), 0.1 * size)
    return np.stack([middle - half, middle + half])


def _legend(panel: Any) -> None:
    entries = [
        panel.scatter([], [], s=36, marker=marker, label=label, **_look(color, matched))
        for marker, color, matched, label in (
            ("o", REFERENCE, True, "reference"),
            ("D", REPLY, True, "reply, where it is compared"),
            ("o", REFERENCE, False, "missing in the reply"),
            ("D", REPLY, False, "without a partner"),
        )
    ]
    panel.legend(handles=entries, fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(-0.3, 0.0))


def _bars(panel: Any, rollout: Mapping[str, Any]) -> None:
    """Components with what right labels at random places earn."""
    components = rollout.get("components") or {}
    names = [name for name, value in components.items() if value is not None and name != "total"]
    values = [components[name] for name in names]
    chance = rollout.get("chance") or {}
    places = range(len(names))
    panel.barh(places, [1.0] * len(names), color="#f3f0ea", height=0.5)
    panel.barh(places, values, color=REFERENCE, height=0.5)
    for place, name in enumerate(names):
        if name in chance:
            panel.plot([chance[name]] * 2, [place - 0.42, place + 0.42], color=INK, linewidth=1.4)
        panel.text(1.03, place, f"{components[name]:.3f}", va="center", fontsize=8, color=INK)
    panel.set_yticks(places, names, fontsize=8)
    panel.set(xlim=(0, 1.3), xticks=[])
    panel.tick_params(left=False)
    for side in panel.spines.values():
        side.set_visible(False)
    total = components.get("total")
    title = "" if total is None else f"total {total:.3f}   (black: chance)"
    panel.set_title(title, fontsize=9, color=INK, loc="left")
    status = f"graph {rollout.get('graph_status', '-')}, answer {rollout.get('answer_status', '-')}"
    repairs = ", ".join(rollout.get("repairs") or ()) or "none"
    panel.text(0, len(names), f"{status}\nrepairs: {repairs[:60]}", fontsize=8, color=INK, va="top")
    panel.set_ylim(len(names) + 1.2, -0.7)
