"""Whether the prompts of a recipe's rows ask for what its reward's spec pays for.

A policy earns nothing for what nobody asked of it, and verl trains on all the same. A prompt that one of our templates
wrote is recognised exactly (:func:`videostr.prompts.recognise`); any other is searched for words
(:mod:`videostr.train.prompt_words`). A recipe that means it says so: ``prompt_check.NAME: <why>``.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from videostr import prompts
from videostr.prompts.wording import UNIT_WORDS, option_letter
from videostr.spec import RewardSpec
from videostr.train import prompt_words as said
from videostr.train.refusal import LaunchError

#: The checks, in the order in which they are told.
CHECKS: Mapping[str, str] = {
    "format": "the tags that the component format wants, and what the chat template writes of them",
    "answer": "the answer in its tags, in the grammar of the truth's kind",
    "box": "the space of a box answer",
    "graph": "the graph in its tags, in a form that the reader reads",
    "edges": "stated edges, with their angle",
    "coordinates": "number of coordinates and unit of the graph, and its times",
    "axes": "which way the coordinates point, where they are compared as written",
    "length": "a reply of the length that is paid for, and room for what a reference says",
}
ALL = "all"
_GRAPH_PARTS = ("node", "edge", "chirality", "motion")
_SHOWN = 3
_TAGS = ("<think>", "<answer>")


@dataclass(frozen=True)
class TemplateFacts:
    """What the model's chat template adds to a row's prompt.

    Attributes:
        text: Its own words around a message.
        opens_think: It ends in ``<think>``, so that a reply starts inside it.
    """

    text: str = ""
    opens_think: bool = False


def reasons_of(config: Any) -> dict[str, str]:
    """The checks that a recipe turns off, each with its reason (``prompt_check``).

    Raises:
        LaunchError: A name that is no check, or no reason.
    """
    given = config.get("prompt_check")
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise LaunchError(
            f"prompt_check: {given!r} gives no reason; write prompt_check.{ALL}='why the prompts ask for other things "
            f"than the spec pays for', or name one check: {', '.join(CHECKS)}"
        )
    reasons = {}
    for name, reason in given.items():
        if name not in (*CHECKS, ALL):
            near = difflib.get_close_matches(str(name), (*CHECKS, ALL), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join((*CHECKS, ALL))}"
            raise LaunchError(f"prompt_check: unknown check {name!r}{hint}")
        if reason is None:
            continue
        if not isinstance(reason, str) or not reason.strip():
            raise LaunchError(
                f"prompt_check.{name}: {reason!r} is no reason; say in words why the prompts ask for other things"
            )
        reasons[str(name)] = reason
    return reasons


@dataclass
class _Kind:
    """One thing that is wrong with some rows."""

    rows: int = 0
    first: list[str] = field(default_factory=list)


class PromptCheck:
    """Compares prompts with a spec, row by row.

    Args:
        spec: The reward's.
        template: What the chat template adds; None where it is not known.
        max_response_length: Of a reply, in tokens; 0 where it is not known.
        off: Checks that are left out, with their reasons (:func:`reasons_of`).
    """

    def __init__(
        self,
        spec: RewardSpec,
        template: TemplateFacts | None = None,
        max_response_length: int = 0,
        off: Mapping[str, str] | None = None,
    ) -> None:
        self._spec = spec
        self._weights = spec.weights
        self._template = template
        self._longest = max_response_length
        self._off = dict(off or {})
        self._rows = 0
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def look(self, row: Mapping[str, Any], where: str) -> None:
        """Remember what the prompt of one row does not ask for. A row that is none is passed over."""
        truth = _truth_of(row)
        messages = row.get("prompt")
        if truth is None or not isinstance(messages, list) or ALL in self._off:
            return
        self._rows += 1
        for check, words in self.findings(row, truth):
            if not self.is_off(check):
                kind = self._kinds.setdefault((check, words), _Kind())
                kind.rows += 1
                if len(kind.first) < _SHOWN:
                    kind.first.append(where)

    def findings(self, row: Mapping[str, Any], truth: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """(check, words) of all that a prompt does not ask for."""
        contents = [
            str(message.get("content") or "") for message in row["prompt"] if isinstance(message, Mapping)
        ]
        last = contents[-1] if contents else ""
        question = (row.get("extra_info") or {}).get("question")
        asked = prompts.recognise(last, truth, question) if isinstance(question, str) else None
        added = "" if self._template is None else self._template.text
        other = "\n".join([*contents[:-1], added])
        text = f"{other}\n{last}"
        yield from self._format(text)
        yield from self._answer(truth, text, asked, other)
        if truth.get("graph") and any(self._weights[name] > 0 for name in _GRAPH_PARTS):
            yield from self._graph(truth["graph"], text, asked, other)
        yield from self._length(text)

    def refuse(self) -> None:
        """End the start where a prompt does not ask for what is paid for.

        Raises:
            LaunchError: Naming each kind with its number of rows, the first of them, and what to do.
        """
        if not self._kinds:
            return
        order = list(CHECKS)
        kinds = sorted(self._kinds.items(), key=lambda item: order.index(item[0][0]))
        lines = [
            f"\n  {check}: {words} ({'all' if kind.rows == self._rows else kind.rows} of {self._rows} rows, first "
            f"{', '.join(kind.first)})"
            for (check, words), kind in kinds
        ]
        raise LaunchError(
            f"the prompts do not ask for what the reward's spec pays for:{''.join(lines)}\n"
            f"Write the prompts with videostr.prompts.build_prompt, or change the spec. Where it is meant, say why: "
            f"prompt_check.{kinds[0][0][0]}='...' (docs/training.md, Prompts and spec)"
        )

    def is_off(self, check: str) -> bool:
        """Whether the recipe turns this check off."""
        return ALL in self._off or check in self._off

    def warnings(self) -> list[str]:
        """The checks that are off, with their reasons."""
        return [f"prompt_check.{name} is off: {reason}" for name, reason in self._off.items()]

    def _format(self, text: str) -> Iterator[tuple[str, str]]:
        if not self._weights["format"] > 0:
            return
        prefilled = self._spec.think_prefilled
        if self._template is not None and prefilled != self._template.opens_think:
            yield (
                "format",
                "the chat template ends in <think>, so every reply starts inside it: set think_prefilled: true in the "
                "spec"
                if self._template.opens_think
                else "the spec says think_prefilled, and the chat template does not end in <think>: set it to false",
            )
        missing = [tag for tag in _TAGS if tag not in text and not (prefilled and tag == "<think>")]
        if missing:
            yield "format", f"format is paid for, and the prompt does not name {' and '.join(missing)}"

    def _answer(
        self, truth: Mapping[str, Any], text: str, asked: prompts.Asked | None, other: str
    ) -> Iterator[tuple[str, str]]:
        answer = truth.get("answer")
        if not answer or not (self._weights["answer"] > 0 or self._weights["length"] > 0):
            return
        if "<answer>" not in text and not self._weights["format"] > 0:
            yield (
                "answer",
                "the answer is paid for, and the prompt does not name <answer>, where alone it is read",
            )
        if answer["kind"] == "box2d":
            yield from self._box(answer, text, asked, other)
        if asked is None:
            yield from _answer_words(answer, text)

    def _box(
        self, answer: Mapping[str, Any], text: str, asked: prompts.Asked | None, other: str
    ) -> Iterator[tuple[str, str]]:
        needed = answer.get("box_space") if self._spec.box_space == "reference" else self._spec.box_space
        found = said.box_spaces(text) if asked is None else (asked.box_space, *said.box_spaces(other))
        if needed not in found:
            told = " and ".join(str(space) for space in found if space) or "no space"
            yield "box", f"boxes are read as {needed}, and the prompt speaks of {told}"

    def _graph(
        self, graph: Mapping[str, Any], text: str, asked: prompts.Asked | None, other: str
    ) -> Iterator[tuple[str, str]]:
        paid = ", ".join(name for name in _GRAPH_PARTS if self._weights[name] > 0)
        if "<graph>" not in text:
            yield (
                "graph",
                f"{paid} are paid for, and the prompt does not name <graph>, where alone a graph is read",
            )
            return
        if asked is None and not said.shows_graph_form(text):
            yield (
                "graph",
                'the prompt shows no form of the graph that is read: JSON with "nodes", or lines that begin with @ and '
                "a name",
            )
        if self._spec.edges == "stated" and self._weights["edge"] > 0:
            yield from self._edges(graph, other if asked is not None else text, asked)
        yield from self._coordinates(graph, text, asked)
        yield from self._axes(graph, text, asked)

    def _edges(
        self, graph: Mapping[str, Any], text: str, asked: prompts.Asked | None
    ) -> Iterator[tuple[str, str]]:
        frames = graph["frames"]
        if all(len(frame["nodes"]) < 2 for frame in frames):
            return
        if not (asked is not None and asked.edges) and not said.asks_for_edges(text):
            yield (
                "edges",
                "the spec reads stated edges, and the prompt does not ask for the distances of pairs",
            )
        elif (
            self._spec.angle_weight > 0
            and self._spec.group != "none"
            and any(len(frame["nodes"]) > 2 for frame in frames)
            and not said.asks_for_angles(text)
        ):
            yield (
                "edges",
                f"the angle of a stated edge is {self._spec.angle_weight:g} of its credit, and the prompt asks for no "
                f"angle: set angle_weight: 0 in the spec, or ask for it",
            )

    def _coordinates(
        self, graph: Mapping[str, Any], text: str, asked: prompts.Asked | None
    ) -> Iterator[tuple[str, str]]:
        if asked is not None:
            return
        frames = graph["frames"]
        wanted = len(frames[0]["nodes"][0]["center"])
        found = said.dimensions(text)
        if wanted not in found:
            told = (
                f"the prompt speaks of {found[0]}"
                if found
                else "the prompt does not say so (x y z, 3D, an example)"
            )
            yield "coordinates", f"the reference has {wanted} coordinates a node, and {told}"
        unit = str(graph["unit"])
        if not self._spec.free_scale and not said.names_unit(text, unit):
            yield "coordinates", _unit_words("the graph", unit, text)
        if len(frames) > 1 and not said.speaks_of_times(text):
            yield (
                "coordinates",
                "the reference has several frames, and the prompt speaks of no frames or times",
            )

    def _axes(
        self, graph: Mapping[str, Any], text: str, asked: prompts.Asked | None
    ) -> Iterator[tuple[str, str]]:
        space = str(graph["space"])
        spec = self._spec
        given = spec.frame_of_reference == "given" or (spec.frame_of_reference == "auto" and space != "world")
        as_written = (self._weights["node"] > 0 and given) or (
            self._weights["edge"] > 0 and spec.angle_weight > 0 and spec.group == "none"
        )
        if as_written:
            free = asked.usual_axes if asked is not None else said.leaves_axes_free(text)
            if space == "world" and free:
                yield (
                    "axes",
                    "coordinates are compared as written, and the prompt leaves their origin and axes free, which no "
                    "model can guess: set frame_of_reference: aligned (and another group than none) in the spec, take "
                    "references in camera space, or name the axes",
                )
            elif asked is None and not said.names_axes(text, space):
                yield (
                    "axes",
                    f"coordinates in {space} space are compared as written, and the prompt does not say which way they "
                    f"point",
                )
        elif (
            asked is None
            and space == "world"
            and graph.get("up") is not None
            and spec.group in ("auto", "yaw")
            and len(graph["frames"][0]["nodes"][0]["center"]) == 3
            and not said.speaks_of_up(text)
        ):
            yield (
                "axes",
                "the scene may be turned about its up axis only, and the prompt does not say which one that is",
            )

    def _length(self, text: str) -> Iterator[tuple[str, str]]:
        if not self._weights["length"] > 0:
            return
        least, most = self._spec.length_min, self._spec.length_max
        paid = f"replies of {least} to {most} tokens are paid for"
        if 0 < self._longest < least:
            yield "length", f"{paid}, and data.max_response_length={self._longest} ends them before that"
        asked = said.length_asked(text)
        if asked is not None and (
            (asked.most is not None and asked.most < least)
            or (asked.least is not None and asked.least > most)
        ):
            yield "length", f"{paid}, and the prompt says {asked.words!r}"


def _truth_of(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    model = row.get("reward_model")
    truth = model.get("ground_truth") if isinstance(model, Mapping) else None
    try:
        value = json.loads(truth) if isinstance(truth, str) else truth
    except ValueError:
        return None
    return value if isinstance(value, Mapping) else None


def _answer_words(answer: Mapping[str, Any], text: str) -> Iterator[tuple[str, str]]:
    """The grammar of an answer, in a text that is none of ours."""
    kind = str(answer["kind"])
    if kind == "choice":
        options = answer.get("options") or ()
        missing = said.missing_options(text, options)
        if missing:
            letters = ", ".join(option_letter(place) for place in missing)
            yield (
                "answer",
                f"the truth is a choice, and the text of option {letters} does not stand in the prompt",
            )
    elif not said.asks_for_kind(text, kind):
        yield "answer", f"the truth is of kind {kind}, and the prompt has no word for one"
    elif kind in ("number", "box2d", "interval") and said.asks_for_letter(text):
        yield "answer", f"the truth is of kind {kind}, and the prompt asks for the letter of an option"
    unit = answer.get("unit")
    if kind == "number" and unit and not said.names_unit(text, str(unit)):
        yield "answer", _unit_words("the answer", str(unit), text)


def _unit_words(what: str, unit: str, text: str) -> str:
    other = said.other_unit(text, unit)
    named = f"speaks of {UNIT_WORDS.get(other, other)}" if other else "names no unit"
    return f"{what} is in {UNIT_WORDS.get(unit, unit)}, and the prompt {named}"
