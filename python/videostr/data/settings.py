"""Settings of builders, read from files and plain values; what is wrong is said in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from videostr import _json
from videostr._packages import require_packages
from videostr.errors import VideostrError


class SettingsError(VideostrError, ValueError):
    """Settings that a builder cannot work with; the message names the setting."""


class BuildError(VideostrError, RuntimeError):
    """A build that could not go on; what is done is kept, and the same call goes on from there."""


def read_settings(path: str | Path) -> dict[str, Any]:
    """The settings of a YAML or JSON file (YAML needs PyYAML).

    Raises:
        SettingsError: Naming the file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        values = _json.loads(text) if Path(path).suffix == ".json" else _yaml(text)
    except _json.NotJsonError as error:
        raise SettingsError(f"{path}: {error.field}: {error.message}") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold settings by name")
    return values


def _yaml(text: str) -> Any:
    require_packages("reading YAML", ["yaml"])
    import yaml

    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def known_settings(values: object, made: type, where: str) -> dict[str, Any]:
    """`values` as arguments of the dataclass `made`: lists become tuples.

    Raises:
        SettingsError: For an unknown name, or a value of another type than the field's.
    """
    if not isinstance(values, Mapping):
        raise SettingsError(f"{where}: must hold settings by name")
    kinds = get_type_hints(made)
    for key, value in values.items():
        if key not in kinds:
            raise SettingsError(f"{where}: unknown setting {key!r}; known: {', '.join(sorted(kinds))}")
        if not _fits(value, kinds[key]):
            raise SettingsError(f"{where}.{key}: {value!r} must be {_in_words(kinds[key])}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _fits(value: object, kind: Any) -> bool:
    """Whether a plain value is of an annotated type; other settings inside are looked at by their own call."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_fits(value, each) for each in inner)
    if origin is tuple:
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis and isinstance(value, list | tuple) else inner
        return isinstance(value, list | tuple) and len(value) == len(kinds) and all(map(_fits, value, kinds))
    if origin is Literal:
        return value in inner
    if kind in (int, float):
        wanted = int if kind is int else int | float
        return isinstance(value, wanted) and not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, kind if kind in (str, bool, NoneType) else Mapping)


def _in_words(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return " or ".join(map(_in_words, inner))
    if origin is Literal:
        return f"one of {', '.join(inner)}"
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return f"a list, each {_in_words(inner[0])}"
        return f"a list of {len(inner)}, each {_in_words(inner[0])}"
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false", NoneType: "null"}
    return words.get(kind, "settings by name")
