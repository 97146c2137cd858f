"""Python values as JSON text for the core, with the place of what JSON cannot hold."""

from __future__ import annotations

import json
import math
from typing import Any

LONE_SURROGATE = "holds a lone surrogate, which is no Unicode text"


class NotJsonError(ValueError):
    """A value that JSON cannot hold, and where it stands."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message, field)
        self.message = message
        self.field = field


def is_unicode(text: str) -> bool:
    """Whether a string has no lone surrogates, which UTF-8 cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: Any) -> Any:
    """numpy scalars and arrays as Python numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def dumps(value: Any) -> str:
    """JSON text of a value made of dicts, lists, strings, finite numbers, booleans, None and numpy arrays.

    Raises:
        NotJsonError: Naming the field that holds something else, or NaN, or infinity.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        text.encode()
        return text
    except (TypeError, ValueError, RecursionError) as error:
        raise _locate(value) or NotJsonError(str(error), "") from None


def _locate(value: Any) -> NotJsonError | None:
    pending: list[tuple[str, Any]] = [("", value)]
    seen = 0
    while pending and seen < 1_000_000:
        path, item = pending.pop()
        seen += 1
        if hasattr(item, "tolist"):
            item = item.tolist()
        if isinstance(item, dict):
            for key, inner in item.items():
                if not isinstance(key, str):
                    return NotJsonError(f"the key {key!r} is {type(key).__name__}, not str", path)
                if not is_unicode(key):
                    return NotJsonError(f"the key {key!r} {LONE_SURROGATE}", path)
                pending.append((f"{path}.{key}" if path else key, inner))
        elif isinstance(item, (list, tuple)):
            pending.extend((f"{path}[{index}]", inner) for index, inner in enumerate(item))
        elif isinstance(item, float):
            if not math.isfinite(item):
                return NotJsonError(f"{item} is not a finite number", path)
        elif isinstance(item, str):
            if not is_unicode(item):
                return NotJsonError(LONE_SURROGATE, path)
        elif not (item is None or isinstance(item, (bool, int))):
            return NotJsonError(f"{type(item).__name__} is not a JSON value", path)
    return None
