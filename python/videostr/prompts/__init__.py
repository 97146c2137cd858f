"""Prompts that ask a model for exactly what the reply reader reads.

>>> from videostr.prompts import build_prompt, render_reply
>>> reference = {
...     "version": 1,
...     "answer": {"kind": "choice", "value": "A", "options": ["left", "right"]},
...     "graph": {"space": "image", "unit": "px", "frames": [
...         {"t": 0, "nodes": [{"id": "cup", "label": "cup", "center": [40, 60]}]},
...     ]},
... }
>>> text = build_prompt(reference, "Where is the cup?", media="image", form="lines", style="compact")
>>> text.startswith("<image>")
True
>>> render_reply(reference, form="lines")
'<think><graph>\\n@0\\ncup 40 60\\n</graph></think>\\n<answer>A</answer>'
"""

from videostr.prompts.errors import PromptError
from videostr.prompts.example import Example
from videostr.prompts.notation import render_answer, render_graph, render_reply
from videostr.prompts.recognise import Asked, recognise
from videostr.prompts.template import TEMPLATES, Template, build_prompt

__all__ = [
    "TEMPLATES",
    "Asked",
    "Example",
    "PromptError",
    "Template",
    "build_prompt",
    "recognise",
    "render_answer",
    "render_graph",
    "render_reply",
]
