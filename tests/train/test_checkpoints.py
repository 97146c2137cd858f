"""Which checkpoint a killed run goes on from, for a kill at every place of a save."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from videostr.train.checkpoints import TRACKER, CheckpointError, choose_checkpoint

torch = pytest.importorskip("torch")
WORLD = 2


def _torch_file(path: Path) -> Callable[[], None]:
    return lambda: torch.save({"values": torch.arange(4000)}, path)


def _half_of(path: Path) -> Callable[[], None]:
    """What is there of a file when its writer is killed."""

    def write() -> None:
        torch.save({"values": torch.arange(4000)}, path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return write


def _save(root: Path, step: int, stop_after: int | None = None) -> int:
    """A save in verl's order, cut after so many writes (each file appears half, then whole); their number."""
    folder = root / f"global_step_{step}"
    actor = folder / "actor"
    writes: list[Callable[[], object]] = [lambda: actor.mkdir(parents=True)]
    for name in ("model", "optim", "extra_state"):
        for rank in range(WORLD):
            path = actor / f"{name}_world_size_{WORLD}_rank_{rank}.pt"
            writes += [_half_of(path), _torch_file(path)]
    writes.append(lambda: (actor / "fsdp_config.json").write_text("{"))
    writes.append(lambda: (actor / "fsdp_config.json").write_text(json.dumps({"world_size": WORLD})))
    writes += [_half_of(folder / "data.pt"), _torch_file(folder / "data.pt")]
    writes.append(lambda: (root / TRACKER).write_text(""))
    writes.append(lambda: (root / TRACKER).write_text(str(step)))
    for write in writes[:stop_after]:
        write()
    return len(writes)


def _writes() -> int:
    return 1 + 3 * WORLD * 2 + 2 + 2 + 2


@pytest.mark.parametrize("stop_after", range(_writes() + 1))
def test_a_save_cut_at_any_place_costs_no_more_than_itself(tmp_path: Path, stop_after: int) -> None:
    _save(tmp_path, 2)
    assert _save(tmp_path, 4, stop_after) == _writes()
    choice = choose_checkpoint(tmp_path)
    tracker_cut = stop_after == _writes() - 1
    assert choice.step == (4 if stop_after >= _writes() - 1 else 2)
    assert bool(choice.said) == tracker_cut
    assert (tmp_path / TRACKER).read_text() == str(choice.step)


@pytest.mark.parametrize("stop_after", range(_writes() + 1))
def test_the_first_save_cut_at_any_place(tmp_path: Path, stop_after: int) -> None:
    _save(tmp_path, 2, stop_after)
    whole = stop_after >= _writes() - 2
    choice = choose_checkpoint(tmp_path)
    assert choice.step == (2 if whole else None)
    if whole:
        assert (tmp_path / TRACKER).read_text() == "2"
    else:
        assert not (tmp_path / TRACKER).exists()
        assert ("global_step_2 has" in choice.said) == bool(stop_after)


def test_nothing_was_saved(tmp_path: Path) -> None:
    assert choose_checkpoint(tmp_path / "none").step is None


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("data.pt", "global_step_4 has only a part of data.pt"),
        (
            "actor/optim_world_size_2_rank_1.pt",
            "global_step_4 has only a part of actor/optim_world_size_2_rank_1.pt",
        ),
    ],
)
def test_a_damaged_newest_one_is_passed_over_in_words(tmp_path: Path, part: str, said: str) -> None:
    _save(tmp_path, 2)
    _save(tmp_path, 4)
    _half_of(tmp_path / "global_step_4" / part)()
    choice = choose_checkpoint(tmp_path)
    assert (choice.step, (tmp_path / TRACKER).read_text()) == (2, "2")
    assert said in choice.said
    assert choice.said.endswith("going on from global_step_2")


def test_nothing_whole_is_refused(tmp_path: Path) -> None:
    """As when verl keeps one checkpoint only: it removes the older one's parts before the newer is whole."""
    _save(tmp_path, 2)
    _save(tmp_path, 4, _writes() - 4)
    shutil.rmtree(tmp_path / "global_step_2" / "actor")
    with pytest.raises(
        CheckpointError, match=r"no whole checkpoint .*global_step_2 has no actor.*global_step_4 has no"
    ):
        choose_checkpoint(tmp_path)
    shutil.rmtree(tmp_path / "global_step_2")
    shutil.rmtree(tmp_path / "global_step_4")
    with pytest.raises(CheckpointError, match="global_step_2 is not there"):
        choose_checkpoint(tmp_path)
    (tmp_path / TRACKER).write_text("")
    with pytest.raises(CheckpointError, match=f"{TRACKER} is cut"):
        choose_checkpoint(tmp_path)


def test_what_is_not_loaded_is_not_asked_for(tmp_path: Path) -> None:
    _save(tmp_path, 2)
    (tmp_path / "global_step_2" / "actor" / "optim_world_size_2_rank_0.pt").unlink()
    assert choose_checkpoint(tmp_path, ["model", "extra"]).step == 2
