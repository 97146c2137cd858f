"""Settings of builders, read from files and plain values; what is wrong is said in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

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
    text = Path(path).read_text(encoding="utf-8")
    try:
        values = json.loads(text) if Path(path).suffix == ".json" else _yaml(text)
    except ValueError as error:
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
    """`values` as arguments of the dataclass `made`: lists become tuples; an unknown name is an error."""
    if not isinstance(values, Mapping):
        raise SettingsError(f"{where}: must hold settings by name")
    known = {field.name for field in fields(made)}
    for key in values:
        if key not in known:
            raise SettingsError(f"{where}: unknown setting {key!r}; known: {', '.join(sorted(known))}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
