"""Graphs and rollouts drawn with matplotlib: what is on the axes is what the graph says."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from view_runs import write_rows, write_run, write_run_on_rows

from videostr import Graph
from videostr._packages import MissingPackageError
from videostr.view import plot as plot_module
from videostr.view import view_rollout
from videostr.view.axes import axes_of

ROOM = Graph.from_lines("@0\nchair.1 0 0 0\ntable.1 3 4 0\nlamp.1 1 2 1.5\n@1\nchair.1 0 1 0")
PICTURE = Graph.from_json('[["cup",[10,20]],["car.1",[100,40]],["hat",[60,90]]]')


def points(axes: Any) -> Any:
    found = axes.collections[0]
    offsets = np.stack(found._offsets3d, axis=1) if axes.name == "3d" else found.get_offsets()
    return np.ma.getdata(offsets).tolist()


def _approx(centers: Any) -> list[Any]:
    return [pytest.approx(list(center)) for center in centers]


def words(axes: Any) -> list[str]:
    return [text.get_text().strip() for text in axes.texts]


def test_a_room_from_above_and_in_space() -> None:
    figure = ROOM.plot()
    above, space = figure.axes
    centers = np.array([node.center for node in ROOM.frames[0].nodes])
    assert points(above) == _approx(centers[:, :2])
    assert points(space) == _approx(centers)
    assert words(above) == words(space) == ["chair.1", "table.1", "lamp.1"]
    assert (above.get_xlabel(), above.get_ylabel(), space.get_zlabel()) == ("x", "y", "z")
    assert above.get_aspect() == 1.0
    assert above.get_title() == "t = 0 s"
    assert len(points(ROOM.plot(1).axes[0])) == len(points(ROOM.plot(-1).axes[0])) == 1
    assert words(ROOM.plot(labels=False).axes[0]) == []


def test_a_picture_has_y_down() -> None:
    (axes,) = PICTURE.plot().axes
    assert axes.yaxis_inverted()
    assert points(axes) == [[10, 20], [100, 40], [60, 90]]
    (plane,) = PICTURE.plot(space="world").axes
    assert not plane.yaxis_inverted()


def test_a_camera_looks_along_z() -> None:
    above, space = ROOM.plot(space="camera").axes
    centers = np.array([node.center for node in ROOM.frames[0].nodes])
    assert points(above) == _approx(centers[:, [0, 2]])
    assert [z for _, _, z in points(space)] == pytest.approx(list(-centers[:, 1]))
    assert (above.get_xlabel(), above.get_ylabel(), space.get_zlabel()) == ("x", "z", "-y")


@pytest.mark.parametrize("up", [(0, 0, 1), (0, -1, 0), (1, 0, 0), (0.3, -0.9, 0.4), (0, 0, -2)])
def test_axes_are_a_turn(up: tuple[float, ...]) -> None:
    rows, _ = axes_of("world", up)
    assert rows @ rows.T == pytest.approx(np.eye(3))
    assert np.linalg.det(rows) == pytest.approx(1.0), "no mirror image"
    assert rows[2] @ np.array(up) == pytest.approx(np.linalg.norm(up))


def test_edges() -> None:
    (axes,) = PICTURE.plot(edges=True).axes
    assert len(axes.lines) == 3
    lengths = sorted(float(np.hypot(*np.ptp(line.get_xydata(), axis=0))) for line in axes.lines)
    centers = [np.array(node.center) for node in PICTURE.frames[0].nodes]
    due = sorted(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(centers, 2))
    assert lengths == pytest.approx(due)
    assert {f"{length:.3g}" for length in due} <= set(words(axes))
    stated = Graph.from_json(
        '{"frames":[{"nodes":[["a",[0,0]],["b",[3,4]],["c",[9,9]]],"edges":[["a","b",7]]}]}'
    )
    (axes,) = stated.plot(edges=True).axes
    assert len(axes.lines) == 1
    assert "7" in words(axes), "what is stated, not what follows"


def test_on_axes_of_ones_own() -> None:
    figure = Figure()
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    assert ROOM.plot(axes=left) is figure
    assert len(points(left)) == 3
    assert not right.collections
    ROOM.plot(axes=right)
    assert len(points(right)) == 3


def test_odd_graphs_can_be_drawn(tmp_path: Path) -> None:
    one = Graph.from_json('{"frames":[{"nodes":[["lone",[1,1,1]]]},{"nodes":[]}]}')
    for frame in (0, 1):
        one.plot(frame, edges=True).savefig(tmp_path / "one.png")
    money = Graph.from_json('[["$x_1$",[0,0]],["a_b^{c}\\\\frac",[1,1]]]')
    figure = money.plot()
    figure.savefig(tmp_path / "money.png")
    assert words(figure.axes[0])[0] == money.frames[0].nodes[0].id, "not read as formulas"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: ROOM.plot(2), "frame is 2: the graph has 2 frames"),
        (lambda: Graph().plot(), "the graph has 0 frames"),
        (lambda: ROOM.plot(space="image"), "the graph is 3-D"),
        (lambda: PICTURE.plot(space="camera"), "the graph is 2-D"),
        (lambda: ROOM.plot(up=(0, 0, 0)), "expected 3 numbers, not all 0"),
        (lambda: ROOM.plot(up=(0, 1)), "expected 3 numbers, not all 0"),
        (lambda: PICTURE.plot(axes=Figure().add_subplot(projection="3d")), "the graph is 2-D"),
        (lambda: Graph.from_json('[["a",[1,2]],["b",[1,2,3]]]').plot(), "mixes 2-D and 3-D"),
    ],
)
def test_what_cannot_be_drawn_is_said(call: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = plot_module.require_packages
    monkeypatch.setattr(
        plot_module, "require_packages", lambda purpose, _: real(purpose, ["matplotlib_that_is_not"])
    )
    with pytest.raises(MissingPackageError, match="drawing a graph needs matplotlib_that_is_not"):
        ROOM.plot()


def test_matplotlib_is_imported_where_it_is_used() -> None:
    code = (
        "import sys, videostr, videostr.view, videostr.cli;"
        "graph = videostr.Graph.from_lines('a 1 2 3');"
        "assert not {'matplotlib', 'PIL', 'av', 'pyarrow', 'yaml'} & sys.modules.keys();"
        "graph.plot();"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def drawn(path: Path) -> Any:
    """The picture, which must hold more than paper."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert (pixels.min(axis=2) < 200).mean() > 0.01
    return pixels


def near(pixels: Any, colour: str) -> int:
    """Pixels of about this colour."""
    wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return int((np.abs(pixels - wanted).max(axis=2) < 12).sum())


def test_pictures_of_rollouts(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", 2, prompts=1, size=2)
    for step in (1, 2):
        out = view_rollout(run / "rollouts" / f"{step}.jsonl", 0, tmp_path / f"{step}.png")
        pixels = drawn(out)
        assert near(pixels, plot_module.REFERENCE) > 200
        assert near(pixels, plot_module.REPLY) > 200


def test_a_picture_with_frames_of_the_clip(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows")
    run = write_run_on_rows(tmp_path / "run", rows, 1)
    (run / "config.yaml").unlink()
    shard = run / "rollouts" / "1.jsonl"
    without = drawn(view_rollout(shard, 0, tmp_path / "without.png"))
    with_them = drawn(view_rollout(shard, 0, tmp_path / "with.png", rows=[rows]))
    assert with_them.shape[0] > without.shape[0] + 100, "a row of frames"


@pytest.mark.parametrize(
    "line",
    [
        {"text": "", "ground_truth": {"version": 1, "answer": {"kind": "text", "value": "车 $x$ \x00"}}},
        {
            "text": "<think><graph>车 1e9 5\ncup 1e8 -1e8\ncup 1 1</graph></think><answer>\x00\ud800</answer>",
            "ground_truth": {"version": 1, "graph": {"space": "image", "unit": "px", "frames": [{"nodes": [
                {"id": "cup", "label": "cup", "center": [5, 5]}]}]}},
        },
        {
            "text": "<think><graph>a 1 1 1\nb 1 1 1\nb 2 2 2</graph></think>",
            "ground_truth": {"version": 1, "graph": {"space": "world", "unit": "m", "up": [0, 1, 0], "frames": [
                {"t": 0, "nodes": [
                {"id": "a", "label": "a", "center": [1, 1, 1]}, {"id": "b", "label": "b", "center": [1, 1, 1]}]},
                {"t": 1, "nodes": [{"id": "a", "label": "a", "center": [1, 1, 1]}]}]}},
        },
    ],
)  # fmt: skip
def test_odd_rollouts_can_be_drawn(tmp_path: Path, line: dict[str, Any]) -> None:
    (tmp_path / "r.jsonl").write_text(json.dumps(line))
    for out in ("r.png", "r.html"):
        assert view_rollout(tmp_path / "r.jsonl", 0, tmp_path / out).stat().st_size > 5000
