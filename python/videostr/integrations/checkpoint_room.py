"""Room for checkpoints: estimated before a run, and said when the disk is full in one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from videostr.errors import VideostrError
from videostr.train.model_files import parameters_of

_TRACKER = "latest_checkpointed_iteration.txt"  # verl/trainer/ppo/v1/trainer_base.py:1022
#: What the system, torch and safetensors say when a file cannot be written whole, in lower case.
_FULL = (
    "no space left",
    "disk quota exceeded",
    "file too large",
    "pytorchstreamwriter failed",
    "file write failed",
    "errno 28",
    "os error 28",
)
#: What torch says of any file that it could not write: it is the disk where less than this share of it is free.
_UNWRITTEN, _NO_ROOM = ("iostream error", "inline_container.cc"), 0.01
#: Bytes a parameter: float32 weights and Adam's two moments. verl's FSDP keeps all three in float32.
_MODEL_BYTES, _OPTIMIZER_BYTES, _HF_BYTES = 4, 8, 2


class DiskFullError(VideostrError, RuntimeError):
    """A checkpoint could not be written; the message names the folder, its free space, and what to do."""


@contextmanager
def full_disk_in_words(folder: str | Path, step: int) -> Iterator[None]:
    """Within the block, a checkpoint that finds no room on its disk raises :class:`DiskFullError`.

    verl's mark of the last whole checkpoint is as it was before: a full disk can leave it empty, as verl
    empties it before it writes, and a run would then not resume.

    Args:
        folder: The recipe's ``trainer.default_local_dir``.
        step: That is being saved.

    Raises:
        DiskFullError: The disk is full, or the folder's quota is used up.
    """
    folder = Path(folder)
    tracker, spare = folder / _TRACKER, folder / f".{_TRACKER}.before"
    before = tracker.read_bytes() if tracker.is_file() else None
    if before:
        with suppress(OSError):  # a spare that finds no room is missed only if verl empties the mark as well
            spare.write_bytes(before)
    try:
        yield
    except Exception as error:
        usage = shutil.disk_usage(_existing(folder))
        words = _FULL + (_UNWRITTEN if usage.free < _NO_ROOM * usage.total else ())
        cause = _cause(error, words)
        if cause is None:
            raise
        if before is None:
            tracker.unlink(missing_ok=True)
        elif tracker.read_bytes() != before:
            spare.replace(tracker)  # needs no room, unlike writing
        raise DiskFullError(_words(folder, step, before, cause)) from error
    finally:
        spare.unlink(missing_ok=True)


def _cause(error: BaseException | None, words: Sequence[str]) -> str | None:
    """The last line that has one of the words, of an error or of what it came from."""
    while error is not None:
        for line in reversed(str(error).splitlines()):
            if any(word in line.lower() for word in words):
                return line.strip()
        error = error.__cause__
    return None


def _words(folder: Path, step: int, before: bytes | None, cause: str) -> str:
    part = folder / f"global_step_{step}"
    last = f"global_step_{before.decode().strip()}" if before else None
    kept = (
        f"{last} is whole, and the same command resumes from it" if last else "there is no earlier checkpoint"
    )
    return (
        f"the checkpoint of step {step} could not be written to {part}: the disk is full ({free_words(folder)}): "
        f"{cause[:200]}. Make room there, or set trainer.default_local_dir to another disk or save less often "
        f"(trainer.save_freq); {part} is not whole and may be deleted; {kept}"
    )


def free_words(folder: Path) -> str:
    """Free and total space of the disk of a folder, which need not exist yet."""
    usage = shutil.disk_usage(_existing(folder))
    return f"{gigabytes(usage.free)} free of {gigabytes(usage.total)}"


def gigabytes(size: float) -> str:
    """Bytes as gigabytes, for messages."""
    return f"{size / 1e9:.2f} GB"


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def room_warning(config: Any) -> str | None:
    """The warning of a recipe whose disk has not room for one checkpoint, or None.

    Nothing is said of a model whose size is not known here (no local safetensors), or that keeps only LoRA
    weights.
    """
    if config.trainer.get("save_freq", -1) <= 0:
        return None
    need = checkpoint_bytes(config)
    folder = Path(config.trainer.default_local_dir)
    free = shutil.disk_usage(_existing(folder)).free
    if need is None or need <= free:
        return None
    return (
        f"a checkpoint takes about {gigabytes(need)}, and {folder} has {free_words(folder)}: make room, set "
        f"trainer.default_local_dir to another disk, or trainer.save_freq=-1"
    )


def checkpoint_bytes(config: Any) -> int | None:
    """About how much one checkpoint of a recipe takes, over all ranks, in bytes; None where it is not known."""
    model = config.actor_rollout_ref.model
    if model.get("lora_rank", 0) or (model.get("lora") or {}).get("rank", 0):
        return None
    parameters = parameters_of(Path(str(model.path)))
    if parameters is None:
        return None
    contents = (config.actor_rollout_ref.actor.get("checkpoint") or {}).get("save_contents") or []
    each = {"model": _MODEL_BYTES, "optimizer": _OPTIMIZER_BYTES, "hf_model": _HF_BYTES}
    return parameters * sum(size for name, size in each.items() if name in contents)
