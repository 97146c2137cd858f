"""Every prompt of ours is told apart from every other, and from any text that is not quite ours."""

from __future__ import annotations

import copy
import doctest
from itertools import product
from typing import Any

import pytest
from prompt_cases import ANSWERS, SPACES, frames_of, reference_of

from videostr.prompts import TEMPLATES, build_prompt, recognise

QUESTION = "Which cup? It says: Objects: none, and {x}."


@pytest.mark.parametrize("key", TEMPLATES, ids="-".join)
@pytest.mark.parametrize("space", SPACES)
def test_the_options_of_a_prompt_are_read_back(key: Any, space: str) -> None:
    media, form, style = key
    for answer, edges, categories, media_last in product((*ANSWERS, None), *3 * ((False, True),)):
        reference = reference_of(space, answer, **frames_of(media))
        for box_space in (None, "norm1000") if answer in ("pixel", "norm1") else (None,):
            text = TEMPLATES[key].write(
                reference,
                QUESTION,
                edges=edges,
                categories=categories,
                box_space=box_space,
                media_last=media_last,
            )
            asked = recognise(text, reference, QUESTION)
            assert asked is not None
            own = ANSWERS[answer].get("box_space") if answer else None
            assert (asked.media, asked.form, asked.style) == (media, form, style)
            assert (asked.edges, asked.categories, asked.media_last) == (edges, categories, media_last)
            assert asked.box_space == (box_space or own)
            assert asked.usual_axes


def test_axes_of_ones_own_are_read_back() -> None:
    reference = reference_of("world", "choice", frames=2, timed=True)
    for style in ("full", "compact"):
        text = build_prompt(reference, "Where?", style=style, axes="x east: of north, y north, z up")  # type: ignore[arg-type]
        asked = recognise(text, reference, "Where?")
        assert asked is not None
        assert (asked.axes, asked.usual_axes) == ("x east: of north, y north, z up", False)


def test_a_prompt_without_a_graph_is_recognised() -> None:
    for media, style, images in (("video", "full", None), ("image", "compact", None), ("images", "full", 3)):
        reference = {"version": 1, "answer": ANSWERS["count"]}
        text = build_prompt(reference, "How many?", media=media, style=style, images=images)  # type: ignore[arg-type]
        asked = recognise(text, reference, "How many?")
        assert asked is not None
        assert (asked.media, asked.style, asked.axes) == (media, style, None)


def test_any_other_text_is_not_ours() -> None:
    reference = reference_of("camera", "number", frames=2, timed=True)
    text = build_prompt(reference, "How far?")
    assert recognise(text, reference, "How far?") is not None
    assert recognise(text + "\n", reference, "How far?") is None
    assert recognise(text.replace("metres", "feet"), reference, "How far?") is None
    assert recognise(text, reference, "How near?") is None
    other = copy.deepcopy(reference)
    other["graph"]["unit"] = "cm"
    assert recognise(text, other, "How far?") is None
    del other["graph"]
    assert recognise(text, other, "How far?") is None
    for junk in ("", "<video>", "{}", "\x00<image>"):
        assert recognise(junk, reference, "") is None
    for broken in ("{", "[]", {"version": 1}, {"graph": 3}, {"answer": 5}):
        assert recognise(text, broken, "How far?") is None  # type: ignore[arg-type]


def test_docstring_examples_run() -> None:
    import importlib

    module = importlib.import_module("videostr.prompts.recognise")
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
