"""Each message of docs/troubleshooting.md is one that a test looks for where it is produced."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOC = HERE.parent / "docs" / "troubleshooting.md"
#: Stands for what a message names.
PLACE = re.compile(r"\b(?:NAME|KEY|FOLDER|N GB|N)\b")


def _messages() -> list[str]:
    rows = [line for line in DOC.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


@cache
def _seen_by_tests() -> str:
    texts = [path.read_text(encoding="utf-8") for path in HERE.rglob("*.py") if path != Path(__file__)]
    return "\n".join(texts).replace("\\", "")


def test_there_are_messages() -> None:
    assert len(_messages()) > 20


@pytest.mark.parametrize("message", _messages())
def test_the_message_is_real(message: str) -> None:
    for part in filter(None, (piece.strip() for piece in PLACE.split(message))):
        assert part in _seen_by_tests(), f"no test looks for {part!r}"
