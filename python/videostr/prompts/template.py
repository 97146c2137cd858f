"""The templates: one for each medium, form of the graph and length of the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from videostr.prompts import wording
from videostr.prompts.errors import PromptError
from videostr.prompts.example import Example, make_example
from videostr.prompts.notation import FORMS, Form
from videostr.prompts.reference import GraphFacts, Json, as_mapping, graph_facts

Media = Literal["image", "images", "video"]
Style = Literal["full", "compact"]
MEDIA: tuple[Media, ...] = ("image", "images", "video")
STYLES: tuple[Style, ...] = ("full", "compact")
_NOUN: Mapping[Media, str] = {"image": "image", "images": "images", "video": "clip"}


@dataclass(frozen=True)
class Template:
    """One way to ask: for which medium, for which form of the graph, at which length.

    full: every rule in a sentence and a worked example. compact: the same rules in about sixty words,
    without the example, for short contexts and tiny models.
    """

    media: Media
    form: Form
    style: Style = "full"

    def write(
        self,
        reference: Json | str,
        question: str,
        *,
        categories: bool = True,
        edges: bool = False,
        images: int | None = None,
        box_space: str | None = None,
        axes: str | None = None,
        media_last: bool = False,
    ) -> str:
        """The text of the user message; see `build_prompt`."""
        value = as_mapping(reference)
        facts, answer = graph_facts(value), value.get("answer")
        if facts is None and answer is None:
            raise PromptError("reference: has neither 'graph' nor 'answer'; there is nothing to ask for")
        if facts is not None and self.media != "video":
            facts = self._of_images(facts)
        where = "" if facts is None else axes or wording.axes_text(facts)
        grammar = wording.answer_grammar(answer, box_space)
        lines = _question_lines(question, answer, self.style)
        if self.style == "compact":
            lines += self._compact(facts, where, grammar, categories, edges)
        else:
            lines += self._full(facts, where, grammar, categories, edges)
            example = self.example(value, edges=edges, box_space=box_space)
            lines += [
                "",
                "Example of a whole reply, about another scene.",
                f"Question: {example.question}",
                example.reply,
            ]
        marks = self._marks(images, facts)
        return "\n".join([*lines, marks] if media_last else [marks, *lines])

    def example(self, reference: Json | str, *, edges: bool = False, box_space: str | None = None) -> Example:
        """The worked example for references like this one: a reply that scores 1 in all that is defined."""
        value = as_mapping(reference)
        answer: Mapping[str, Any] | None = value.get("answer")
        kind = None if answer is None else str(answer["kind"])
        asked = None if answer is None else box_space or answer.get("box_space")
        return make_example(
            graph_facts(value), kind, media=self.media, form=self.form, edges=edges, box_space=asked
        )

    def _of_images(self, facts: GraphFacts) -> GraphFacts:
        """Images have no times that a model could know; the frame of a single one needs none to pair."""
        if self.media == "image" and facts.frame_count > 1:
            raise PromptError(
                f"reference.graph.frames: {facts.frame_count} frames for one image; say 'images' or 'video'"
            )
        if facts.frame_count > 1 and facts.times is not None:
            raise PromptError(
                "reference.graph.frames: a model cannot know when images were taken; "
                "leave out 't' (frames then pair by order) or use media='video'"
            )
        return replace(facts, times=None)

    def _marks(self, images: int | None, facts: GraphFacts | None) -> str:
        if self.media == "video":
            return "<video>"
        if self.media == "image":
            return "<image>"
        count = images if images is not None else (facts.frame_count if facts is not None else None)
        if count is None or count < 1:
            raise PromptError("images: say how many images the prompt shows (at least 1)")
        return "".join("<image>" for _ in range(count))

    def _skeleton(self, facts: GraphFacts, edges: bool) -> str:
        timed = facts.times is not None
        if self.form == "lines":
            pair = "name - name distance\n" if edges else ""
            return f"{'@t' if timed else '@'}\nname {wording.coordinate_names(facts.dimension)}\n{pair}"
        center = wording.coordinate_names(facts.dimension).replace(" ", ",")
        pair = ',"edges":[["name","name",distance]]' if edges else ""
        return '{"frames":[{' + ('"t":t,' if timed else "") + f'"nodes":[["name",[{center}]]]{pair}' + "}]}"

    def _compact(
        self, facts: GraphFacts | None, where: str, grammar: str, categories: bool, edges: bool
    ) -> list[str]:
        if facts is None:
            return [f"Reply: <think>your thoughts</think><answer>{grammar}</answer>"]
        lines: list[str] = []
        if categories:
            lines.append(f"Objects: {', '.join(facts.labels)}.")
        frames = "" if facts.times is None else f"Frames at t = {wording.times_text(facts.times)} s. "
        names, unit = wording.coordinate_names(facts.dimension), wording.graph_unit(facts)
        lines.append(f"{frames}Centres {names} in {unit}: {where}.")
        skeleton = self._skeleton(facts, edges)
        start = "\n" if self.form == "lines" else ""
        lines.append(f"Reply: <think><graph>{start}{skeleton}</graph></think>")
        lines.append(f"<answer>{grammar}</answer>")
        return lines

    def _full(
        self, facts: GraphFacts | None, where: str, grammar: str, categories: bool, edges: bool
    ) -> list[str]:
        noun = _NOUN[self.media]
        lines = ["", "First reason inside <think> and </think>, once."]
        if facts is not None:
            lines.append(
                f"In it write the scene graph of the {noun}, once, between <graph> and </graph>, like this:"
            )
            lines.append(self._skeleton(facts, edges).rstrip("\n"))
            lines += self._graph_rules(facts, where, categories, edges)
        lines.append(f"Then write the answer, once, between <answer> and </answer>: {grammar}.")
        lines.append("Write nothing before <think>, between the two blocks, or after </answer>.")
        return lines

    def _graph_rules(self, facts: GraphFacts, where: str, categories: bool, edges: bool) -> list[str]:
        rules: list[str] = []
        if facts.times is not None:
            times = wording.times_text(facts.times)
            rules.append(
                f"One frame for each of these times t, in seconds from the start of the clip: {times}."
            )
        elif facts.frame_count == 1:
            rules.append(f"One frame, of the {_NOUN[self.media]}.")
        else:
            rules.append(f"{facts.frame_count} frames, in the order of the {_NOUN[self.media]}.")
        if categories:
            rules.append(f"A name is one of these categories: {', '.join(facts.labels)}.")
        else:
            rules.append("A name is the category of the object, a short noun in lower case.")
        rules.append(
            "Several objects of one category are numbered, as chair.1 and chair.2, alike in all frames."
        )
        names = wording.coordinate_names(facts.dimension)
        rules.append(f"{names} is the centre of the object in {wording.graph_unit(facts)}: {where}.")
        if edges:
            rules.append(
                "After the objects of a frame comes each pair of them with the distance of their centres."
            )
        return [f"- {rule}" for rule in rules]


def _question_lines(question: str, answer: Json | None, style: Style) -> list[str]:
    options = (
        "" if answer is None else wording.options_text(answer, separator=" " if style == "compact" else "\n")
    )
    return [question, options] if options else [question]


TEMPLATES: Mapping[tuple[Media, Form, Style], Template] = {
    (media, form, style): Template(media, form, style)
    for media in MEDIA
    for form in FORMS
    for style in STYLES
}


def build_prompt(
    reference: Json | str,
    question: str,
    *,
    media: Media = "video",
    form: Form = "json",
    style: Style = "full",
    categories: bool = True,
    edges: bool = False,
    images: int | None = None,
    box_space: str | None = None,
    axes: str | None = None,
    media_last: bool = False,
) -> str:
    """The user message that asks `question` and the scene graph of one reference.

    The text starts (`media_last`: ends) with the marks `<video>` or `<image>` that trainers replace by the
    media. Of the reference it tells what a model is told: space, unit, up, frame times, options, units of
    the answer and, with `categories`, the labels; never a place, a count of objects or the answer.

    reference: the ground truth object or its JSON text. form: "json" or "lines". style: "full" or
    "compact". edges: also ask for stated distances. images: how many with media="images" (default: the
    reference's frames). box_space: "pixel", "norm1" or "norm1000" when it is not the reference's own (give
    the same to RewardSpec). axes: a phrase naming the axes where they are not the usual ones of the space
    (camera: x right, y down, z forward). media_last: the media stand right before the reply, from where a
    tiny model learns to look at them soonest. Raises PromptError naming the field.

        >>> reference = {"version": 1, "answer": {"kind": "number", "value": 2}}
        >>> print(build_prompt(reference, "How many cups?", media="image", style="compact"))
        <image>
        How many cups?
        Reply: <think>your thoughts</think><answer>one number, digits only</answer>
    """
    key = (media, form, style)
    if key not in TEMPLATES:
        raise PromptError(
            f"no template for media={media!r}, form={form!r}, style={style!r}; "
            f"media: {', '.join(MEDIA)}; form: {', '.join(FORMS)}; style: {', '.join(STYLES)}"
        )
    return TEMPLATES[key].write(
        reference,
        question,
        categories=categories,
        edges=edges,
        images=images,
        box_space=box_space,
        axes=axes,
        media_last=media_last,
    )
