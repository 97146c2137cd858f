"""Names of a model and of rows by what is in their files, so that a changed one is noticed."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from videostr.predict.settings import PredictError

#: A file of a model is read in so many places of so many bytes: weights that were trained on differ all over.
_PLACES, _PLACE_BYTES = 16, 65536


def model_digest(folder: Path) -> str:
    """A name for what is in a model's folder: the same for a copy, another after training. About a MiB a file is
    read.

    Raises:
        PredictError: It is no folder, or no model is in it.
    """
    if not folder.is_dir():
        raise PredictError(
            f"{folder}: there is no such folder; --model is a local folder in Hugging Face format"
        )
    if not (folder / "config.json").is_file():
        raise PredictError(
            f"{folder}: there is no config.json in it, so it is no model in Hugging Face format"
        )
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as opened:
            for place in range(_PLACES):
                opened.seek(max(size - _PLACE_BYTES, 0) * place // (_PLACES - 1))
                digest.update(opened.read(_PLACE_BYTES))
    return digest.hexdigest()[:16]


def rows_crc32(path: Path) -> int:
    """The checksum of a file of rows."""
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc
