"""Graphs drawn with matplotlib: from above and in space, or in the picture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from videostr._packages import require_packages
from videostr.view.axes import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from videostr.graph import Graph, GraphFrame

Floats = npt.NDArray[np.float64]

#: Told apart also by those who see no red or no green; the shapes differ too.
REFERENCE, REPLY, INK = "#0b6fb8", "#d55e00", "#4a4742"
#: Edges that are drawn, at most; the distances of up to so many are written beside them.
EDGES, WRITTEN_EDGES = 400, 15


def plot_graph(
    graph: Graph,
    frame: int = 0,
    *,
    axes: Axes | None = None,
    space: Literal["world", "camera", "image"] | None = None,
    up: Sequence[float] | None = None,
    labels: bool = True,
    edges: bool = False,
) -> Figure:
    """Draws one frame of a graph; see `videostr.Graph.plot`."""
    require_packages("drawing a graph", ["matplotlib"])
    if not -len(graph.frames) <= frame < len(graph.frames):
        raise ValueError(f"frame is {frame}: the graph has {len(graph.frames)} frames")
    shown = graph.frames[frame]
    flat = graph._dim() == 2
    where = space or ("image" if flat else "world")
    if flat != (where == "image") and where != "world":
        raise ValueError(f"space is {space!r}: the graph is {2 if flat else 3}-D")
    if up is not None and (np.shape(up) != (3,) or not np.linalg.norm(up) > 0):
        raise ValueError(f"up is {up}: expected 3 numbers, not all 0")
    if flat and axes is not None and in_space(axes):
        raise ValueError("axes have 3 dimensions: the graph is 2-D")
    figure: Any = _figure(flat=flat) if axes is None else axes.get_figure(root=True)
    for panel in figure.axes if axes is None else [axes]:
        _draw(panel, shown, where, up, labels=labels, edges=edges, flat=flat)
        if shown.t is not None:
            panel.set_title(f"t = {shown.t:g} s", fontsize=9)
    drawn: Figure = figure
    return drawn


def _figure(*, flat: bool) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 4.2) if flat else (9.6, 4.4), layout="constrained")
    if flat:
        figure.add_subplot()
    else:
        figure.add_subplot(1, 2, 1)
        figure.add_subplot(1, 2, 2, projection="3d")
    return figure


def _draw(
    panel: Any,
    frame: GraphFrame,
    space: str,
    up: Sequence[float] | None,
    *,
    labels: bool,
    edges: bool,
    flat: bool,
) -> None:
    centers = np.array([node.center for node in frame.nodes], dtype=np.float64)
    places = places_on(panel, space, up, centers)
    if edges:
        _draw_edges(panel, frame, places)
    if len(places):
        panel.scatter(*places.T, s=46, color=REFERENCE, zorder=3)
    if labels:
        for node, place in zip(frame.nodes, places, strict=True):
            write(panel, place, node.id)
    finish(panel, space, up, flat=flat)


def in_space(panel: Any) -> bool:
    """Whether matplotlib axes have three dimensions."""
    return bool(panel.name == "3d")


def places_on(panel: Any, space: str, up: Sequence[float] | None, centers: Floats) -> Floats:
    """Where `centers`, float64 (N, 2) or (N, 3), stand on the axes: (N, 2) or (N, 3)."""
    axes = 3 if in_space(panel) else 2
    if not centers.size:
        return np.zeros((0, axes))
    places = centers @ axes_of(space, up)[0].T if centers.shape[1] == 3 else centers
    return np.asarray(places[:, :axes])


def finish(
    panel: Any, space: str, up: Sequence[float] | None, *, flat: bool = False, bounds: Floats | None = None
) -> None:
    """Names, directions and even scales of axes, once all is drawn.

    Args:
        flat: The graph has two dimensions.
        bounds: Ends of each axis, (2, axes); None: what is drawn.
    """
    from matplotlib.ticker import MaxNLocator

    panel.tick_params(labelsize=7)
    names = ("x", "y", "") if flat or space == "image" else axes_of(space, up)[1]
    panel.set_xlabel(names[0], fontsize=8)
    panel.set_ylabel(names[1], fontsize=8)
    if bounds is not None:
        for put, ends in zip((panel.set_xlim, panel.set_ylim), bounds.T[:2], strict=True):
            put(*ends)
    if in_space(panel):
        panel.set_zlabel(names[2], fontsize=8)
        if bounds is not None:
            panel.set_zlim(*bounds[:, 2])
        panel.set_aspect("equal")
        for axis in (panel.xaxis, panel.yaxis, panel.zaxis):
            axis.set_major_locator(MaxNLocator(4))
        return
    panel.set_aspect("equal", adjustable="datalim" if bounds is None else "box")
    if bounds is None:
        panel.margins(0.15)
    panel.grid(visible=True, alpha=0.25)
    if space == "image" and not panel.yaxis_inverted():
        panel.invert_yaxis()


def write(panel: Any, place: Floats, text: str, color: str = INK) -> None:
    """A name beside a node, letter by letter as it stands; letters that no font has become boxes."""
    text = "".join(char if char.isprintable() else "\ufffd" for char in text)
    style = {"fontsize": 7.5, "color": color, "parse_math": False}
    if in_space(panel):
        panel.text(*place, f"  {text}", **style)
    else:
        panel.annotate(text, place, xytext=(5, 3), textcoords="offset points", **style)


def _draw_edges(panel: Any, frame: GraphFrame, places: Floats) -> None:
    """The edges that the graph states; of one that states none, all pairs with the distances that follow."""
    if frame.edges:
        pairs = [(edge.a, edge.b, edge.distance) for edge in frame.edges]
    else:
        centers = [np.array(node.center) for node in frame.nodes]
        pairs = [
            (a, b, float(np.linalg.norm(centers[a] - centers[b])))
            for a, b in itertools.combinations(range(len(centers)), 2)
        ]
    for a, b, distance in pairs[:EDGES]:
        ends = places[[a, b]]
        panel.plot(*ends.T, color=INK, linewidth=0.8, alpha=0.5, zorder=1)
        if len(pairs) <= WRITTEN_EDGES:
            write(panel, ends.mean(axis=0), f"{distance:.3g}", "#8a857c")
