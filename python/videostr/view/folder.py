"""The parts of a run's folder: which are there, and which are missing."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from videostr.errors import SpecError
from videostr.spec import PRESETS, RewardSpec
from videostr.view.errors import ViewError

#: Characters of a configuration file that a page shows, and of all of them.
SHOWN_CHARACTERS, ALL_CHARACTERS = 80_000, 200_000
#: Configuration files that a page shows.
SHOWN_FILES = 12
SPEC_FILE = "spec.json"
METRICS_FILE = "metrics.jsonl"
#: Where the launcher leaves what a run was started with.
RECORD = "run"
_CONFIG_FILES = (f"{RECORD}/config.yaml", "config.yaml")
_START, _VERSIONS = "start.json", "versions.json"
_KEY = r"[\w.\-]{0,80}(?:api[_-]?key|access[_-]?key|token|secret|password|passwd)"
_PLAIN = r"(?![ \t]*(?:null|~|true|false|[-\d.]{1,40})[ \t]*(?:[,}]|$))"
#: A key like a password's: on a line of its own with all that follows, or amid others with its value.
_SECRETS = (
    re.compile(rf"(?im)^([ \t\-]{0, 80}[\"']?{_KEY}[\"']?\s*:[ \t]*){_PLAIN}\S.*$"),
    re.compile(
        rf"(?im)((?<![\w.\-])[\"']?{_KEY}[\"']?\s*[:=][ \t]*){_PLAIN}(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,}}]+)"
    ),
)


@dataclasses.dataclass(frozen=True)
class Document:
    """A text file of the run.

    Attributes:
        name: Where it lies, from the run's folder.
        text: Its content, without what looks like a password, cut where it is long.
    """

    name: str
    text: str


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """What a training run wrote.

    Attributes:
        path: The folder.
        shards: Its rollout files in the order of the steps.
        specs: Every reward spec that is there, by fingerprint.
        spec: The one of the run; `pose-free` where it left none.
        metrics: The trainer's log, where there is one.
        documents: Configuration files, versions and the like.
        start: When and how it was started, as the launcher left it, empty where it did not.
        versions: What it was made with, likewise.
        starts: How often it was started, as far as is known.
        missing: What is not there, each in words.
    """

    path: Path
    shards: tuple[Path, ...]
    specs: Mapping[str, RewardSpec]
    spec: RewardSpec
    metrics: Path | None
    documents: tuple[Document, ...]
    start: Mapping[str, Any]
    versions: Mapping[str, Any]
    starts: int
    missing: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all shards."""
        return sum(shard.stat().st_size for shard in self.shards)

    def step_of(self, shard: Path) -> int:
        """The step that a shard is named after; its place among them where it has another name."""
        return int(shard.stem) if shard.stem.isdecimal() else self.shards.index(shard) + 1


def open_run(path: Path) -> RunFolder:
    """Looks for the parts of a run.

    Args:
        path: The folder of the run, or its ``rollouts``.

    Raises:
        ViewError: Neither rollouts nor metrics are there.
    """
    if not path.is_dir():
        raise ViewError(f"{path}: there is no such folder; name the folder of a run (its run_dir)")
    rollouts = path / "rollouts"
    if not rollouts.is_dir() and _shards(path):
        rollouts, path = path, path.parent if path.name == "rollouts" else path
    shards = _shards(rollouts)
    metrics = path / METRICS_FILE
    if not shards and not metrics.is_file():
        raise ViewError(_no_run(path))
    missing = []
    if not shards:
        missing.append("rollouts/<step>.jsonl: no curves, no rollouts")
    if not metrics.is_file():
        missing.append(f"{METRICS_FILE}: no curves of the trainer")
    specs = {spec.fingerprint: spec for folder in (path / RECORD, rollouts) for spec in _specs(folder)}
    spec = _spec(rollouts) or _spec(path / RECORD)
    if spec is None:
        missing.append(f"rollouts/{SPEC_FILE}: chance levels and explanations are of the preset {PRESETS[0]}")
        spec = RewardSpec.preset(PRESETS[0])
    specs.setdefault(spec.fingerprint, spec)
    _, why = config_of(path)
    if why:
        missing.append(why)
    versions = _plain(path / RECORD / _VERSIONS)
    if not versions:
        missing.append(f"{RECORD}/{_VERSIONS}: the versions that it was made with")
    return RunFolder(
        path=path,
        shards=shards,
        specs=specs,
        spec=spec,
        metrics=metrics if metrics.is_file() else None,
        documents=tuple(_documents(path)),
        start=start_of(path),
        versions=versions,
        starts=1 + sum(each.name.isdecimal() for each in (path / RECORD / "earlier").glob("*")),
        missing=tuple(missing),
    )


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Sorts 2.jsonl before 10.jsonl."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _shards(folder: Path) -> tuple[Path, ...]:
    found = (path for path in folder.glob("*.jsonl") if path.name != METRICS_FILE)
    return tuple(sorted(found, key=natural))


def _no_run(path: Path) -> str:
    inner = [
        folder
        for folder in sorted(path.iterdir())
        if folder.is_dir() and (_shards(folder / "rollouts") or (folder / METRICS_FILE).is_file())
    ]
    hint = f"; did you mean {inner[0]}?" if inner else ""
    return (
        f"{path}: this is no folder of a run: neither rollouts/<step>.jsonl nor {METRICS_FILE} is there{hint}"
    )


def _spec(folder: Path) -> RewardSpec | None:
    return RewardSpec.from_yaml(folder / SPEC_FILE) if (folder / SPEC_FILE).is_file() else None


def _specs(folder: Path) -> Iterator[RewardSpec]:
    """``spec.json``, and ``spec.<fingerprint>.json`` of earlier parts of the run."""
    for path in sorted(folder.glob("spec*.json")):
        try:
            yield RewardSpec.from_yaml(path)
        except SpecError:
            if path.name == SPEC_FILE:
                raise
            continue  # of a version with other fields


def start_of(path: Path) -> Mapping[str, Any]:
    """When and how a run was started, as its launcher left it; empty where it did not."""
    return _plain(path / RECORD / _START)


def _plain(path: Path) -> Mapping[str, Any]:
    """An object of a JSON file; empty where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _documents(path: Path) -> Iterator[Document]:
    found = [
        each
        for folder in (path / RECORD, path)
        for ending in ("*.yaml", "*.yml", "*.json")
        for each in sorted(folder.glob(ending))
        if each.name != SPEC_FILE
    ]
    left = ALL_CHARACTERS
    for each in found[:SHOWN_FILES]:
        most = min(left, SHOWN_CHARACTERS)
        with each.open(encoding="utf-8", errors="replace") as file:
            text = file.read(most + 1)
        cut = f"\n... {each.name} goes on" if len(text) > most else ""
        left -= len(text[:most])
        yield Document(str(each.relative_to(path)), without_secrets(text[:most]) + cut)


def without_secrets(text: str) -> str:
    """The text with the values of keys that end like a password's taken out.

    >>> print(without_secrets("WANDB_API_KEY: abc\\nmax_tokens: 5\\nhf_token: null\\nenv: {MY_SECRET: x, A: 1}"))
    WANDB_API_KEY: (hidden)
    max_tokens: 5
    hf_token: null
    env: {MY_SECRET: (hidden), A: 1}
    """
    for secret in _SECRETS:
        text = secret.sub(r"\g<1>(hidden)", text)
    return text


def config_of(path: Path) -> tuple[Mapping[str, Any], str]:
    """The resolved configuration of a run's folder, and what is wrong with it."""
    found = next((each for name in _CONFIG_FILES if (each := path / name).is_file()), None)
    if found is None:
        return {}, f"{_CONFIG_FILES[0]}: the configuration, and with it where the rows are"
    try:
        import yaml
    except ImportError:
        return {}, f"{found.name} cannot be read without PyYAML: pip install pyyaml"
    try:
        config = yaml.safe_load(found.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        return {}, f"{found.name} cannot be read: {error}"
    return (config, "") if isinstance(config, dict) else ({}, f"{found.name} holds no mapping")
