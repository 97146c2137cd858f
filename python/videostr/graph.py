"""`parse` and `Graph`: what a reply says, for people. Scoring does not pass through here."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from videostr import _core
from videostr.report import GRAPH_STATUS, REPAIRS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Edge", "Graph", "GraphFrame", "Node", "Reply", "parse"]

_PROPER = 1e-9


@dataclasses.dataclass(frozen=True)
class Node:
    """An object at a place.

    Attributes:
        label: Its category, normalised (case folded, ``_`` and ``-`` as blanks).
        center: Its 2 or 3 coordinates, in the graph's unit.
        suffix: The number that tells it from others of its label, None for a bare label.
    """

    label: str
    center: tuple[float, ...]
    suffix: int | None = None

    @property
    def id(self) -> str:
        """``label.suffix``, or the bare label."""
        return self.label if self.suffix is None else f"{self.label}.{self.suffix}"


@dataclasses.dataclass(frozen=True)
class Edge:
    """A stated distance between two nodes of one frame.

    Attributes:
        a, b: Positions of the two nodes in the frame.
        distance: In the graph's unit.
        angle: In degrees, None when not stated.
    """

    a: int
    b: int
    distance: float
    angle: float | None = None


@dataclasses.dataclass(frozen=True)
class GraphFrame:
    """The nodes and stated edges at one time.

    Attributes:
        nodes: In the order in which they were written.
        t: Seconds, None when not stated.
        edges: The stated edges.
    """

    nodes: tuple[Node, ...] = ()
    t: float | None = None
    edges: tuple[Edge, ...] = ()


@dataclasses.dataclass(frozen=True)
class Graph:
    """A scene as objects and distances, frame by frame.

    Example:
        >>> graph = Graph.from_lines("@0\\nchair.1 0 0 0\\ntable.1 3 4 0")
        >>> graph.frames[0].nodes[1].id, graph.rotate(90.0).frames[0].nodes[1].center
        ('table.1', (-4.0, 3.0, 0.0))
        >>> print(graph.to_lines())
        @0
        chair.1 0 0 0
        table.1 3 4 0
    """

    frames: tuple[GraphFrame, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Graph:
        """Reads any JSON form that a reply may use, whole and without a fault that cannot be repaired.

        The ``graph`` of a ground truth is such a form too.

        Raises:
            ValueError: When it cannot be read whole, with the status that a reply would get.
        """
        return _read(text, "JSON")

    @classmethod
    def from_lines(cls, text: str) -> Graph:
        """Reads the line form, ``@t`` and ``label.n x y z``.

        Raises:
            ValueError: When it cannot be read whole, with the status that a reply would get.
        """
        return _read(text, "lines")

    def to_json(self) -> str:
        """The JSON form, as a reply writes it."""
        frames = []
        for frame in self.frames:
            item: dict[str, Any] = {} if frame.t is None else {"t": _short(frame.t)}
            item["nodes"] = [[node.id, [_short(x) for x in node.center]] for node in frame.nodes]
            if frame.edges:
                item["edges"] = [
                    [frame.nodes[edge.a].id, frame.nodes[edge.b].id, _short(edge.distance)]
                    + ([] if edge.angle is None else [_short(edge.angle)])
                    for edge in frame.edges
                ]
            frames.append(item)
        return json.dumps({"frames": frames}, ensure_ascii=False, separators=(",", ":"))

    def to_lines(self) -> str:
        """The line form, as a reply writes it."""
        lines = []
        for frame in self.frames:
            lines.append("@" if frame.t is None else f"@{_number(frame.t)}")
            lines.extend(f"{node.id} {_numbers(node.center)}" for node in frame.nodes)
            for edge in frame.edges:
                values = (edge.distance,) if edge.angle is None else (edge.distance, edge.angle)
                lines.append(f"{frame.nodes[edge.a].id} - {frame.nodes[edge.b].id} {_numbers(values)}")
        return "\n".join(lines)

    def rotate(
        self,
        rotation: float | npt.ArrayLike,
        *,
        axis: Sequence[float] = (0.0, 0.0, 1.0),
        about: Sequence[float] | None = None,
    ) -> Graph:
        """The scene turned; stated edges stay, as distances do.

        Args:
            rotation: Degrees about `axis`, counter-clockwise seen from its tip (2-D: in the plane), or a
                rotation matrix (2, 2) or (3, 3).
            axis: Of a rotation in degrees, in 3-D.
            about: The point that stays; the origin when None.

        Raises:
            ValueError: When the matrix is no proper rotation of the graph's dimension.
        """
        dim = self._dim()
        given = np.asarray(rotation, dtype=np.float64)
        matrix = _turn(float(given), axis, dim) if given.ndim == 0 else given
        if matrix.shape != (dim, dim):
            raise ValueError(
                f"rotation has shape {matrix.shape}: the graph is {dim}-D, expected {(dim, dim)}"
            )
        if not np.allclose(matrix @ matrix.T, np.eye(dim), atol=_PROPER) or np.linalg.det(matrix) < 0:
            raise ValueError("rotation is not a proper rotation matrix; for a reflection see mirror()")
        return self._moved(matrix, about)

    def mirror(self, normal: Sequence[float] | None = None, *, about: Sequence[float] | None = None) -> Graph:
        """The scene reflected at a plane (2-D: a line); stated edges stay, as distances do.

        Args:
            normal: Of the plane; the first axis when None.
            about: A point of the plane; the origin when None.

        Raises:
            ValueError: When the normal is zero or of another dimension.
        """
        dim = self._dim()
        unit = np.eye(dim)[0] if normal is None else np.asarray(normal, dtype=np.float64)
        length = float(np.linalg.norm(unit))
        if unit.shape != (dim,) or not length > 0:
            raise ValueError(f"normal is {normal}: the graph is {dim}-D, expected {dim} numbers, not all 0")
        unit = unit / length
        return self._moved(np.eye(dim) - 2 * np.outer(unit, unit), about)

    def plot(
        self,
        frame: int = 0,
        *,
        axes: Axes | None = None,
        space: Literal["world", "camera", "image"] | None = None,
        up: Sequence[float] | None = None,
        labels: bool = True,
        edges: bool = False,
    ) -> Figure:
        """Draws one frame with matplotlib: from above and in space side by side, a 2-D graph in its plane.

        Args:
            frame: Which, from 0; negative ones count from the end.
            axes: Draw on these instead of a new figure: plain axes are from above, 3-D ones in space.
            space: Where the coordinates live. ``image``: y goes down, the default in 2-D. ``camera``: x right,
                y down, z forward. ``world``: z up, the default in 3-D.
            up: Where up is, in 3-D, when it is neither z of the world nor against y of a camera.
            labels: Write the ids beside the nodes.
            edges: Draw the edges that the graph states, or where it states none all pairs, with distances.

        Returns:
            The figure; its ``axes`` are [from above, in space], or one in 2-D. Nothing is shown: a notebook does
            that by itself, ``figure.savefig("graph.png")`` writes it.

        Raises:
            MissingPackageError: matplotlib is not installed (extra `view`).
            ValueError: There is no such frame, the graph mixes 2-D and 3-D nodes, or `space` does not go with
                its dimension.

        Example:
            >>> graph = Graph.from_lines("@0\\nchair.1 0 0 0\\ntable.1 3 4 0")
            >>> figure = graph.plot(edges=True)
            >>> [axes.name for axes in figure.axes]
            ['rectilinear', '3d']
        """
        from videostr.view.plot import plot_graph

        return plot_graph(self, frame, axes=axes, space=space, up=up, labels=labels, edges=edges)

    def _dim(self) -> int:
        dims = {len(node.center) for frame in self.frames for node in frame.nodes}
        if len(dims) > 1:
            raise ValueError("the graph mixes 2-D and 3-D nodes")
        return dims.pop() if dims else 3

    def _moved(self, matrix: npt.NDArray[np.float64], about: Sequence[float] | None) -> Graph:
        pivot = np.zeros(len(matrix)) if about is None else np.asarray(about, dtype=np.float64)
        if pivot.shape != (len(matrix),):
            raise ValueError(
                f"about is {about}: the graph is {len(matrix)}-D, expected {len(matrix)} numbers"
            )

        def move(node: Node) -> Node:
            center = matrix @ (np.asarray(node.center) - pivot) + pivot
            return dataclasses.replace(node, center=tuple((center + 0.0).tolist()))

        return Graph(
            tuple(dataclasses.replace(frame, nodes=tuple(map(move, frame.nodes))) for frame in self.frames)
        )


@dataclasses.dataclass(frozen=True)
class Reply:
    """What is written in a reply, without a reference to hold it against.

    Attributes:
        format: One think block, then one answer block, and nothing else.
        answer: The answer block that counts, as written; None when there is none.
        graph: The graph that counts, void nodes and edges dropped.
        graph_status: Name of what was read of the graph.
        answer_status: ``none``, ``many`` or ``ok``; whether it can be read depends on the reference's kind.
        repairs: The repaired faults by name, each with its byte offset in the reply's UTF-8 text.
    """

    format: bool
    answer: str | None
    graph: Graph
    graph_status: str
    answer_status: str
    repairs: tuple[tuple[str, int], ...]


def parse(text: str, *, think_prefilled: bool = False) -> Reply:
    """Reads a reply, whatever it is, with the caps of the preset ``pose-free``.

    Args:
        text: The reply.
        think_prefilled: The chat template has already written ``<think>``.

    Example:
        >>> reply = parse("<think><graph>[['chair', [1, 2, 3]]]</graph></think><answer>B</answer>")
        >>> reply.answer, reply.graph.frames[0].nodes[0], reply.repairs[0][0]
        ('B', Node(label='chair', center=(1.0, 2.0, 3.0), suffix=None), 'single_quotes')
    """
    if not isinstance(text, str):
        raise TypeError(f"text is {type(text).__name__}, not str")
    has_format, answer, blocks, status, repairs, frames = _core.parse(text, think_prefilled)
    return Reply(
        format=has_format,
        answer=answer,
        graph=Graph(tuple(_frame(*frame) for frame in frames)),
        graph_status=GRAPH_STATUS[status],
        answer_status="none" if answer is None else "many" if blocks > 1 else "ok",
        repairs=tuple((REPAIRS[bit], at) for bit, at in repairs),
    )


def _frame(
    t: float | None,
    nodes: Iterable[tuple[str, int | None, list[float]]],
    edges: Iterable[tuple[int, int, float, float | None]],
) -> GraphFrame:
    return GraphFrame(
        nodes=tuple(Node(label, tuple(center), suffix) for label, suffix, center in nodes),
        t=t,
        edges=tuple(itertools.starmap(Edge, edges)),
    )


def _read(text: str, form: str) -> Graph:
    if (form == "JSON") != text.lstrip().startswith(("{", "[")):
        raise ValueError(f"this is not the {form} form of a graph")
    if "</graph>" in text or "</think>" in text:
        raise ValueError("this is more than a graph; parse() reads a whole reply")
    reply = parse(f"<think><graph>{text}</graph></think>")
    if reply.graph_status != "ok":
        raise ValueError(f"the graph cannot be read whole: graph status {reply.graph_status!r}")
    return reply.graph


def _turn(degrees: float, axis: Sequence[float], dim: int) -> npt.NDArray[np.float64]:
    quarter, rest = divmod(degrees, 90.0)
    # whole quarters are exact, so that a turned integer scene stays one
    cos, sin = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][int(quarter) % 4]
    if rest:
        cos, sin = float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
    if dim == 2:
        return np.array([[cos, -sin], [sin, cos]])
    direction = np.asarray(axis, dtype=np.float64)
    length = float(np.linalg.norm(direction))
    if direction.shape != (3,) or not length > 0:
        raise ValueError(f"axis is {tuple(axis)}: expected 3 numbers, not all 0")
    x, y, z = direction / length
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    outer = np.outer(direction / length, direction / length)
    matrix: npt.NDArray[np.float64] = cos * np.eye(3) + sin * cross + (1 - cos) * outer
    return matrix


def _short(value: float) -> float | int:
    return int(value) if abs(value) < 2**53 and value == int(value) else value


def _number(value: float) -> str:
    return repr(_short(value))


def _numbers(values: Iterable[float]) -> str:
    return " ".join(map(_number, values))
