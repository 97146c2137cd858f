"""What a prompt needs to know of a reference, read from its JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from videostr.prompts.errors import PromptError

Json = Mapping[str, Any]
Space = Literal["world", "camera", "image"]


@dataclass(frozen=True)
class GraphFacts:
    """Facts of a reference graph that a prompt may tell a model: never where an object is."""

    space: str
    unit: str
    dimension: int
    up: tuple[float, ...] | None
    labels: tuple[str, ...]
    times: tuple[float, ...] | None
    frame_count: int


def as_mapping(reference: Json | str) -> Json:
    """The reference as an object, from a mapping or its JSON text."""
    if not isinstance(reference, str):
        return reference
    try:
        value: object = json.loads(reference)
    except ValueError as error:
        raise PromptError(f"reference: not JSON ({error}); give the object or its JSON text") from None
    if not isinstance(value, Mapping):
        raise PromptError("reference: must be a JSON object with 'graph' or 'answer'")
    return cast(Json, value)


def graph_facts(reference: Json) -> GraphFacts | None:
    """The facts of `reference["graph"]`, or None where the reference has no graph."""
    graph = reference.get("graph")
    if graph is None:
        return None
    try:
        frames = cast(Sequence[Json], graph["frames"])
        labels = {str(node["label"]): None for frame in frames for node in frame["nodes"]}
        dimension = len(frames[0]["nodes"][0]["center"])
        times = tuple(float(frame["t"]) for frame in frames) if "t" in frames[0] else None
        up = graph.get("up")
        return GraphFacts(
            space=str(graph["space"]),
            unit=str(graph["unit"]),
            dimension=dimension,
            up=None if up is None else tuple(float(value) for value in up),
            labels=tuple(sorted(labels)),
            times=times,
            frame_count=len(frames),
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise PromptError(f"reference.graph: {error!r}; check it with Scorer.prepare") from None
