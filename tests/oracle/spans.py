"""Where the think, graph and answer blocks of a reply are (scoring.md section 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

BLANK = " \t\n\r\f\v"
SPACES = (
    "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # of Unicode, for names and answers
)
TAGS = ("<think>", "</think>", "<answer>", "</answer>")
WHOLE = re.compile(
    rf"[{BLANK}]*<think>.*</think>[{BLANK}]*<answer>.*</answer>[{BLANK}]*",
    re.DOTALL,
)
ANSWER_BLOCK = re.compile(r"<answer>((?:(?!</?answer>).)*)</answer>", re.DOTALL)


@dataclass
class Spans:
    format: float
    answers: list[str]  # the closed answer blocks that may count, in order; the last one counts
    graph: str | None
    graph_is_closed: bool


def find_spans(text: str, think_prefilled: bool) -> Spans:
    if think_prefilled:
        text = "<think>" + text
    well_formed = WHOLE.fullmatch(text) is not None and all(text.count(tag) == 1 for tag in TAGS)

    # The last </think> ends the thinking, unless another think is opened after it.
    last_close = text.rfind("</think>")
    open_think = text.find("<think>", last_close + 1)

    answer_from = 0 if last_close < 0 else last_close + len("</think>")
    answer_to = len(text) if open_think < 0 else open_think
    answers = ANSWER_BLOCK.findall(text[answer_from:answer_to])

    graph_limit = len(text) if last_close < 0 or open_think >= 0 else last_close
    opened = text.rfind("<graph>", 0, graph_limit)
    if opened < 0:
        return Spans(float(well_formed), answers, None, False)
    inner_from = opened + len("<graph>")
    closed = text.find("</graph>", inner_from, graph_limit)
    inner_to = graph_limit if closed < 0 else closed
    return Spans(float(well_formed), answers, text[inner_from:inner_to], closed >= 0)
