"""Folders of models as far as the launcher looks: small files with the right names."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VISION = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "model_type": "qwen2_5_vl",
    "vision_config": {},
}
TEXT = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}


def write_shard(path: Path, shape: Sequence[int] = (4, 8), *, data: bool = True) -> None:
    """A safetensors file of one bfloat16 tensor; without `data` its header alone."""
    size = 2
    for length in shape:
        size *= length
    header = {
        "__metadata__": {},
        path.stem: {"dtype": "BF16", "shape": list(shape), "data_offsets": [0, size]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + (bytes(size) if data else b""))


def write_model(folder: Path, config: dict[str, Any] | None = None, *, shards: int = 1) -> Path:
    """A model's folder that the launcher has nothing to say about."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config or VISION))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "preprocessor_config.json").write_text("{}")
    names = [f"model-{k + 1:05}-of-{shards:05}.safetensors" for k in range(shards)]
    for name in names:
        write_shard(folder / name)
    index = {"weight_map": {Path(name).stem: name for name in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder
