"""Which of our templates a prompt was written with, told exactly or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product

from videostr.prompts import wording
from videostr.prompts.errors import PromptError
from videostr.prompts.notation import Form
from videostr.prompts.reference import Json, as_mapping, graph_facts
from videostr.prompts.template import TEMPLATES, Media, Style

#: The line of either style that says where the axes point: what follows the unit, up to the last full stop.
_AXES = re.compile(
    r"^(?:Frames at t = [^\n]* s\. )?(?:Centres|- x y z is|- x y is)[^\n:]*: (?P<axes>[^\n]*)\.$", re.M
)
_BOX_SPACES = ("pixel", "norm1", "norm1000")


@dataclass(frozen=True)
class Asked:
    """What a prompt of ours asks for.

    Attributes:
        media, form, style: Of the template.
        categories: The labels are told.
        edges: Stated distances are asked for.
        box_space: The space that a box answer is asked in; None without one.
        axes: The phrase that names the axes; None without a graph.
        usual_axes: It is the usual one of the reference's space.
        media_last: The media follow the text.
    """

    media: Media
    form: Form
    style: Style
    categories: bool
    edges: bool
    box_space: str | None
    axes: str | None
    usual_axes: bool
    media_last: bool = False


def recognise(text: str, reference: Json | str, question: str) -> Asked | None:
    """The template and options that give exactly this text for this reference and question; None for any other text.

    Args:
        text: The user message, with its marks of media.
        reference: The ground truth object or its JSON text.
        question: What was asked, as given to `build_prompt`.

    Example:
        >>> from videostr.prompts import build_prompt
        >>> reference = {"version": 1, "answer": {"kind": "number", "value": 2}}
        >>> text = build_prompt(reference, "How many?", media="image", style="compact")
        >>> recognise(text, reference, "How many?").style, recognise(text + " Be brief.", reference, "How many?")
        ('compact', None)
    """
    try:
        value = as_mapping(reference)
        usual = _usual_axes(value)
        answer = value.get("answer")
        own = (
            answer.get("box_space") if isinstance(answer, Mapping) and answer.get("kind") == "box2d" else None
        )
    except (PromptError, AttributeError):
        return None
    found = _AXES.search(text)
    axes = None if found is None or "graph" not in value else found["axes"]
    form: Form = "json" if '{"frames":[{' in text else "lines"
    style: Style = "full" if "\nFirst reason inside <think> and </think>, once." in text else "compact"
    edges = "name - name distance" in text or '"edges":[["name","name",distance]]' in text
    categories = "\nObjects: " in text or "A name is one of these categories: " in text
    media_last = not text.startswith(("<video>", "<image>"))
    spaces = (own, *(name for name in _BOX_SPACES if name != own)) if own else (None,)
    for media, box_space in product(_media(text), spaces):
        try:
            written = TEMPLATES[media, form, style].write(
                value,
                question,
                categories=categories,
                edges=edges,
                images=text.count("<image>") or None,
                box_space=box_space,
                axes=axes,
                media_last=media_last,
            )
        except (PromptError, KeyError, TypeError, ValueError):
            continue
        if written == text:
            return Asked(media, form, style, categories, edges, box_space, axes, axes == usual, media_last)
    return None


def _usual_axes(reference: Json) -> str | None:
    facts = graph_facts(reference)
    with suppress(PromptError):
        return None if facts is None else wording.axes_text(facts)
    return None


def _media(text: str) -> Sequence[Media]:
    """What its marks can stand for: one image may also be a list of one."""
    if "<video>" in text:
        return ("video",)
    return ("images",) if "<image><image>" in text else ("image", "images")
