"""Own clip against another scene's: what is compared, and how sure the difference is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videostr import RewardSpec, Scorer
from videostr.demo import looks
from videostr.demo.answer import Answer
from videostr.demo.looks import ALL, Looks, broken_looks, compare_clips, looks_table
from videostr.prompts import render_reply

SCORER = Scorer(RewardSpec.preset("pose-free").replace(length_min=1, length_max=500))
GRAPH = {"space": "camera", "unit": "m", "scale": 4.0}


def _row(scene: int, task: str, place: float) -> dict[str, Any]:
    nodes = [
        {"id": name, "label": name, "center": [place + shift, 0.5, 2.0 + 3 * shift]}
        for shift, name in ((0.0, "cup"), (0.7, "plant"), (1.9, "lamp"))
    ]
    truth = {
        "version": 1,
        "answer": {"kind": "number", "value": round(1 + place, 1)},
        "graph": {**GRAPH, "frames": [{"t": 0.0, "nodes": nodes}]},
    }
    return {
        "videos": [{"video": f"{scene}.mp4"}],
        "reward_model": {"ground_truth": truth},
        "extra_info": {"scene": f"s{scene}", "task": task, "question": "?"},
    }


ROWS = [_row(scene, task, 0.4 * scene) for scene in range(12) for task in ("far", "near")]
TRUTHS = {row["videos"][0]["video"]: row["reward_model"]["ground_truth"] for row in ROWS}


def _answers(sees: bool) -> Any:
    """A model that tells what is in the clip, or always the same."""

    def answer_rows(
        _: Path, rows: Sequence[Mapping[str, Any]], scorer: Scorer, **__: Any
    ) -> Iterator[Answer]:
        for row in rows:
            clip = row["videos"][0]["video"] if sees else "3.mp4"
            reply = render_reply(TRUTHS[clip], form="lines", decimals=1)
            yield Answer("?", reply, scorer.score(reply, row["reward_model"]["ground_truth"], tokens=50))

    return answer_rows


def _compare(monkeypatch: pytest.MonkeyPatch, *, sees: bool) -> dict[str, dict[str, Looks]]:
    monkeypatch.setattr(looks, "answer_rows", _answers(sees))
    monkeypatch.setattr(looks, "read_rows", lambda _: iter(ROWS))
    return compare_clips(Path("m"), Path("val.parquet"), SCORER, max_new_tokens=1, device="cpu")


def test_who_looks_is_better_with_the_own_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _compare(monkeypatch, sees=True)
    assert list(found) == ["far", "near", ALL]
    assert found[ALL]["answer"].rows == 24
    assert found[ALL]["answer"].own == 1.0
    assert found[ALL]["graph"].own == pytest.approx(1.0)
    assert found[ALL]["answer"].other < 0.9
    assert found["far"]["answer"] == found["near"]["answer"]


def test_who_guesses_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _compare(monkeypatch, sees=False)
    for parts in found.values():
        for each in parts.values():
            assert each.own == each.other
    assert len(broken_looks(found)) == 3
    assert broken_looks(found)[0].startswith("held out, answer is ")


def test_the_error_counts_scenes_not_rows() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        shifts = rng.normal(0.0, 1.0, 30)
        found.append(looks._compared([(f"s{i}", shifts[i], 0.0) for i in range(30) for _ in range(4)]))
    assert np.mean([each.error for each in found]) == pytest.approx(
        np.std([each.own for each in found]), rel=0.1
    )


def test_the_table_has_a_line_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = looks_table(_compare(monkeypatch, sees=True)).splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == ["far", "near", "all"]
    assert len({len(line) for line in lines[:-1]}) == 1
