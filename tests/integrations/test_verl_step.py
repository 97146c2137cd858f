"""The reward of a step's groups, its rollout lines, and that they score again to the same bits."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import videostr
from videostr.cli import main
from videostr.integrations.verl import KEYS, Reward, reward_for
from videostr.integrations.verl_rollouts import write_shard, write_spec
from videostr.integrations.verl_step import Row, Scored, score_step

GRAPH = {
    "space": "world",
    "unit": "m",
    "up": [0, 0, 1],
    "frames": [
        {
            "nodes": [
                {"id": f"{label}.1", "label": label, "center": center}
                for label, center in (("chair", [0, 0, 0]), ("table", [3, 0, 0]), ("lamp", [0, 2, 1]))
            ]
        }
    ],
}
TRUTH = {
    "version": 1,
    "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]},
    "graph": GRAPH,
}
SPEC = {"preset": "pose-free", "length_min": 20, "length_max": 30}


def words(samples: Sequence[Any]) -> list[float]:
    return [1 / (len(sample.text.split()) - 3) for sample in samples]


REWARD = reward_for(SPEC)


def _reply(answer: str, x: float = 3.1) -> str:
    graph = f"@0\nchair.1 0 0 0\ntable.1 {x} 0.2 0\nlamp.1 0 2.3 1"
    return f"<think>é <graph>{graph}</graph></think>\n<answer>{answer}</answer>"


def _row(group: str, place: int, text: str, tokens: int, *, by: Reward = REWARD, **changes: Any) -> Row:
    truth = json.dumps(TRUTH)
    given = by.score(text, changes.get("ground_truth", truth), tokens=tokens)
    row: dict[str, Any] = {
        "key": f"{group}_{place}_0",
        "group": group,
        "text": text,
        "ground_truth": truth,
        "tokens": tokens,
        "given": given,
        "reward": float(np.float32(given["score"])),
        "prompt": "where?",
        "data_source": "videostr/test",
        "index": 7,
    }
    return Row(**{**row, **changes})


def _step() -> list[Row]:
    """Group a: one reply answers; group b: three do. All but the last of each are in the length window."""
    a = [_row("a", k, _reply("B" if k == 2 else "A", 3 + k / 7), 25 if k < 3 else 90) for k in range(4)]
    b = [_row("b", k, _reply("B" if k > 0 else "A", 3 + k / 7), 25 if k < 3 else 90) for k in range(4)]
    return [*a, *b]


def _lengths(scored: Sequence[Scored]) -> list[float]:
    return [one.values["length"] for one in scored]


def test_length_needs_a_second_reply_of_the_group_that_answers() -> None:
    rows = _step()
    assert [row.given["length"] for row in rows] == [0, 0, 1, 0, 0, 1, 1, 0], "what single replies earn"
    scored = score_step(REWARD, rows)
    assert _lengths(scored) == [0, 0, 0, 0, 0, 1, 1, 0]
    assert scored[2].score == pytest.approx(rows[2].given["score"] - 0.2, abs=1e-12)
    for one, row in zip(scored[3:], rows[3:], strict=True):
        assert one.score == row.given["score"]


def test_the_score_is_that_of_the_scorer_to_the_last_bit() -> None:
    rows = _step()
    batch = REWARD.scorer.score_batch(
        [row.text for row in rows],
        [json.loads(row.ground_truth) for row in rows],
        [row.tokens for row in rows],
        [row.group for row in rows],
    )
    scored = score_step(REWARD, rows)
    assert [one.score for one in scored] == batch.total.tolist()
    for one, report in zip(scored, batch, strict=True):
        assert one.report is not None
        assert one.report.components.tobytes() == report.components.tobytes()
        assert tuple(one.values) == KEYS
        assert one.values["score"] == one.score


def test_replies_of_a_group_that_failed_are_simply_not_there() -> None:
    """Two of group b are left, one of which answers: it is alone now."""
    left = [row for row in _step() if row.group == "a" or row.key in ("b_0_0", "b_1_0")]
    assert _lengths(score_step(REWARD, left)) == [0, 0, 0, 0, 0, 0]
    assert score_step(REWARD, []) == []


def test_terms_are_those_of_the_worker() -> None:
    reward = reward_for(SPEC, [{"function": "test_verl_step:words", "weight": 0.5, "name": "w"}])
    rows = [_row("a", 0, _reply("B"), 25, by=reward), _row("a", 1, "one two three", 25, by=reward)]
    rows[0].given["term_w"] = 0.125  # type: ignore[index]
    one, other = score_step(reward, rows)
    assert (one.terms, other.terms) == ({"w": 0.125}, {"w": None})
    assert one.report is not None
    assert one.score == one.report.total + 0.5 * 0.125
    assert (one.values["term_w"], one.values["term_w_failed"]) == (0.125, 0)
    assert (other.values["term_w"], other.values["term_w_failed"]) == (0, 1)
    assert tuple(one.values) == reward.keys


def test_what_another_reward_scored_keeps_its_score() -> None:
    """An agent loop of the user's own may set a reward itself; its reply still counts in the group."""
    rows = _step()
    foreign = _row("a", 4, _reply("B"), 25, given={"turns": 3, "note": "x"}, reward=0.5)
    scored = score_step(REWARD, [*rows, foreign])
    assert _lengths(scored[:8]) == [0, 0, 1, 0, 0, 1, 1, 0]
    assert scored[8].score == 0.5
    assert scored[8].values == {"turns": 3.0, "score": 0.5}


@pytest.mark.parametrize("truth", ["{", None, {}, 3])
def test_a_bad_ground_truth_is_worth_nothing_and_shifts_nobody(truth: Any) -> None:
    rows = _step()
    rows.insert(2, _row("a", 9, _reply("B"), 25, ground_truth=truth))
    scored = score_step(REWARD, rows)
    assert scored[2].report is None
    assert (scored[2].score, scored[2].values["bad_reference"]) == (0, 1)
    assert _lengths(scored) == [0, 0, 0, 0, 0, 0, 1, 1, 0]


def _written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _bits(components: Mapping[str, float | None]) -> dict[str, bytes | None]:
    return {name: None if value is None else struct.pack("<d", value) for name, value in components.items()}


def test_a_shard_scores_again_to_the_same_bits(tmp_path: Path) -> None:
    rows = _step()
    shuffled = [rows[place] for place in (4, 0, 5, 1, 6, 2, 7, 3)]
    spec = REWARD.scorer.spec
    shard = write_shard(tmp_path, 12, score_step(REWARD, shuffled), spec)
    spec_file = write_spec(tmp_path, spec)
    out = tmp_path / "again.jsonl"
    assert main(["score", str(shard), "--spec", str(spec_file), "--strict", "--out", str(out)]) == 0
    lines, again = _written(shard), _written(out)
    assert [line["group"] for line in lines] == ["b"] * 4 + ["a"] * 4
    assert sorted(line["components"]["length"] for line in lines) == [0] * 6 + [1] * 2
    for line, scored in zip(lines, again, strict=True):
        for key in ("components", "graph_status", "answer_status", "repairs", "fingerprint", "tokens"):
            assert line[key] == scored[key]
        assert _bits(line["components"]) == _bits(scored["components"])
        assert line["score"] == scored["components"]["total"]


def test_a_line_holds_what_is_promised(tmp_path: Path) -> None:
    reward = reward_for(SPEC, [{"function": "test_verl_step:words", "weight": 0.5, "name": "w"}])
    rows = [_row("a", 0, _reply("B"), 25, by=reward, index=np.int64(7), earlier=["first try"])]
    spec = reward.scorer.spec
    (line,) = _written(write_shard(tmp_path, 3, score_step(reward, rows), spec))
    assert list(line) == [
        "text",
        "ground_truth",
        "tokens",
        "group",
        "uid",
        "step",
        "data_source",
        "index",
        "prompt",
        "score",
        "components",
        "graph_status",
        "answer_status",
        "repairs",
        "terms",
        "fingerprint",
        "earlier",
    ]
    assert line["text"] == _reply("B")
    assert line["ground_truth"] == json.dumps(TRUTH)
    assert (line["group"], line["uid"], line["step"], line["index"]) == ("a", "a_0_0", 3, 7)
    assert (line["data_source"], line["prompt"], line["tokens"]) == ("videostr/test", "where?", 25)
    assert list(line["components"]) == list(videostr.COMPONENTS)
    assert line["components"]["consistency"] is None
    assert line["terms"] == {"w": 1 / (len(rows[0].text.split()) - 3)}
    assert line["fingerprint"] == spec.fingerprint
    assert line["earlier"] == ["first try"]
    assert line["score"] == line["components"]["total"] + 0.5 * line["terms"]["w"]


@pytest.mark.parametrize("text", ["\ud800 alone", "\x00\x1f\u2028\u2029\r\n", "</s>" * 3, ""])
def test_any_reply_is_written_on_one_line_and_read_back(tmp_path: Path, text: str) -> None:
    shard = write_shard(tmp_path, 1, score_step(REWARD, [_row("a", 0, text, 25)]), REWARD.scorer.spec)
    assert len(shard.read_bytes().splitlines()) == 1
    assert _written(shard)[0]["text"] == text


def test_a_bad_ground_truth_has_a_line_too(tmp_path: Path) -> None:
    row = _row("a", 0, "x", 25, ground_truth="{")
    (line,) = _written(write_shard(tmp_path, 1, score_step(REWARD, [row]), REWARD.scorer.spec))
    assert (line["graph_status"], line["answer_status"], line["repairs"]) == (None, None, [])
    assert set(line["components"].values()) == {None}


def test_a_shard_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted write leaves the earlier shard, and nothing that a reader of *.jsonl would meet."""
    scored = score_step(REWARD, _step())
    spec = REWARD.scorer.spec
    shard = write_shard(tmp_path, 1, scored[:4], spec)
    before = shard.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_shard(tmp_path, 1, scored, spec)
    assert shard.read_bytes() == before
    assert list(tmp_path.glob("*.jsonl")) == [shard]
    monkeypatch.undo()
    write_shard(tmp_path, 1, scored, spec)
    assert len(_written(shard)) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["1.jsonl"]


def test_the_spec_of_a_run_that_went_on_under_another_is_kept(tmp_path: Path) -> None:
    first, second = REWARD.scorer.spec, videostr.RewardSpec.preset("so3")
    write_spec(tmp_path, first)
    write_spec(tmp_path, first)
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]
    write_spec(tmp_path, second)
    assert videostr.RewardSpec.from_yaml(tmp_path / "spec.json") == second
    assert videostr.RewardSpec.from_yaml(tmp_path / f"spec.{first.fingerprint}.json") == first
