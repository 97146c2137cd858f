"""What a prompt needs to know of a reference, read from its JSON object."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from videostr.errors import GroundTruthError
from videostr.prompts.errors import PromptError
from videostr.scoring import Scorer

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
    """The reference as an object, from a mapping or its JSON text.

    Raises:
        PromptError: Where it is no valid reference, naming the field.
    """
    try:
        checked = _scorer().prepare(reference)
    except GroundTruthError as error:
        field = f"reference.{error.field}" if error.field else "reference"
        raise PromptError(f"{field}: {error.message}") from None
    return checked.ground_truth


@functools.cache
def _scorer() -> Scorer:
    return Scorer()


def graph_facts(reference: Json) -> GraphFacts | None:
    """The facts of `reference["graph"]`, or None where the reference has no graph."""
    graph = reference.get("graph")
    if graph is None:
        return None
    frames = cast(Sequence[Json], graph["frames"])
    labels = {str(node["label"]): None for frame in frames for node in frame["nodes"]}
    up = graph.get("up")
    return GraphFacts(
        space=str(graph["space"]),
        unit=str(graph["unit"]),
        dimension=len(frames[0]["nodes"][0]["center"]),
        up=None if up is None else tuple(float(value) for value in up),
        labels=tuple(sorted(labels)),
        times=tuple(float(frame["t"]) for frame in frames) if frames[0].get("t") is not None else None,
        frame_count=len(frames),
    )
