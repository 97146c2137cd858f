"""Real verl, Ray and vLLM going wrong: what is unreadable, over-long, killed or full ends or is told in words."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from broken_run import Ended, Rows, cut_in_half, kill_at_step_1, launch, make_rows, run
from fresh_python import needs_verl

from videostr.integrations.checkpoint_room import checkpoint_bytes
from videostr.train.refusal import LaunchError

pytestmark = [needs_verl, pytest.mark.long, pytest.mark.timeout(2000)]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    pytest.importorskip("torch")
    return make_rows(tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("disk")
    yield folder
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


@pytest.fixture(scope="module")
def spoilt(rows: Rows, disk: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, tuple[str, ...]]:
    """One run: a clip that is cut after the launcher looked, a prompt that is too long, and a disk with room
    for one checkpoint.
    """
    settings = [f"trainer.default_local_dir={disk}", "trainer.save_freq=1", "trainer.total_training_steps=4"]
    start = launch(rows, tmp_path_factory.mktemp("spoilt"), *settings)
    size = int(1.6 * (checkpoint_bytes(start.config) or 0)) + 3_000_000
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here (needs root)")
    cut_in_half(rows.cut_clip)
    return run(start), start.warnings


def test_the_launcher_counts_the_prompt_that_is_too_long(spoilt: tuple[Ended, tuple[str, ...]]) -> None:
    (warning,) = (told for told in spoilt[1] if "prompts are longer" in told)
    assert re.search(
        r"^1 of \d+ prompts are longer than data\.max_prompt_length=320, first .*: row 2 \(", warning
    )


@pytest.mark.usefixtures("spoilt")
def test_the_launcher_refuses_the_clip_that_is_cut(rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(
        LaunchError, match=r"row 0: videos\[0\]\.video: .*is no video, or one that is cut or damaged"
    ):
        launch(rows, tmp_path)


def test_failed_prompts_are_counted_by_reason(spoilt: tuple[Ended, tuple[str, ...]]) -> None:
    first = spoilt[0].metrics[0]
    assert first["videostr/prompts_failed"] == 3
    assert first["videostr/prompts_failed/unreadable_media"] == 2
    assert first["videostr/prompts_failed/over_length"] == 1
    assert first["videostr/prompts_failed/other"] == first["videostr/prompts_failed/reward_failed"] == 0
    assert first["videostr/replies_failed"] == 6


def test_failed_prompts_are_told_with_their_row(spoilt: tuple[Ended, tuple[str, ...]], rows: Rows) -> None:
    said = spoilt[0].said
    for line in (
        rf"step 1: prompts without all their replies: 2 \(4 replies\), unreadable_media, e\.g\. "
        rf"{rows.train}: row [01] \(videostr/synth/\w+, .*{rows.cut_clip.name}\)",
        rf"step 1: prompts without all their replies: 1 \(2 replies\), over_length, e\.g\. {rows.train}: row 2 ",
    ):
        assert re.search(line, said), [told for told in said.splitlines() if "replies:" in told]


def test_a_full_disk_ends_the_run_in_words(spoilt: tuple[Ended, tuple[str, ...]], disk: Path) -> None:
    ended = spoilt[0]
    assert ended.status != 0
    assert re.search(
        rf"DiskFullError: the checkpoint of step 2 could not be written to {disk}/global_step_2: the disk is full "
        rf"\(0\.\d\d GB free of 0\.\d\d GB\): .*global_step_1 is whole, and the same command resumes from it",
        ended.said,
    ), ended.said[-4000:]
    assert (disk / "latest_checkpointed_iteration.txt").read_text() == "1"


def test_a_reward_worker_that_is_killed_ends_the_run_in_words(rows: Rows, tmp_path: Path) -> None:
    from videostr.data.rows import read_rows, write_rows

    fine = tmp_path / "fine.parquet"
    write_rows(fine, list(read_rows(rows.train))[3:])
    start = launch(rows, tmp_path / "run", "trainer.total_training_steps=200", f"data.train_files={fine}")
    ended = run(start, kill_at_step_1("ray::RewardLoopWorker"))
    assert ended.status != 0
    assert 0 < ended.seconds_after < 90
    assert re.search(
        r"WorkerDiedError: the run ended because .*reward_loop_worker_0 died: its process ended without a word",
        ended.said,
    ), ended.said[-4000:]
