"""A step's rollouts whole, one JSON line a reply: what `videostr score`, `replay` and `health` read.

Everything that the score was made of is there, so a shard can be scored again, to the same bits, by
``videostr score STEP.jsonl --spec spec.json``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from videostr import COMPONENTS, RewardSpec, _json
from videostr.integrations.verl_step import Scored

__all__ = ["SPEC_FILE", "rollout_line", "write_shard", "write_spec"]

#: The spec of the run's reward, beside its shards.
SPEC_FILE = "spec.json"


def rollout_line(scored: Scored, *, step: int, fingerprint: str) -> dict[str, Any]:
    """One reply with all that it was scored with and for.

    Returns:
        ``text``, ``ground_truth`` (as the data have it), ``tokens``, ``group``, ``uid`` (verl's name of the
        trajectory), ``step``, ``data_source``, ``index``, ``prompt``, ``score`` (what training used),
        ``components`` (None where undefined), ``graph_status``, ``answer_status``, ``repairs``, ``terms``
        (None where one failed) and ``fingerprint`` of the spec; ``earlier`` holds the texts of the earlier
        outputs of a session that has some. Where the ground truth is not valid, components and statuses are
        None.
    """
    row = scored.row
    report = (
        scored.report.to_dict()
        if scored.report is not None
        else {
            "components": dict.fromkeys(COMPONENTS),
            "graph_status": None,
            "answer_status": None,
            "repairs": [],
        }
    )
    return {
        "text": row.text,
        "ground_truth": row.ground_truth,
        "tokens": row.tokens,
        "group": row.group,
        "uid": row.key,
        "step": step,
        "data_source": row.data_source,
        "index": row.index,
        "prompt": row.prompt,
        "score": scored.score,
        **report,
        "terms": dict(scored.terms),
        "fingerprint": fingerprint,
        **({"earlier": list(row.earlier)} if row.earlier else {}),
    }


def write_shard(folder: Path, step: int, scored: Sequence[Scored], spec: RewardSpec) -> Path:
    """Write ``<folder>/<step>.jsonl``, the lines of one group next to each other; whole or not at all.

    A shard of that step that is there already (the step was made again after a crash) is replaced.
    """
    groups: dict[str, list[Scored]] = {}
    for one in scored:
        groups.setdefault(one.row.group, []).append(one)
    lines = (
        rollout_line(one, step=step, fingerprint=spec.fingerprint)
        for group in groups.values()
        for one in group
    )
    path = folder / f"{step}.jsonl"
    _write(path, (json.dumps(line, default=_plain) + "\n" for line in lines))
    return path


def write_spec(folder: Path, spec: RewardSpec) -> Path:
    """Write ``<folder>/spec.json``, which ``videostr score --spec`` reads.

    That of an earlier part of the run under another spec is kept as ``spec.<fingerprint>.json``; each line of
    a shard says which is its own.
    """
    path = folder / SPEC_FILE
    text = json.dumps(spec.to_dict(), indent=1) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        earlier = RewardSpec.from_yaml(path).fingerprint
        sys.stderr.write(f"videostr: the reward's spec has changed: {earlier} is now {spec.fingerprint}\n")
        sys.stderr.flush()
        path.replace(path.with_name(f"spec.{earlier}.json"))
    _write(path, [text])
    return path


def _write(path: Path, parts: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    with unfinished.open("w", encoding="utf-8") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _plain(value: Any) -> Any:
    """Values of arrow, numpy and OmegaConf as JSON has them; others, which no reader needs, in words."""
    if isinstance(value, Mapping):
        return dict(value)
    try:
        return _json._plain(value)
    except TypeError:
        return str(value)
