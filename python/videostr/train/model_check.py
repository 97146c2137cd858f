"""Looks at the model of a recipe before verl starts: what is missing, cut, or cannot see."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videostr.data.rows import open_rows
from videostr.train.model_files import ModelFileError, read_json, require_whole_weights
from videostr.train.refusal import LaunchError

_KEY = "actor_rollout_ref.model.path"
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")
_PROCESSORS = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")


def local_model(config: Any) -> Path | None:
    """The folder of a recipe's model; None for a name on the hub and for an address.

    Raises:
        LaunchError: A path that can be nothing but a folder, and is none.
    """
    given = str(config.actor_rollout_ref.model.path)
    path = Path(given)
    if path.is_dir():
        return path
    if path.exists():
        raise LaunchError(f"{_KEY}: {given} is a file; give the folder of a model in Hugging Face format")
    if "://" in given or (_HUB_NAME.fullmatch(given) and not given.startswith(".")):
        return None
    raise LaunchError(f"{_KEY}: there is no folder {given}")


def check_model(config: Any, files: Sequence[str]) -> None:
    """Refuses a local model that verl or vLLM would fail with, minutes later and in other words.

    Args:
        config: The composed recipe.
        files: Parquet files of its rows that are there.

    Raises:
        LaunchError: Names the key, the folder and the file.
        RowError: A file of rows is no parquet file.
    """
    folder = local_model(config)
    if folder is None:
        return
    try:
        kind = _require_known(config, read_json(folder / "config.json"))
        if not any((folder / name).is_file() for name in _TOKENIZERS):
            raise ModelFileError(f"there is no tokenizer ({', '.join(_TOKENIZERS)}) in it")
        require_whole_weights(folder)
        column = _media_column(config, files)
        if column is not None:
            _require_sight(folder, kind, column)
    except ModelFileError as error:
        raise LaunchError(f"{_KEY}: {folder}: {error}") from None


def _require_known(config: Any, model: dict[str, Any]) -> dict[str, Any]:
    """The model's configuration, of an architecture that transformers and vLLM have."""
    architectures = model.get("architectures") or []
    if not architectures or not model.get("model_type"):
        raise ModelFileError("config.json names no architectures or no model_type")
    if not _named(model["model_type"], "transformers", "models/auto/auto_mappings.py"):
        if "auto_map" not in model:
            raise ModelFileError(f"the installed transformers has no model_type {model['model_type']!r}")
        if not config.actor_rollout_ref.model.get("trust_remote_code", False):
            raise ModelFileError(
                "it comes with code of its own: set actor_rollout_ref.model.trust_remote_code=true if you trust it"
            )
    if config.actor_rollout_ref.rollout.name == "vllm" and not any(
        _named(name, "vllm", "model_executor/models/registry.py") for name in architectures
    ):
        raise ModelFileError(f"the installed vLLM has no architecture {architectures[0]!r}")
    return model


def _named(name: str, package: str, file: str) -> bool:
    """Whether a package's table holds a name; read as text, since importing it takes long. True without the
    table.
    """
    spec = importlib.util.find_spec(package)
    table = Path(spec.origin).parent / file if spec is not None and spec.origin else Path()
    return not table.is_file() or f'"{name}"' in table.read_text(encoding="utf-8")


def _media_column(config: Any, files: Sequence[str]) -> str | None:
    """The first column that shows the model something in a row."""
    wanted = [config.data.get("video_key", "videos"), config.data.get("image_key", "images")]
    for file in files:
        with open_rows(file) as rows:
            columns = [name for name in wanted if name in rows.schema_arrow.names]
            for batch in rows.iter_batches(columns=columns) if columns else ():
                for name in columns:
                    if any(batch.column(name).to_pylist()):
                        return str(name)
    return None


def _require_sight(folder: Path, model: dict[str, Any], column: str) -> None:
    if "vision" not in json.dumps(model):
        raise ModelFileError(
            f"it is a text model ({model['architectures'][0]}), and rows have {column}: give a model that sees, or "
            f"rows without {column}"
        )
    if not any((folder / name).is_file() for name in _PROCESSORS):
        raise ModelFileError(
            f"rows have {column}, and there is no processor ({', '.join(_PROCESSORS)}) in it: copy those of the "
            "model that it was made from"
        )
