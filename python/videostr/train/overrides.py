"""Hydra overrides as text."""

from __future__ import annotations


def quoted(value: object) -> str:
    """A value as a hydra string, for an override: blanks, commas and `=` in a path then mean themselves.

    Example:
        >>> from videostr.train.overrides import quoted
        >>> print(quoted("runs/a b"))
        "runs/a b"
    """
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
