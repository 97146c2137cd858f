"""JSON between Python and the core: plain values as text, and the place of what JSON cannot hold."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

LONE_SURROGATE = "holds a lone surrogate, which is no Unicode text"
#: Levels of a value that are looked through for a fault; a ground truth has about ten.
MAX_DEPTH = 50


class NotJsonError(ValueError):
    """A value that JSON cannot hold, and where it stands."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message, field)
        self.message = message
        self.field = field


class _Repeated:
    """Stands where a JSON text has a key more than once."""


def is_unicode(text: str) -> bool:
    """Whether a string has no lone surrogates, which UTF-8 cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: Any) -> Any:
    """numpy's and other containers' values (OmegaConf's, say) as Python numbers, dicts and lists."""
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        return list(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def dumps(value: Any, *, sort_keys: bool = False) -> str:
    """JSON text of a value made of mappings, sequences, strings, finite numbers, booleans, None and numpy
    arrays.

    Raises:
        NotJsonError: Naming the field that holds something else, NaN, infinity, or itself.
    """
    try:
        text = json.dumps(
            value,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            default=_plain,
            sort_keys=sort_keys,
        )
        text.encode()
        return text
    except (TypeError, ValueError, RecursionError) as error:
        raise _fault(value) or NotJsonError(str(error), "") from None


def loads(text: str | bytes) -> Any:
    """The value of a JSON text whose objects have each key once; of two a parser would keep the last.

    Bytes are UTF-8, with or without a byte order mark, and not what else `json.loads` would guess.

    Raises:
        NotJsonError: Naming a key that comes again.
        ValueError, RecursionError: As `json.loads`.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig", "surrogatepass")
        except UnicodeDecodeError as error:
            raise ValueError(f"byte {error.start + 1} is not UTF-8") from None
    repeated = False

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        item = dict(pairs)
        if len(item) < len(pairs):
            repeated = True
            counts = Counter(key for key, _ in pairs)
            item.update({key: _Repeated() for key, count in counts.items() if count > 1})
        return item

    value = json.loads(text, object_pairs_hook=once)
    if repeated:
        raise _fault(value) or NotJsonError("an object has a key more than once", "")
    return value


def fault_in_text(text: str) -> NotJsonError | None:
    """What no double can hold in a JSON text (``1e400``, ``NaN``), and where; None when there is no such
    thing, or the text cannot be read.
    """
    try:
        return _fault(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _fault(value: Any, path: str = "", above: tuple[int, ...] = ()) -> NotJsonError | None:
    """The first fault in the order of writing, so the search is no longer than the writing was."""
    if not isinstance(value, (str, int, float)) and value is not None:
        if id(value) in above:
            return NotJsonError("contains itself", path)
        if len(above) >= MAX_DEPTH:
            return NotJsonError(f"is nested deeper than {MAX_DEPTH} levels", path)
        above = (*above, id(value))
        try:
            value = value if isinstance(value, (dict, list, tuple, _Repeated)) else _plain(value)
        except TypeError as error:
            return NotJsonError(str(error), path)
    if isinstance(value, dict):
        return _fault_in_dict(value, path, above)
    if isinstance(value, (list, tuple)):
        inner = (_fault(item, f"{path}[{index}]", above) for index, item in enumerate(value))
        return next((fault for fault in inner if fault), None)
    message = _fault_of_scalar(value)
    return NotJsonError(message, path) if message else None


def _fault_in_dict(value: dict[Any, Any], path: str, above: tuple[int, ...]) -> NotJsonError | None:
    for key, item in value.items():
        if not isinstance(key, str):
            return NotJsonError(f"the key {key!r} is {type(key).__name__}, not str", path)
        if not is_unicode(key):
            return NotJsonError(f"the key {key!r} {LONE_SURROGATE}", path)
        if fault := _fault(item, f"{path}.{key}" if path else key, above):
            return fault
    return None


def _fault_of_scalar(value: Any) -> str | None:
    if isinstance(value, _Repeated):
        return "is there more than once; a key may come once in an object"
    if isinstance(value, str):
        return None if is_unicode(value) else LONE_SURROGATE
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number"
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        return "is a whole number beyond the range of a double (about 1.8e308)"
    return None
