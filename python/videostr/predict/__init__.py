"""Replies of a model to rows, written as lines that `videostr score` reads: the command `videostr predict`.

:mod:`.settings` (what is asked for), :mod:`.files` (which model and rows they are), :mod:`.output` (the lines, and
how a run that was killed goes on), :mod:`.prompts` (rows as the model is shown them), :mod:`.engine` (vLLM),
:mod:`.run` (all of it).
"""
