"""What a failed rollout is called, and which row it is said to come from."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from videostr.integrations.prompt_failures import REASONS, FailureCount, mark, reason_of, record_of

PROMPT = {
    "index": 7,
    "data_source": "videostr/synth/counting",
    "raw_prompt": [
        {"role": "user", "content": [{"type": "video", "video": "/clips/a.mp4"}, {"type": "text"}]}
    ],
}


def _raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_prompt_that_verl_finds_too_long() -> None:
    verls = "Multimodal prompt produced 300 tokens, exceeding rollout.prompt_length=256. Truncating ..."
    assert reason_of(ValueError(verls)) == "over_length"


def test_a_clip_that_the_dataset_cannot_read() -> None:
    class Dataset:
        @classmethod
        async def process_multi_modal_info(cls) -> None:
            raise OSError("moov atom not found")

    with pytest.raises(OSError, match="moov") as caught:
        asyncio.run(Dataset.process_multi_modal_info())
    assert reason_of(caught.value) == "unreadable_media"


def test_a_reward_that_failed_is_marked_where_it_was_called() -> None:
    error = _raised(RuntimeError("actor died"))
    assert reason_of(error) == "other"
    mark(error, "reward_failed")
    assert reason_of(error) == "reward_failed"


def _record(reason: str = "over_length", **changed: Any) -> dict[str, Any]:
    error = RuntimeError("why it failed")
    mark(error, reason)
    return {**record_of(error, PROMPT, uid="u", validate=False), **changed}


def test_a_record_names_row_and_media_in_plain_values() -> None:
    assert _record() == {
        "uid": "u",
        "validate": False,
        "reason": "over_length",
        "message": "RuntimeError: why it failed",
        "data_source": "videostr/synth/counting",
        "index": 7,
        "media": ["/clips/a.mp4"],
    }


def test_a_row_of_any_shape_still_gives_a_record() -> None:
    record = record_of(ValueError(), {"index": None, "raw_prompt": "text"}, uid="u", validate=True)
    assert (record["index"], record["media"], record["message"]) == (-1, [], "ValueError: ValueError")


def test_the_metrics_are_the_same_keys_each_step_and_count_prompts() -> None:
    count = FailureCount([], [])
    records = [_record(), _record(), _record("other", uid="v"), _record(uid="w", validate=True)]
    metrics = count.metrics(records)
    assert metrics["videostr/prompts_failed"] == 2
    assert metrics["videostr/prompts_failed/over_length"] == 1
    assert metrics["videostr/prompts_failed/other"] == 1
    assert metrics["videostr/replies_failed"] == 3
    assert metrics["videostr/val_prompts_failed"] == 1
    assert set(count.metrics([])) == set(metrics)
    assert set(count.metrics([]).values()) == {0.0}


def _parquet(path: Path, *indices: int) -> str:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    infos = [{"index": index, "split": "train"} for index in indices]
    pq.write_table(pa.table({"data_source": [PROMPT["data_source"]] * len(infos), "extra_info": infos}), path)
    return str(path)


def test_a_line_a_kind_names_file_row_and_clip(tmp_path: Path) -> None:
    files = [_parquet(tmp_path / "a.parquet", 1, 2), _parquet(tmp_path / "b.parquet", 6, 7)]
    lines = FailureCount(files, []).lines([_record(), _record(uid="v"), _record("reward_failed")], 3)
    assert len(lines) == 2
    assert lines[0].startswith("step 3: prompts without all their replies: 2 (2 replies), over_length, e.g. ")
    assert (
        f"{files[1]}: row 1 (videostr/synth/counting, /clips/a.mp4): RuntimeError: why it failed" in lines[0]
    )
    assert lines[0].endswith(REASONS["over_length"])
    assert "reward_failed" in lines[1]


def test_a_row_that_cannot_be_told_apart_is_named_by_its_index(tmp_path: Path) -> None:
    file = _parquet(tmp_path / "a.parquet", 7, 7)
    (line,) = FailureCount([file, str(tmp_path / "gone.parquet")], []).lines([_record()], 1)
    assert "the row with extra_info.index 7" in line
