"""The tags around graph and answer: right, wrong, doubled, missing, cut."""

from __future__ import annotations

import random


def wrap(rng: random.Random, graph: tuple[str, bool] | None, answer: str, prefilled: bool) -> str:
    prose = rng.choice(("", "I look. ", "Let me see\n", "x"))
    block = ""
    if graph is not None:
        text, closed = graph
        space = rng.choice(("", "\n"))
        block = f"<graph>{space}{text}" + ("</graph>" if closed else "")
    thought = prose + block
    if graph is None or graph[1]:
        thought += rng.choice(("", " So.", "\n"))
    opening = "" if prefilled and rng.random() < 0.9 else "<think>"
    reply = f"<answer>{answer}</answer>"

    if graph is not None and not graph[1]:  # nothing may follow that would be read as its end
        return f"{opening}{thought}" + rng.choice((f"</think>{reply}", "</think>\n", "", "", ""))

    way = rng.random()
    if way < 0.72:
        gap = rng.choice(("", "\n", " \r\n\t"))
        return f"{gap}{opening}{thought}</think>{gap}{reply}{gap}"
    shapes = (
        f"{thought}{reply}",
        f"{opening}{thought}{reply}",
        f"{opening}{thought}</think>{reply} done",
        f"{opening}{thought}</think> so {reply}",
        f"So: {opening}{thought}</think>{reply}",
        f"{opening}{thought}</think><answer>A</answer>{reply}",
        f"{opening}{thought}</think>{reply}<answer>1</answer>",
        f"{opening}<answer>A</answer> {thought}</think>{reply}",
        f"{opening}<graph>[]</graph> no, {thought}</think>{reply}",
        f"{opening}<graph> first {thought}</think>{reply}",
        f"{opening}a</think>{block}{reply}",
        f"{opening}a</think><think>{thought}</think>{reply}",
        f"{reply}{opening}{thought}</think>",
        f"{opening}{thought}</think><think>{reply}",
        f"{opening}{thought}</think><answer>{answer}",
        f"{opening}{thought}</think>",
        f"{thought}</think>{reply}",
        answer,
        "",
    )
    text = rng.choice(shapes)
    return text[: rng.randrange(len(text) + 1)] if way > 0.985 else text
