"""The launcher and several nodes: which cluster is joined, and which checkpoint can be resumed."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest
from fresh_python import needs_verl

sys.path.insert(0, str(Path(__file__).parents[1] / "train"))
from model_folders import write_model

from videostr.integrations.verl_watch import TRACKER
from videostr.train.launch import LaunchError, main, prepare
from videostr.train.nodes import NodesError

pytestmark = needs_verl

CLUSTER = "ray_kwargs.ray_init.address=10.0.0.1:6379"
TRUTH = {"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}


@pytest.fixture
def overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    row = {"style": "rule", "ground_truth": json.dumps(TRUTH)}
    pq.write_table(pa.table({"reward_model": [row]}), tmp_path / "rows.parquet")
    write_model(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    return [
        "run_dir=run",
        "data.train_files=rows.parquet",
        "data.val_files=[rows.parquet]",
        "actor_rollout_ref.model.path=model",
    ]


def _as_verl_composes_it(command: list[str]) -> dict[str, object]:
    """The configuration of a launch's own command."""
    from omegaconf import OmegaConf

    from videostr.train.launch import compose

    arguments = command[command.index("--") + 1 :]
    given = [one for one in arguments if not one.startswith(("--", "hydra.searchpath"))]
    config = compose(arguments[1].partition("=")[2], given)
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_a_named_cluster_is_joined_without_what_only_a_new_one_takes(
    overrides: list[str], platform: str, tmp_path: Path
) -> None:
    launch = prepare("demo", [*overrides, f"platform={platform}", CLUSTER, "trainer.nnodes=2"])
    config = _as_verl_composes_it(launch.command)
    init = config["ray_kwargs"]["ray_init"]
    assert {key for key, value in init.items() if value is not None} == {"address", "runtime_env"}
    assert init["address"] == "10.0.0.1:6379"
    assert (
        init["runtime_env"]["env_vars"]["VERL_USE_EXTERNAL_MODULES"] == "videostr.integrations.verl_trainer"
    )
    assert config["data"]["train_files"] == str(tmp_path / "rows.parquet")
    assert config["data"]["val_files"] == [str(tmp_path / "rows.parquet")]
    assert config["actor_rollout_ref"]["model"]["path"] == str(tmp_path / "model")


def test_a_cluster_of_its_own_keeps_its_settings_and_a_hub_name_stays(overrides: list[str]) -> None:
    launch = prepare("demo", [*overrides, "actor_rollout_ref.model.path=Qwen/Qwen2.5-VL-7B-Instruct"])
    config = _as_verl_composes_it(launch.command)
    assert config["ray_kwargs"]["ray_init"]["num_gpus"] == 1
    joined = prepare(
        "demo", [*overrides, CLUSTER, "actor_rollout_ref.model.path=Qwen/Qwen2.5-VL-7B-Instruct"]
    )
    assert _as_verl_composes_it(joined.command)["actor_rollout_ref"]["model"]["path"].startswith("Qwen/")


def test_several_nodes_need_a_cluster_that_is_named(overrides: list[str]) -> None:
    with pytest.raises(NodesError, match=r"address=local starts a Ray cluster of one node: .*HOST:6379"):
        prepare("demo", [*overrides, "trainer.nnodes=2"])


def test_the_run_is_watched_where_it_writes(overrides: list[str], tmp_path: Path) -> None:
    command = prepare("demo", [*overrides, CLUSTER, "trainer.nnodes=2"]).command
    assert command[1:6] == [
        "-m",
        "videostr.integrations.verl_watch",
        "--nodes=2",
        f"--checkpoints={tmp_path / 'run' / 'checkpoints'}",
        f"--metrics={tmp_path / 'run' / 'metrics.jsonl'}",
    ]


def _checkpoint(folder: Path, workers: int) -> Path:
    """What verl leaves of step 4, as far as names go."""
    actor = folder / "run" / "checkpoints" / "global_step_4" / "actor"
    actor.mkdir(parents=True)
    for rank in range(workers):
        (actor / f"model_world_size_{workers}_rank_{rank}.pt").touch()
    (folder / "run" / "checkpoints" / TRACKER).write_text("4")
    return actor.parent


def test_another_number_of_workers_is_told_what_to_do(overrides: list[str], tmp_path: Path) -> None:
    step = _checkpoint(tmp_path, 2)
    for more in ([], ["trainer.resume_mode=resume_path", f"trainer.resume_from_path={step}"]):
        with pytest.raises(NodesError, match=r"global_step_4 was written by 2 workers .* is 1\. ") as refused:
            prepare("demo", [*overrides, *more])
        assert f"merge --backend fsdp --local_dir {step.relative_to(tmp_path)}" in str(refused.value).replace(
            f"{tmp_path}/", ""
        )
    assert main(["demo", *overrides]) == 2


def test_so_is_one_that_is_passed_over_to(overrides: list[str], tmp_path: Path) -> None:
    """The tracker names a checkpoint of one worker that a kill cut; the whole one before it has two."""
    actor = _checkpoint(tmp_path, 2) / "actor"
    for path in [
        *(
            actor / f"{name}_world_size_2_rank_{rank}.pt"
            for name in ("model", "optim", "extra_state")
            for rank in (0, 1)
        ),
        actor.parent / "data.pt",
    ]:
        zipfile.ZipFile(path, "w").close()
    (actor / "fsdp_config.json").write_text('{"world_size": 2}')
    cut = actor.parent.with_name("global_step_5") / "actor"
    cut.mkdir(parents=True)
    (cut / "model_world_size_1_rank_0.pt").touch()
    (actor.parent.parent / TRACKER).write_text("5")
    with pytest.raises(NodesError, match=r"global_step_4 was written by 2 workers"):
        prepare("demo", overrides)


def test_the_same_number_resumes_and_a_new_run_does_not_care(overrides: list[str], tmp_path: Path) -> None:
    step = _checkpoint(tmp_path, 2)
    resumed = ["trainer.resume_mode=resume_path", f"trainer.resume_from_path={step}"]
    assert prepare("demo", [*overrides, "trainer.nnodes=2", CLUSTER, *resumed]).command
    assert prepare("demo", [*overrides, "trainer.resume_mode=disable"]).command


def test_a_run_needs_its_folder(overrides: list[str]) -> None:
    with pytest.raises(LaunchError, match="run_dir is not given"):
        prepare("demo", overrides[1:])
