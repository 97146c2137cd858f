"""Labels and ids (scoring.md section 1): an id is a label and, perhaps, an instance number."""

from __future__ import annotations

import re

from .spans import SPACES

SUFFIX = re.compile(r"(.*[^ ]) *[. #]([0-9]+)", re.DOTALL)  # "_" and "-" are spaces by then
GAP = re.compile(f"[{SPACES}_-]+")

Id = tuple[str, int]  # (label, instance number); a bare label has the number BARE
BARE = -1


def fold(text: str) -> str:
    return GAP.sub(" ", text.casefold()).strip(" ")


def read_id(text: str, aliases: dict[str, str]) -> Id:
    folded = fold(text)
    cut = SUFFIX.fullmatch(folded)
    label, number = (cut.group(1), int(cut.group(2))) if cut else (folded, BARE)
    return aliases.get(label, label), number


def read_aliases(table: dict[str, str]) -> dict[str, str]:
    return {read_id(name, {})[0]: read_id(meant, {})[0] for name, meant in table.items()}
