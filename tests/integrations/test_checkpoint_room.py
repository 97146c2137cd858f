"""A disk without room for a checkpoint: said before a run, and in it."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from videostr.integrations import checkpoint_room
from videostr.integrations.checkpoint_room import (
    DiskFullError,
    checkpoint_bytes,
    full_disk_in_words,
    room_warning,
)

TRACKER = "latest_checkpointed_iteration.txt"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here (needs root)")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def _saved(folder: Path, step: int, error: Exception | None = None) -> None:
    """What verl does to the folder, until there is no room."""
    with full_disk_in_words(folder, step):
        (folder / TRACKER).write_text("")  # verl empties it before it writes
        (folder / f"global_step_{step}").mkdir()
        if error is not None:
            raise error
        (folder / f"global_step_{step}" / "model.pt").write_bytes(bytes(10**6))


def test_a_full_disk_is_named_and_the_last_checkpoint_stays_the_one_to_resume_from(small_disk: Path) -> None:
    (small_disk / TRACKER).write_text("3")
    with pytest.raises(DiskFullError) as caught:
        _saved(small_disk, 4)
    words, part = str(caught.value), small_disk / "global_step_4"
    assert words.startswith(
        f"the checkpoint of step 4 could not be written to {part}: the disk is full (0.00 GB free of "
    )
    assert "No space left on device" in words
    assert "global_step_3 is whole, and the same command resumes from it" in words
    assert (small_disk / TRACKER).read_text() == "3"
    assert sorted(path.name for path in small_disk.iterdir()) == ["global_step_4", TRACKER]


def test_a_first_checkpoint_that_fails_leaves_nothing_to_resume_from(tmp_path: Path) -> None:
    torchs = RuntimeError(
        "[enforce fail at inline_container.cc] PytorchStreamWriter failed writing file data/5"
    )
    with pytest.raises(DiskFullError, match="there is no earlier checkpoint"):
        _saved(tmp_path, 1, torchs)
    assert not (tmp_path / TRACKER).exists()


TORCHS = "basic_ios::clear: iostream error\n[enforce fail at inline_container.cc:672] . unexpected pos 7455552 vs 1"


@pytest.mark.parametrize("free", [0, 500])
def test_words_that_do_not_name_the_disk_count_where_it_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    monkeypatch.setattr(checkpoint_room.shutil, "disk_usage", lambda _: Usage(1000, 1000 - free, free))
    with pytest.raises(RuntimeError, match="unexpected pos") as raised:
        _saved(tmp_path, 1, RuntimeError(TORCHS))
    assert isinstance(raised.value, DiskFullError) == (free == 0)


def test_another_failure_passes_unchanged(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="of another kind"), full_disk_in_words(tmp_path, 1):
        raise RuntimeError("of another kind")


def _config(tmp_path: Path, *, save_freq: int = 5, lora_rank: int = 0, contents: Any = None) -> Any:
    omegaconf = pytest.importorskip("omegaconf")
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "BF16", "shape": [10, 20], "data_offsets": [0, 400]},
        "b": {"dtype": "BF16", "shape": [3], "data_offsets": [400, 406]},
    }
    text = json.dumps(header).encode()
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    return omegaconf.OmegaConf.create(
        {
            "trainer": {"save_freq": save_freq, "default_local_dir": str(tmp_path / "runs" / "checkpoints")},
            "actor_rollout_ref": {
                "model": {"path": str(tmp_path), "lora_rank": lora_rank},
                "actor": {"checkpoint": {"save_contents": contents or ["model", "optimizer", "extra"]}},
            },
        }
    )


def test_a_checkpoint_is_estimated_from_the_models_header(tmp_path: Path) -> None:
    assert checkpoint_bytes(_config(tmp_path)) == 203 * 12
    assert checkpoint_bytes(_config(tmp_path, contents=["model", "hf_model"])) == 203 * 6
    assert checkpoint_bytes(_config(tmp_path, lora_rank=8)) is None
    os.remove(tmp_path / "model.safetensors")


def test_too_little_room_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = _config(tmp_path)
    assert room_warning(config) is None
    monkeypatch.setattr(checkpoint_room.shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 2000, 2000))
    assert str(room_warning(config)).startswith("a checkpoint takes about 0.00 GB, and ")
    assert room_warning(_config(tmp_path, save_freq=-1)) is None
