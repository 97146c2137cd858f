"""Templates ask for what the reader reads: each one's own example earns everything."""

from __future__ import annotations

import copy
import doctest
import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from prompt_cases import ANSWERS, PRESETS, SPACES, frames_of, reference_of

import videostr
from videostr import prompts
from videostr.prompts import TEMPLATES, PromptError, build_prompt, render_answer, render_graph, render_reply
from videostr.prompts import notation as notation_module
from videostr.prompts import template as template_module


def assert_perfect(reply: str, reference: Any, spec: videostr.RewardSpec) -> None:
    report = videostr.Scorer(spec).score(reply, reference)
    components = report.to_dict()["components"]
    total = components.pop("total")
    assert {
        name: value for name, value in components.items() if value is not None and abs(value - 1) > 1e-9
    } == {}
    assert report.repairs == 0
    weights = spec.to_dict()["weights"]
    assert total == pytest.approx(sum(w for name, w in weights.items() if components.get(name) is not None))


@pytest.mark.parametrize("key", TEMPLATES, ids="-".join)
@pytest.mark.parametrize("space", SPACES)
def test_the_example_of_each_template_earns_everything(key: Any, space: str) -> None:
    template = TEMPLATES[key]
    for answer, edges in product((*ANSWERS, None), (False, True)):
        reference = reference_of(space, answer, **frames_of(template.media))
        example = template.example(reference, edges=edges)
        for preset in PRESETS:
            assert_perfect(example.reply, example.reference, videostr.RewardSpec.preset(preset))
        if edges:
            stated = videostr.RewardSpec.preset("coordinates").replace(edges="stated", angle_weight=0.0)
            assert_perfect(example.reply, example.reference, stated)
        if template.style == "full":
            text = template.write(reference, "What?", edges=edges)
            assert f"{example.question}\n{example.reply}" in text


def test_the_example_speaks_of_the_references_own_space() -> None:
    for space in SPACES:
        reference = reference_of(space, "choice", frames=2, timed=True)
        graph = TEMPLATES["video", "json", "full"].example(reference).reference["graph"]
        for name in ("space", "unit", "up"):
            assert graph.get(name) == reference["graph"].get(name)
        assert len(graph["frames"][0]["nodes"][0]["center"]) == len(
            reference["graph"]["frames"][0]["nodes"][0]["center"]
        )


def test_an_example_with_a_moved_object_earns_less() -> None:
    example = TEMPLATES["video", "lines", "full"].example(
        reference_of("camera", "choice", frames=2, timed=True)
    )
    moved = copy.deepcopy(example.reference)
    moved["graph"]["frames"][0]["nodes"][0]["center"][0] += 0.5
    report = videostr.Scorer(videostr.RewardSpec.preset("pose-free")).score(example.reply, moved)
    assert report["node"] < 0.95
    assert report["edge"] < 1.0


@pytest.mark.parametrize("form", ["json", "lines"])
@pytest.mark.parametrize("space", SPACES)
def test_a_rendered_reference_earns_everything(form: Any, space: str) -> None:
    for answer in ANSWERS:
        reference = reference_of(space, answer, frames=2, timed=True)
        for preset in PRESETS:
            reply = render_reply(reference, form=form, think="I look.", edges=True)
            assert_perfect(reply, reference, videostr.RewardSpec.preset(preset))


def test_decimals_cost_what_rounding_costs() -> None:
    reference = reference_of("camera", "choice", frames=1, timed=False)
    reference["graph"]["frames"][0]["nodes"] = [{"id": "cup", "label": "cup", "center": [0.26, -0.04, 1.0]}]
    assert render_graph(reference["graph"], "lines", decimals=1) == "@\ncup 0.3 0.0 1.0\n"
    report = videostr.Scorer(videostr.RewardSpec.preset("coordinates")).score(
        render_reply(reference, form="lines", decimals=1), reference
    )
    assert report["node"] == pytest.approx(math.exp(-math.hypot(0.04, 0.04) / 2.0 / 0.15), abs=1e-9)


@pytest.mark.parametrize("key", TEMPLATES, ids="-".join)
def test_a_prompt_tells_nothing_that_is_asked(key: Any) -> None:
    template = TEMPLATES[key]
    for space, answer in product(SPACES, ANSWERS):
        reference = reference_of(space, answer, **frames_of(template.media))
        other = copy.deepcopy(reference)
        other["answer"]["value"] = {
            "choice": "A", "number": 9.5, "box2d": [0.5, 0.5, 0.75, 0.9], "interval": [1, 2], "text": "?"
        }[other["answer"]["kind"]]  # fmt: skip
        for frame in other["graph"]["frames"]:
            frame["nodes"] = [{**node, "center": [0.5] * len(node["center"])} for node in frame["nodes"][1:]]
        assert template.write(reference, "What?") == template.write(other, "What?")


@pytest.mark.parametrize("key", TEMPLATES, ids="-".join)
def test_a_prompt_states_question_options_times_units_and_tags(key: Any) -> None:
    template = TEMPLATES[key]
    reference = reference_of("camera", "choice", **frames_of(template.media))
    text = template.write(reference, "Which cup is nearer?")
    tags = ("<think>", "</think>", "<graph>", "</graph>", "<answer>", "</answer>")
    for piece in ("Which cup is nearer?", "A. the red cup", "B. the blue cup", "metres", "y down", *tags):
        assert piece in text
    assert "cup, plant" in text
    assert "cup, plant" not in template.write(reference, "Which?", categories=False)
    assert ("0, 0.75" in text) == (template.media == "video")
    marks = {"image": ("<image>", 1), "images": ("<image>", 2), "video": ("<video>", 1)}[template.media]
    assert text.count(marks[0]) == marks[1]
    assert text.count("<image>") + text.count("<video>") == marks[1]


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        ("choice", "the letter of the right option"),
        ("number", "one number in metres"),
        ("count", "one number, digits only"),
        ("pixel", "in pixels of an image 640 wide and 480 high"),
        ("norm1", "from 0 to 1"),
        ("norm1000", "from 0 to 1000"),
        ("interval", "[start, end] in seconds"),
        ("text", "the word or name alone"),
    ],
)
@pytest.mark.parametrize("style", ["full", "compact"])
def test_a_prompt_states_the_grammar_of_its_answer(answer: str, phrase: str, style: Any) -> None:
    for graph in (True, False):
        reference = reference_of("pixels", answer, frames=2, timed=True)
        if not graph:
            del reference["graph"]
        text = build_prompt(reference, "What?", style=style)
        assert phrase in text
        assert ("<graph>" in text) == graph


def test_another_box_space_is_asked_for_and_shown() -> None:
    reference = reference_of("pixels", "pixel", frames=2, timed=True)
    text = build_prompt(reference, "Where?", box_space="norm1000")
    assert "from 0 to 1000" in text
    assert "<answer>[200, 100, 400, 300]</answer>" in text
    spec = videostr.RewardSpec.preset("pose-free").replace(box_space="norm1000")
    example = TEMPLATES["video", "json", "full"].example(reference, box_space="norm1000")
    assert_perfect(example.reply, example.reference, spec)


def test_images_are_counted_and_axes_can_be_named() -> None:
    reference = reference_of("camera", "choice", frames=2, timed=False)
    text = build_prompt(reference, "?", media="images", images=5)
    assert text.startswith("<image>" * 5 + "\n")
    last = build_prompt(reference, "?", media="images", images=5, media_last=True)
    assert last == text.removeprefix("<image>" * 5 + "\n") + "\n" + "<image>" * 5
    assert "x east" in build_prompt(reference, "?", media="images", axes="x east, y north, z up")


def unknown_kind() -> dict[str, Any]:
    return {"version": 1, "answer": {"kind": "tube", "value": {}}}


def camera_with_y_up() -> dict[str, Any]:
    reference = reference_of("camera", "choice", frames=1, timed=False)
    reference["graph"]["up"] = [0, 1, 0]
    return reference


def boxless() -> dict[str, Any]:
    reference = reference_of("pixels", "pixel", frames=1, timed=False)
    reference["answer"] = {"kind": "box2d", "value": [0, 0, 1, 1], "box_space": "pixel"}
    return reference


@pytest.mark.parametrize(
    ("reference", "options", "field"),
    [
        (unknown_kind(), {}, "answer.kind"),
        (camera_with_y_up(), {}, "graph.up"),
        (boxless(), {}, "answer.size"),
        ({"version": 1}, {}, "graph"),
        ("{", {}, "reference"),
        ("[]", {}, "reference"),
        ({"version": 1, "graph": {"space": "camera", "unit": "m", "frames": []}}, {}, "reference.graph"),
        (reference_of("camera", None, frames=2, timed=False), {"media": "image"}, "graph.frames"),
        (reference_of("camera", None, frames=2, timed=True), {"media": "images"}, "graph.frames"),
        ({"version": 1, "answer": ANSWERS["count"]}, {"media": "images"}, "images"),
        (reference_of("camera", None, frames=2, timed=True), {"form": "yaml"}, "form"),
        (reference_of("camera", None, frames=2, timed=True), {"media": "audio"}, "media"),
        (reference_of("pixels", "pixel", frames=2, timed=True), {"box_space": "inches"}, "box_space"),
    ],
)
def test_what_cannot_be_asked_names_its_field(reference: Any, options: dict[str, Any], field: str) -> None:
    with pytest.raises(PromptError, match=field.replace(".", r"\.")) as caught:
        build_prompt(reference, "?", **options)
    assert isinstance(caught.value, videostr.VideostrError)


JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    3.5,
    math.nan,
    10**400,
    "",
    "\ud800",
    "x",
    b"x",
    [],
    [1],
    {},
    {"id": 1},
)


WRITERS: tuple[Callable[[Any], str], ...] = (
    lambda made: build_prompt(made, "?"),
    lambda made: render_reply(made, form="lines"),
)


def changed(value: Any) -> Iterator[Any]:
    """The value with junk in each of its places in turn."""
    yield from JUNK
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        for junk in changed(inner):
            copy = value.copy()
            copy[key] = junk
            yield copy


def fault_of(scorer: videostr.Scorer, reference: Any) -> str | None:
    try:
        scorer.prepare(reference)
    except videostr.GroundTruthError as error:
        return str(error)
    return None


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_the_scorer_refuses_no_prompt_is_written_for(answer: str) -> None:
    """By the same field and words; what it takes, a prompt and a reply are written for."""
    scorer = videostr.Scorer()
    reference = reference_of("camera", answer, frames=1, timed=True)
    good = 0
    for made in changed(reference):
        fault = fault_of(scorer, made)
        if fault is None:
            good += 1
            assert scorer.score(render_reply(made, form="lines"), made).format == 1
            continue
        for write in WRITERS:
            with pytest.raises(PromptError) as caught:
                write(made)
            assert fault in str(caught.value)
    assert good >= 10


def test_an_answer_without_a_rendering_is_named() -> None:
    with pytest.raises(PromptError, match="tube"):
        render_answer({"kind": "tube", "value": {}})
    with pytest.raises(PromptError, match="form"):
        render_graph({"frames": []}, "yaml")  # type: ignore[arg-type]


@pytest.mark.parametrize("module", [prompts, notation_module, template_module])
def test_docstring_examples_run(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
