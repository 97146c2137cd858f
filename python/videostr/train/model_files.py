"""The files of a model in Hugging Face format, read as far as their headers."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INDEX = "model.safetensors.index.json"


class ModelFileError(ValueError):
    """A file of a model that is missing, cut or cannot be read; the message names it."""


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        ModelFileError: There is none.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path.name} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise ModelFileError(f"{path.name} is no JSON object")
    return value


def tensors_of(path: Path) -> dict[str, dict[str, Any]]:
    """Name -> dtype, shape and place of each tensor of a safetensors file.

    Raises:
        ModelFileError: Its header cannot be read.
    """
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
        if length > path.stat().st_size:
            raise ModelFileError(f"{path.name} is no safetensors file, or cut within its header")
        try:
            header = json.loads(file.read(length))
        except ValueError:
            raise ModelFileError(f"{path.name} is no safetensors file, or its header is damaged") from None
    return {name: entry for name, entry in header.items() if name != "__metadata__"}


def parameters_of(folder: Path) -> int | None:
    """Number of parameters of a model's folder; None without safetensors files.

    Raises:
        ModelFileError: A header cannot be read.
    """
    files = list(_weight_files(folder))
    return sum(math.prod(entry["shape"]) for file in files for entry in tensors_of(file).values()) or None


def require_whole_weights(folder: Path) -> None:
    """Every shard that the index names is there, and every safetensors file is as long as its header says.

    Raises:
        ModelFileError: Naming what is missing or cut.
    """
    for index in folder.glob("*.index.json"):
        shards = sorted(set(read_json(index).get("weight_map", {}).values()))
        gone = [shard for shard in shards if not (folder / shard).is_file()]
        if gone:
            more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
            raise ModelFileError(
                f"{len(gone)} of {len(shards)} files that {index.name} names are missing: {', '.join(gone[:3])}{more}"
            )
    files = list(_weight_files(folder))
    if not files and not any(folder.glob("pytorch_model*.bin")):
        raise ModelFileError("there are no weights (*.safetensors) in it")
    for file in files:
        ends = (entry["data_offsets"][1] for entry in tensors_of(file).values())
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
        whole, size = 8 + length + max(ends, default=0), file.stat().st_size
        if size < whole:
            raise ModelFileError(f"{file.name} is cut: it has {size} bytes of {whole}")


def _weight_files(folder: Path) -> Iterator[Path]:
    """The shards that the index names, or else all safetensors files."""
    index = folder / INDEX
    if index.is_file():
        names = set(read_json(index).get("weight_map", {}).values())
        yield from (folder / name for name in sorted(names) if (folder / name).is_file())
    else:
        yield from sorted(folder.glob("*.safetensors"))
