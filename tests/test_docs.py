"""What the docs say of this version of scoring is of this version."""

from __future__ import annotations

import re
from pathlib import Path

import videostr

DOCS = Path(__file__).parents[1] / "docs"
CURRENT = {name: videostr.RewardSpec.preset(name).fingerprint for name in videostr.PRESETS}


def test_the_table_of_discrimination_was_made_with_this_scoring() -> None:
    """Made anew, in five minutes, by `python benches/discrimination.py`."""
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \|.*\| `([0-9a-f]{12})` \|$",
        (DOCS / "discrimination.md").read_text(),
        re.MULTILINE,
    )
    assert {name for name, _ in rows} >= {"pose-free", "so3", "video-str", "coordinates"}
    assert {row for row in rows if not CURRENT[row[0]].startswith(row[1])} == set()


def test_fingerprints_in_examples_are_those_of_the_presets() -> None:
    shown = re.findall(r"([a-z0-9-]+) \(([0-9a-f]{16})\)", (DOCS / "cli.md").read_text())
    assert shown
    assert dict(shown) == {name: CURRENT[name] for name, _ in shown}
