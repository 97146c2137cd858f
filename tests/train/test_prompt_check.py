"""Prompts that do not ask for what is paid for are refused, by kind, row and reason; ours are not."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "prompts"))
from prompt_cases import ANSWERS, PRESETS, SPACES, frames_of, reference_of

from videostr import RewardSpec
from videostr.prompts import TEMPLATES, build_prompt
from videostr.train.prompt_check import ALL, CHECKS, PromptCheck, TemplateFacts, reasons_of
from videostr.train.refusal import LaunchError

QUESTION = "How far is the first one from the other?"
WORLD_AS_WRITTEN = ("video-str", "coordinates")
#: A prompt of somebody's own that asks for all that `camera` references and the default spec want.
OWN = """<video>
{question}
Think inside <think> and </think>. There, write the objects that you see in <graph></graph> as JSON:
{{"frames": [{{"t": 0.0, "nodes": [["chair.1", [0.4, 1.2, 0.5]]]}}]}}, in metres, as seen from the camera at t.
Then give one number in metres in <answer></answer>."""


def _row(text: str, truth: Mapping[str, Any], question: str = QUESTION, **more: Any) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": text}],
        "reward_model": {"style": "rule", "ground_truth": json.dumps(truth)},
        "extra_info": {"question": question},
        **more,
    }


def _found(
    text: str, truth: Mapping[str, Any], spec: Any = "pose-free", **settings: Any
) -> list[tuple[str, str]]:
    spec = RewardSpec.preset(spec) if isinstance(spec, str) else spec
    return list(PromptCheck(spec, **settings).findings(_row(text, truth), truth))


def _kinds(*args: Any, **settings: Any) -> list[str]:
    return [check for check, _ in _found(*args, **settings)]


@pytest.mark.parametrize("key", TEMPLATES, ids="-".join)
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("exact", [True, False], ids=["recognised", "by words"])
def test_prompts_of_ours_pass_every_preset(key: Any, space: str, exact: bool) -> None:
    """But for the one thing that no prompt of ours can repair: world coordinates compared as written."""
    media, form, style = key
    for answer, categories, preset in product((*ANSWERS, None), (False, True), PRESETS):
        truth = reference_of(space, answer, **frames_of(media))
        text = TEMPLATES[key].write(truth, QUESTION, categories=categories)
        text += "" if exact else " "
        wanted = ["axes"] if preset in WORLD_AS_WRITTEN and SPACES[space]["space"] == "world" else []
        found = _found(text, truth, preset)
        assert [check for check, _ in found] == wanted, (answer, preset, found)
        if answer is not None:
            del truth["graph"]
            images = {"images": 2} if media == "images" else {}
            text = build_prompt(truth, QUESTION, media=media, form=form, style=style, **images)
            assert _found(text + ("" if exact else " "), truth, preset) == []


@pytest.mark.parametrize("exact", [True, False], ids=["recognised", "by words"])
@pytest.mark.parametrize("key", TEMPLATES, ids="-".join)
def test_edges_boxes_and_axes_of_our_prompts(key: Any, exact: bool) -> None:
    end = "" if exact else " "
    truth = reference_of("camera", "number", **frames_of(key[0]))
    stated = RewardSpec.preset("pose-free").replace(edges="stated", angle_weight=0.0)
    plain, edges = (TEMPLATES[key].write(truth, QUESTION, edges=asked) + end for asked in (False, True))
    assert _kinds(plain, truth, stated) == ["edges"]
    assert _kinds(edges, truth, stated) == []
    assert _kinds(edges, truth, stated.replace(angle_weight=0.5)) == ["edges"]
    assert _kinds(edges, truth, stated.replace(angle_weight=0.5, group="none", weights={"node": 0})) == []
    boxes = reference_of("pixels", "pixel", **frames_of(key[0]))
    thousand = RewardSpec.preset("pose-free").replace(box_space="norm1000")
    assert _kinds(TEMPLATES[key].write(boxes, QUESTION) + end, boxes, thousand) == ["box"]
    assert _kinds(TEMPLATES[key].write(boxes, QUESTION, box_space="norm1000") + end, boxes, thousand) == []
    world = reference_of("world", "number", **frames_of(key[0]))
    named = TEMPLATES[key].write(
        world, QUESTION, axes="x east, y north, z up, origin in the corner by the door"
    )
    assert _kinds(named + end, world, "video-str") == []


def test_a_prompt_of_ones_own_that_asks_for_everything_passes() -> None:
    truth = reference_of("camera", "number", frames=2, timed=True)
    for preset in PRESETS:
        assert _found(OWN.format(question=QUESTION), truth, preset) == []


#: What is changed in OWN, the check that finds it, and what is said.
LACKING = [
    (("<think>", "a thought"), "format", "does not name <think>"),
    (("<answer>", "the answer"), "format", "does not name <answer>"),
    (
        ("<graph>", "the graph "),
        "graph",
        "node, edge, chirality are paid for, and the prompt does not name <graph>",
    ),
    (
        (
            '{"frames": [{"t": 0.0, "nodes": [["chair.1", [0.4, 1.2, 0.5]]]}]}',
            "a list of names with x, y, z",
        ),
        "graph",
        "shows no form of the graph",
    ),
    (
        (", [0.4, 1.2, 0.5]", ", [0.4, 1.2]"),
        "coordinates",
        "has 3 coordinates a node, and the prompt speaks of 2",
    ),
    ((", [0.4, 1.2, 0.5]", ""), "coordinates", "and the prompt does not say so"),
    (("metres", "feet"), "coordinates", "the graph is in metres, and the prompt speaks of feet"),
    (("metres", "feet"), "answer", "the answer is in metres, and the prompt speaks of feet"),
    (("in metres", "in good order"), "answer", "the answer is in metres, and the prompt names no unit"),
    ((" as seen from the camera at t", ""), "axes", "coordinates in camera space are compared as written"),
    (
        ("one number in metres", "the letter of the option in metres"),
        "answer",
        "asks for the letter of an option",
    ),
    (
        ("Think inside", "Use at most 100 words. Think inside"),
        "length",
        "the prompt says 'at most 100 words'",
    ),
    (("Think inside", "Be brief. Think inside"), "length", "the prompt says 'Be brief'"),
    (("Think inside", "Write at least 900 words. Think inside"), "length", "'at least 900 words'"),
]


@pytest.mark.parametrize(("change", "check", "words"), LACKING, ids=[f"{c}-{w[:20]}" for _, c, w in LACKING])
def test_what_a_prompt_lacks_is_said(change: tuple[str, str], check: str, words: str) -> None:
    truth = reference_of("camera", "number", frames=2, timed=True)
    text = OWN.format(question=QUESTION)
    assert change[0] in text
    found = _found(text.replace(*change), truth)
    assert any(kind == check and words in said for kind, said in found), found


@pytest.mark.parametrize(
    "request_of_length",
    [
        "Think in 320 to 512 tokens.",
        "Answer in one word.",
        "In at most 400 words.",
        "Use at least 100 words.",
    ],
)
def test_a_length_that_can_be_paid_for_passes(request_of_length: str) -> None:
    truth = reference_of("camera", "number", frames=2, timed=True)
    assert _found(OWN.format(question=QUESTION) + request_of_length, truth) == []


def test_times_are_asked_for_where_there_are_several_frames() -> None:
    truth = reference_of("camera", "number", frames=2, timed=True)
    text = OWN.format(question=QUESTION).replace('"frames": [{"t": 0.0, ', "").replace("]}]}", "]}")
    text = text.replace("{{", "{").replace(" at t", "")
    assert "frame" not in text
    assert (
        "coordinates",
        "the reference has several frames, and the prompt speaks of no frames or times",
    ) in _found(text, truth)


def test_options_stand_in_the_prompt() -> None:
    truth = {
        "version": 1,
        "answer": {"kind": "choice", "value": "B", "options": ["the red cup", "the blue cup"]},
    }
    good = "<video> Which? A) The  red cup B) the blue cup. <think></think><answer></answer>"
    assert _found(good, truth) == []
    assert _found(good.replace("blue", "green"), truth) == [
        ("answer", "the truth is a choice, and the text of option B does not stand in the prompt")
    ]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("pixel", "the bounding box in pixels", "the object's place"),
        ("norm1", "a box [x1, y1, x2, y2] between 0 and 1", "the time"),
        ("norm1000", "its box, from 0 to 1000", "the start"),
        ("interval", "the start and the end in seconds", "when"),
        ("count", "a number", "what you think"),
    ],
)
def test_the_grammar_of_an_answer(kind: str, good: str, bad: str) -> None:
    truth = {"version": 1, "answer": ANSWERS[kind]}
    text = "<image> Look. First <think></think>. Then write {} in <answer></answer>."
    assert _found(text.format(good), truth) == []
    assert "answer" in _kinds(text.format(bad), truth)


def test_a_box_in_another_space_is_said() -> None:
    truth = {"version": 1, "answer": ANSWERS["norm1"]}
    text = "<image> Look. <think></think> Then the box, from 0 to 1000, in <answer></answer>."
    assert _found(text, truth) == [("box", "boxes are read as norm1, and the prompt speaks of norm1000")]


def test_up_is_named_where_only_turns_about_it_are_free() -> None:
    truth = reference_of("world", "number", frames=2, timed=True)
    text = OWN.format(question=QUESTION).replace(
        "as seen from the camera at t", "in any right-handed frame of the room"
    )
    assert _kinds(text, truth) == ["axes"]
    assert _kinds(text.replace("frame of the room", "frame with z up"), truth) == []
    assert _kinds(text, truth, "so3") == []


def test_the_chat_template_and_think_prefilled_agree() -> None:
    truth = {"version": 1, "answer": ANSWERS["count"]}
    opens, plain = TemplateFacts("You are kind.", opens_think=True), TemplateFacts("You are kind.")
    prefilled = RewardSpec.preset("answer-only").replace(think_prefilled=True)
    text = "<image> How many? A number in <answer></answer>; think until </think>."
    assert _found(text, truth, prefilled, template=opens) == []
    ((check, words),) = _found(text + "<think>", truth, "answer-only", template=opens)
    assert (check, words[:48]) == ("format", "the chat template ends in <think>, so every repl")
    ((check, words),) = _found(text, truth, prefilled, template=plain)
    assert (check, words[:48]) == ("format", "the spec says think_prefilled, and the chat temp")
    asking = TemplateFacts("Write <think>..</think><answer>..</answer>.")
    assert _found("<image> How many? A number.", truth, "answer-only", template=asking) == []


def test_a_reply_that_ends_before_its_length_is_paid_for() -> None:
    truth = {"version": 1, "answer": ANSWERS["count"]}
    text = "<image> How many? A number. <think></think><answer></answer>"
    assert _found(text, truth, max_response_length=320) == []
    assert _found(text, truth, max_response_length=192) == [
        (
            "length",
            "replies of 320 to 512 tokens are paid for, and data.max_response_length=192 ends them before that",
        )
    ]
    assert _found(text, truth, "answer-only", max_response_length=192) == []


def test_what_is_not_paid_for_is_not_asked_for() -> None:
    truth = reference_of("camera", "number", frames=2, timed=True)
    nothing = RewardSpec.preset("answer-only").replace(weights={"format": 0})
    assert _kinds("How far, in metres?", truth, nothing) == ["answer"]
    assert _found("How far, in metres? <answer>", truth, nothing) == []


def test_the_refusal_counts_rows_and_says_what_to_do() -> None:
    truth = reference_of("camera", "number", frames=2, timed=True)
    check = PromptCheck(RewardSpec.preset("pose-free"))
    good = build_prompt(truth, QUESTION)
    for number, text in enumerate([good, good.replace("<graph>", "graph"), *["How far, in metres?"] * 4]):
        check.look(_row(text, truth), f"a.parquet: row {number}")
    check.look({"prompt": "text", "reward_model": {"ground_truth": "{"}}, "a.parquet: row 9")
    with pytest.raises(LaunchError) as caught:
        check.refuse()
    lines = str(caught.value).splitlines()
    assert lines[0] == "the prompts do not ask for what the reward's spec pays for:"
    assert lines[1] == (
        "  format: format is paid for, and the prompt does not name <think> and <answer> (4 of 6 rows, first "
        "a.parquet: row 2, a.parquet: row 3, a.parquet: row 4)"
    )
    assert lines[2].endswith(
        "does not name <graph>, where alone a graph is read (5 of 6 rows, first a.parquet: row 1, "
        "a.parquet: row 2, a.parquet: row 3)"
    )
    assert lines[-1].endswith("prompt_check.format='...' (docs/training.md, Prompts and spec)")


def test_a_check_that_is_off_says_its_reason() -> None:
    truth = reference_of("camera", "number", frames=2, timed=True)
    row = _row("How far, in metres? <think> <answer>", truth)
    reasons = reasons_of({"prompt_check": {"graph": "the system prompt is ours", "axes": None}})
    check = PromptCheck(RewardSpec.preset("pose-free"), off=reasons)
    check.look(row, "row 0")
    check.refuse()
    assert check.warnings() == ["prompt_check.graph is off: the system prompt is ours"]
    everything = PromptCheck(RewardSpec.preset("pose-free"), off={ALL: "a test"})
    everything.look(_row("?", truth), "row 0")
    everything.refuse()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (False, "False gives no reason; write prompt_check.all='why"),
        ("off", "'off' gives no reason"),
        ({"graf": "x"}, "unknown check 'graf'; did you mean 'graph'"),
        ({"zzz": "x"}, "unknown check 'zzz'; known: format, answer"),
        ({"graph": False}, "prompt_check.graph: False is no reason"),
        ({"graph": "  "}, "is no reason; say in words"),
    ],
)
def test_a_check_is_not_turned_off_without_a_reason(given: Any, words: str) -> None:
    with pytest.raises(LaunchError) as caught:
        reasons_of({"prompt_check": given})
    assert words in str(caught.value)


def test_no_check_is_off_by_itself() -> None:
    assert reasons_of({}) == reasons_of({"prompt_check": None}) == reasons_of({"prompt_check": {}}) == {}
    assert reasons_of({"prompt_check": dict.fromkeys(CHECKS)}) == {}
