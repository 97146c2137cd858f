"""Which checkpoint a run goes on from.

verl names the newest checkpoint in a tracker file, written after all parts of it
(verl/trainer/ppo/v1/trainer_base.py:1024), and takes what the tracker names without looking at it
(verl/utils/checkpoint/checkpoint_manager.py:222). A driver that was killed can leave an empty tracker, or one
that names a folder of which a part is missing or cut; a missing ``data.pt`` is passed over and the rows start
from the first again (verl/trainer/ppo/v1/trainer_base.py:898). So the launcher looks before verl does.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr.errors import VideostrError

TRACKER = "latest_checkpointed_iteration.txt"
_FOLDER = "global_step_"
_PARTS = {"model": "model", "optimizer": "optim", "extra": "extra_state"}


class CheckpointError(VideostrError, ValueError):
    """A run that cannot go on from what was saved; the message names the folder and says what to do."""


@dataclass(frozen=True)
class Choice:
    """What a run goes on from.

    Attributes:
        step: Of the checkpoint; None: the run starts at the first step.
        said: What was passed over and why; empty when verl's own choice is right.
    """

    step: int | None
    said: str = ""


def choose_checkpoint(
    folder: str | os.PathLike[str], contents: Sequence[str] = ("model", "optimizer", "extra")
) -> Choice:
    """The newest whole checkpoint, which verl's tracker names afterwards.

    The tracker's own checkpoint is taken when it is whole. The tracker is written (whole or not at all) only
    where it names no whole one and another is there.

    Args:
        folder: ``trainer.default_local_dir``, with ``global_step_<n>/{actor,data.pt}`` in it.
        contents: What is loaded, ``actor_rollout_ref.actor.checkpoint.load_contents``.

    Raises:
        CheckpointError: Something was saved and named, and nothing whole is there.
    """
    root = Path(folder)
    named = _tracked(root)
    faults = {step: _fault(root / f"{_FOLDER}{step}", contents) for step in _steps(root)}
    if isinstance(named, int) and named not in faults:
        faults[named] = "is not there"
    whole = [step for step, fault in faults.items() if not fault]
    step = named if isinstance(named, int) and not faults[named] else max(whole, default=None)
    if step is None:
        if named is None:  # the first save was not finished
            return Choice(None, _told(root, faults))
        raise CheckpointError(
            f"{root}: there is no whole checkpoint to go on from: {_told(root, faults) or f'{TRACKER} is cut'}. "
            f"Bring one back, or start anew with trainer.resume_mode=disable"
        )
    if step == named:
        return Choice(step)
    _write_tracker(root, step)
    passed_over = {other: fault for other, fault in faults.items() if fault}
    said = (
        _told(root, passed_over) or f"{root / TRACKER} {'is cut' if named is not None else 'was not written'}"
    )
    return Choice(step, f"{said}; going on from {_FOLDER}{step}")


def _tracked(root: Path) -> int | str | None:
    """The step that the tracker names; its text where that is no step; None without a tracker."""
    try:
        text = (root / TRACKER).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    return int(text) if text.isdecimal() else text


def _steps(root: Path) -> list[int]:
    numbers = (path.name.removeprefix(_FOLDER) for path in root.glob(f"{_FOLDER}*") if path.is_dir())
    return sorted(int(number) for number in numbers if number.isdecimal())


def _fault(checkpoint: Path, contents: Sequence[str]) -> str:
    """What a checkpoint lacks; empty for a whole one."""
    actor = checkpoint / "actor"
    world_size = _world_size(checkpoint)
    if world_size is None:
        return f"has no {actor.name}/fsdp_config.json"
    names = [part for content, part in _PARTS.items() if content in contents]
    files = [
        actor / f"{name}_world_size_{world_size}_rank_{rank}.pt"
        for name in names
        for rank in range(world_size)
    ]
    for file in [*files, checkpoint / "data.pt"]:
        if not file.is_file():
            return f"has no {file.relative_to(checkpoint)}"
        if not zipfile.is_zipfile(file):  # torch.save writes the directory of its archive last
            return f"has only a part of {file.relative_to(checkpoint)}"
    return ""


def _world_size(checkpoint: Path) -> int | None:
    try:
        config: Any = json.loads((checkpoint / "actor" / "fsdp_config.json").read_text(encoding="utf-8"))
        return int(config["world_size"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_tracker(root: Path, step: int) -> None:
    part = root / f"{TRACKER}.part"
    part.write_text(str(step), encoding="utf-8")
    os.replace(part, root / TRACKER)


def _told(root: Path, faults: dict[int, str]) -> str:
    return "; ".join(f"{root / f'{_FOLDER}{step}'} {fault}" for step, fault in sorted(faults.items()))
