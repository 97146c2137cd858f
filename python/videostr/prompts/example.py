"""The worked example of a template: a small scene, a question and the reply that earns everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from videostr.prompts.errors import PromptError
from videostr.prompts.notation import Form, render_reply
from videostr.prompts.reference import GraphFacts, Json
from videostr.prompts.wording import options_text


@dataclass(frozen=True)
class Example:
    """A question, the reply a prompt shows for it, and the reference that the reply meets in full."""

    question: str
    reply: str
    reference: Json


Center = tuple[float, ...]

# Edges of 0.44, 1.17 and 2.40 at a right angle have face diagonals of 1.25, 2.44 and 2.67, so all the
# distances of the example are short decimals; the same holds of the 3-4-5 rectangle in the plane.
_CAMERA: Mapping[str, Center] = {
    "table": (-0.2, 0.5, 2.0),
    "chair.1": (0.24, 0.5, 2.0),
    "chair.2": (-0.2, 0.5, 4.4),
    "lamp": (-0.2, -0.67, 2.0),
}
_CAMERA_LATER: Mapping[str, Center] = {
    "table": (-0.2, 0.5, 2.0),
    "chair.1": (0.5, 0.5, 2.0),
    "chair.2": (-0.2, 0.5, 4.4),
}
_WORLD: Mapping[str, Center] = {
    "table": (0.6, 1.0, 0.5),
    "chair.1": (1.04, 1.0, 0.5),
    "chair.2": (0.6, 3.4, 0.5),
    "lamp": (0.6, 1.0, 1.67),
}
_WORLD_LATER: Mapping[str, Center] = {
    "table": (0.6, 1.0, 0.5),
    "chair.1": (1.3, 1.0, 0.5),
    "chair.2": (0.6, 3.4, 0.5),
}
_PLANE: Mapping[str, Center] = {
    "table": (0.2, 0.1),
    "chair.1": (0.5, 0.1),
    "chair.2": (0.2, 0.5),
    "lamp": (0.5, 0.5),
}
_PLANE_LATER: Mapping[str, Center] = {"table": (0.2, 0.1), "chair.1": (0.74, 0.1), "chair.2": (0.2, 0.82)}
_PLANE_FACTOR: Mapping[str, int] = {"px": 1000, "norm": 1}
_BOXES: Mapping[str, Sequence[float]] = {
    "pixel": (160, 60, 320, 180),
    "norm1": (0.2, 0.1, 0.4, 0.3),
    "norm1000": (200, 100, 400, 300),
}


def make_example(
    facts: GraphFacts | None, kind: str | None, *, media: str, form: Form, edges: bool, box_space: str | None
) -> Example:
    """The example that goes with a graph of these facts and an answer of this kind (None: without)."""
    question, answer = _question(kind, box_space)
    reference: dict[str, Any] = {"version": 1}
    if answer is not None:
        reference["answer"] = answer
    if facts is not None:
        reference["graph"] = _graph(facts, media)
    think = "The table is near, with a chair on each side."
    reply = render_reply(reference, form=form, think=think, edges=edges)
    choices = "" if answer is None else options_text(answer, separator=" ")
    return Example(f"{question} {choices}".strip(), reply, reference)


def with_times(facts: GraphFacts, media: str) -> GraphFacts:
    """`facts` of the example: two timed frames for a clip, untimed ones for images."""
    frames = 1 if media == "image" else 2
    return replace(facts, frame_count=frames, times=(0.0, 1.5) if media == "video" else None)


def _graph(facts: GraphFacts, media: str) -> dict[str, Any]:
    shown = with_times(facts, media)
    if facts.dimension == 3:
        scenes = (_CAMERA, _CAMERA_LATER) if facts.space == "camera" else (_WORLD, _WORLD_LATER)
        factor, scale = 1, 5.0
    else:
        scenes, factor = (_PLANE, _PLANE_LATER), _PLANE_FACTOR.get(facts.unit, 10)
        scale = 1.25 * factor
    graph: dict[str, Any] = {"space": facts.space, "unit": facts.unit, "scale": scale, "frames": []}
    if facts.up is not None:
        graph["up"] = list(facts.up)
    for index, scene in enumerate(scenes[: shown.frame_count]):
        frame: dict[str, Any] = {} if shown.times is None else {"t": shown.times[index]}
        frame["nodes"] = [
            {
                "id": name,
                "label": name.split(".")[0],
                "center": [round(value * factor, 6) for value in center],
            }
            for name, center in scene.items()
        ]
        graph["frames"].append(frame)
    return graph


def _question(kind: str | None, box_space: str | None) -> tuple[str, dict[str, Any] | None]:
    if kind is None:
        return "Where is everything?", None
    if kind == "choice":
        question = "Which object is nearest to the table at the start?"
        return question, {"kind": kind, "value": "B", "options": ["lamp", "chair"]}
    if kind == "number":
        return "How many chairs are there?", {"kind": kind, "value": 2}
    if kind == "box2d":
        space = box_space or "pixel"
        if space not in _BOXES:
            raise PromptError(f"box_space: {space!r} is none of {', '.join(_BOXES)}")
        answer: dict[str, Any] = {
            "kind": kind,
            "value": list(_BOXES[space]),
            "size": [800, 600],
            "box_space": space,
        }
        return "Where is the table in the first picture?", answer
    if kind == "interval":
        return "When does a chair move?", {"kind": kind, "value": [0, 1.5]}
    if kind == "text":
        return "What hangs above the table?", {"kind": kind, "value": "lamp"}
    raise PromptError(
        f"reference.answer.kind: {kind!r} has no example; known: choice, number, box2d, interval, text"
    )
