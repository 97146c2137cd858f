"""What a run was started with is written beside its checkpoints, kept, and compared."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from videostr import RewardSpec
from videostr.train import run_record
from videostr.train.run_record import record_start
from videostr.train.versions import versions

omegaconf = pytest.importorskip("omegaconf")
COMMAND = ["videostr", "train", "demo", "run_dir=a b", "+x.WANDB_API_KEY=abc"]


def _config(**trainer: Any) -> Any:
    return omegaconf.OmegaConf.create(
        {
            "run_dir": "runs/one",
            "seed": 3,
            "data": {"seed": "${seed}", "train_files": "a.parquet"},
            "reward": {"custom_reward_function": {"reward_kwargs": {"spec": "pose-free"}}},
            "trainer": {"save_freq": 5, **trainer},
            "ray_kwargs": {"ray_init": {"runtime_env": {"env_vars": {"HF_TOKEN": "hf_abc"}}}},
        }
    )


def _start(run_dir: Path, config: Any = None, spec: str | None = "pose-free", step: int | None = None) -> Any:
    spec_of = None if spec is None else RewardSpec.preset(spec)
    return record_start(run_dir, config or _config(), spec_of, COMMAND, resumed_from=step)


def test_the_record_of_a_start(tmp_path: Path) -> None:
    assert _start(tmp_path) is None
    folder = tmp_path / "run"
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.yaml",
        "spec.json",
        "start.json",
        "versions.json",
    ]
    config = omegaconf.OmegaConf.load(folder / "config.yaml")
    assert config.data.seed == 3
    start = json.loads((folder / "start.json").read_text())
    spec = RewardSpec.from_yaml(folder / "spec.json")
    assert start["spec_fingerprint"] == spec.fingerprint == RewardSpec.preset("pose-free").fingerprint
    assert start["command"] == "videostr train demo 'run_dir=a b' '+x.WANDB_API_KEY=(hidden)'"
    assert (start["resumed_from"], start["changed"]) == (None, [])
    told = json.loads((folder / "versions.json").read_text())
    assert told["packages"]["numpy"] == versions()["packages"]["numpy"]
    assert told["python"].startswith("3.")


def test_nothing_that_is_called_like_a_password_is_written(tmp_path: Path) -> None:
    _start(tmp_path)
    for path in (tmp_path / "run").iterdir():
        assert "abc" not in path.read_text()


def test_earlier_starts_are_kept(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        _start(tmp_path, omegaconf.OmegaConf.merge(_config(), {"seed": seed}))
    folder = tmp_path / "run"
    seeds = [
        omegaconf.OmegaConf.load(place / "config.yaml").seed
        for place in (folder / "earlier" / "1", folder / "earlier" / "2", folder)
    ]
    assert seeds == [1, 2, 3]


def test_what_changed_is_said_when_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _start(tmp_path)
    assert _start(tmp_path, step=4) is None
    newer = {**versions(), "packages": {**versions()["packages"], "torch": "9.9"}}
    old_torch = versions()["packages"].get("torch")
    monkeypatch.setattr(run_record, "versions", lambda: newer)
    config = omegaconf.OmegaConf.merge(_config(), {"seed": 4, "data": {"train_files": ["b.parquet"]}})
    said = _start(tmp_path, config, spec="so3", step=4)
    assert said.startswith(
        "the run goes on from step 4, and since its last start this changed: the reward's spec "
    )
    assert 'group "auto" -> "so3"' in said
    assert f"torch {old_torch} -> 9.9" in said
    assert "; seed 3 -> 4; data.seed 3 -> 4; " in said
    assert 'data.train_files "a.parquet" -> ["b.parquet"]' in said
    assert json.loads((tmp_path / "run" / "start.json").read_text())["changed"]


def test_what_changes_nothing_of_what_is_learned_is_not_said(tmp_path: Path) -> None:
    _start(tmp_path, _config(total_training_steps=10))
    assert _start(tmp_path, _config(total_training_steps=20, save_freq=1, logger=["console"]), step=4) is None


def test_the_length_of_a_run_is_said_where_a_schedule_depends_on_it(tmp_path: Path) -> None:
    optim = {"actor_rollout_ref": {"actor": {"optim": {"lr_scheduler_type": "cosine"}}}}
    for steps in (10, 20):
        config = omegaconf.OmegaConf.merge(_config(total_training_steps=steps), optim)
        said = _start(tmp_path, config, step=4)
    assert "trainer.total_training_steps 10 -> 20" in said


def test_a_run_that_starts_anew_is_not_told_of_changes(tmp_path: Path) -> None:
    _start(tmp_path)
    assert _start(tmp_path, spec="so3") is None
    assert json.loads((tmp_path / "run" / "start.json").read_text())["changed"]


def test_many_changes_are_cut(tmp_path: Path) -> None:
    _start(tmp_path)
    many = omegaconf.OmegaConf.merge(_config(), {"data": {f"key{number}": number for number in range(12)}})
    said = _start(tmp_path, many, step=1)
    assert said.endswith(f"; and 4 more, in {tmp_path / 'run' / 'start.json'}")


def test_another_reward_has_no_spec(tmp_path: Path) -> None:
    _start(tmp_path)
    said = _start(tmp_path, spec=None, step=1)
    assert not (tmp_path / "run" / "spec.json").exists()
    assert said.endswith(f"the reward's spec {RewardSpec.preset('pose-free').fingerprint} -> None")


def test_a_record_that_was_cut_is_no_obstacle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _start(tmp_path)
    for name in ("config.yaml", "versions.json"):
        (tmp_path / "run" / name).write_text("{")
    _start(tmp_path, step=1)
    assert "config.yaml cannot be read; it is not compared with" in capsys.readouterr().err


def test_versions_name_the_commit_of_a_work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert versions()["git"]["working_directory"] is None
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "a").write_text("one")
    for arguments in (["init", "-q"], ["add", "a"], ["commit", "-q", "-m", "a"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    found = versions()["git"]["working_directory"]
    assert (len(found["commit"]), found["changed"]) == (40, False)
    (tmp_path / "a").write_text("two")
    assert versions()["git"]["working_directory"]["changed"] is True
