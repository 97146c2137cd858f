"""Writes what each target of rust/fuzz starts from, out of the golden and attack lines: fuzz_seeds.py FOLDER"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "tests"
LONGEST = 2000


def cases() -> Iterator[dict[str, Any]]:
    for path in sorted([*TESTS.glob("golden/*.jsonl"), *TESTS.glob("attacks/*.jsonl")]):
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        yield from (case for case in lines if len(case.get("text", "x" * LONGEST)) < LONGEST)


def seeds() -> Iterator[tuple[str, str]]:
    """(target, seed)"""
    for case in cases():
        text = case["text"]
        yield "parse_any", text
        yield "render", text
        graph = text.rpartition("<graph>")[2].partition("</graph>")[0].strip()
        if graph.startswith(("{", "[")):
            yield "parse_json", graph
        if case["reference"] is not None and len(json.dumps(case["reference"])) < LONGEST:
            yield "score_any", "\0".join([json.dumps(case["spec"]), json.dumps(case["reference"]), text])


def main(folder: Path) -> None:
    for target, seed in seeds():
        data = seed.encode("utf-8", "surrogatepass")
        path = folder / target / hashlib.sha256(data).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
