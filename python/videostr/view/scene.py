"""What is drawn of a graph: the reference, and the reply where it was compared with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: Frames of the reference that are drawn, evenly spread; nodes of one side of a frame; edges of a frame.
FRAMES, NODES, EDGES = 12, 40, 8
#: Characters of an id.
ID = 48


def spread_over(count: int, most: int) -> list[int]:
    """At most `most` of `count` places, first and last among them.

    >>> spread_over(5, 3), spread_over(2, 3)
    ([0, 2, 4], [0, 1])
    """
    return (
        sorted({int(place) for place in np.linspace(0, count - 1, min(count, most)).round()}) if count else []
    )


def short_id(name: str) -> str:
    """An id that fits a picture."""
    return name if len(name) <= ID else name[: ID - 1] + "…"


def scene_of(truth: Mapping[str, Any], explanation: Mapping[str, Any]) -> dict[str, Any] | None:
    """The drawn parts of a reply and its reference; None where the reference has no graph.

    Args:
        truth: The ground truth as plain values.
        explanation: `Report.explanation()` of the reply under it.

    Returns:
        ``dim``, ``space``, ``unit``, ``up``, ``scale``; ``frames``, each with ``t``, ``partner_t``,
        ``paired``, ``observer``, ``motion`` in words, ``reference`` and ``reply`` (nodes with ``id``, ``at``
        in the reference's coordinates, and ``pair``: the place of the partner in the other list, or -1),
        ``edges`` (those that lose most), ``chirality`` and ``left_out`` nodes; ``frames_in_all``;
        ``extra_frames``: how many frames of the reply pair with none.
    """
    graph = truth.get("graph")
    if graph is None:
        return None
    accounts = explanation["frames"]
    chosen = spread_over(len(accounts), FRAMES)
    dim = len(graph["frames"][0]["nodes"][0]["center"])
    return {
        "dim": dim,
        "space": graph.get("space", "world"),
        "unit": graph.get("unit", ""),
        "up": graph.get("up") if dim == 3 else None,
        "scale": graph.get("scale"),
        "frames": [_frame(graph["frames"][place], accounts[place], dim) for place in chosen],
        "frames_in_all": len(accounts),
        "extra_frames": len(explanation["extra_frames"]),
    }


def _frame(frame: Mapping[str, Any], account: Mapping[str, Any], dim: int) -> dict[str, Any]:
    partner_of = {pair["id"]: pair for pair in account["matched"]}
    order = sorted(frame["nodes"], key=lambda node: node["id"] not in partner_of)[:NODES]
    reference: list[dict[str, Any]] = []
    reply: list[dict[str, Any]] = []
    for node in order:
        pair = partner_of.get(node["id"])
        reference.append(_node(node["id"], node["center"], len(reply) if pair else -1))
        if pair:
            reply.append(
                {
                    **_node(pair["partner"], pair["moved"], len(reference) - 1),
                    "written": _digits(pair["written"]),
                    "distance": _digit(pair["distance"]),
                    "credit": _digit(pair["kernel"]),
                    "byte": pair["at"],
                }
            )
    for node in account["extra"][: NODES - len(reply)]:
        reply.append(
            {
                **_node(node["id"], node["moved"], -1),
                "written": _digits(node["written"]),
                "known_label": node["known_label"],
                "byte": node["at"],
            }
        )
    said = len(account["matched"]) + len(account["extra"])
    edges = sorted(account["edges"], key=lambda edge: float(edge["value"]))[:EDGES]
    return {
        "t": frame.get("t"),
        "partner_t": account["partner_t"],
        "paired": account["partner"] is not None,
        "observer": _digits(frame["observer"]) if frame.get("observer") is not None else None,
        "motion": _motion(account["motion"], dim),
        "reference": reference,
        "reply": reply,
        "edges": [
            {
                "ends": [short_id(end) for end in edge["ends"]],
                "distance": _digit(edge["distance"]),
                "said": _digit(edge["partner_distance"]),
                "credit": _digit(edge["value"]),
            }
            for edge in edges
        ],
        "chirality": [account["chirality_right"], account["chirality_of"]],
        "left_out": len(frame["nodes"]) - len(reference) + said - len(reply),
    }


def _node(name: str, at: Sequence[float], pair: int) -> dict[str, Any]:
    return {"id": short_id(name), "at": _digits(at), "pair": pair}


def _digit(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.9g}")


def _digits(values: Sequence[float]) -> list[float | None]:
    return [_digit(value) for value in values]


def _motion(motion: Mapping[str, Any] | None, dim: int) -> str:
    """The motion that put the reply into the reference's frame."""
    if motion is None:
        return ""
    turn = motion["rotation"]
    if dim == 2:
        degrees = math.degrees(math.atan2(turn[1][0], turn[0][0]))
    else:
        trace = turn[0][0] + turn[1][1] + turn[2][2]
        degrees = math.degrees(math.acos(max(-1.0, min(1.0, (trace - 1) / 2))))
    scale = "" if motion["scale"] == 1 else f", scaled by {motion['scale']:.4g}"
    return f"turned by {degrees:.1f}°{scale}"
