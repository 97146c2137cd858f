"""Models that cannot be trained are refused by key, folder and file; those that can are let through."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_folders import TEXT, VISION, write_model, write_shard

OmegaConf = pytest.importorskip("omegaconf").OmegaConf
pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

from videostr.data.row_check import RowError  # noqa: E402
from videostr.train.model_check import check_model, local_model  # noqa: E402
from videostr.train.model_files import ModelFileError, parameters_of  # noqa: E402
from videostr.train.refusal import LaunchError  # noqa: E402

needs_stack = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("transformers", "vllm")),
    reason="transformers and vLLM are not installed",
)


def config(path: str | Path, **model: Any) -> Any:
    return OmegaConf.create(
        {
            "data": {},
            "actor_rollout_ref": {"model": {"path": str(path), **model}, "rollout": {"name": "vllm"}},
        }
    )


def rows(path: Path, **columns: Any) -> str:
    pq.write_table(pa.table({"prompt": ["a", "b"], **columns}), path)
    return str(path)


@pytest.fixture
def clips(tmp_path: Path) -> str:
    return rows(tmp_path / "clips.parquet", videos=[[], [{"video": "a.mp4"}]])


def refused(folder: Path, *files: str, **model: Any) -> str:
    with pytest.raises(LaunchError) as caught:
        check_model(config(folder, **model), files)
    start = f"actor_rollout_ref.model.path: {folder}: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


@pytest.mark.parametrize("shards", [1, 3])
def test_a_whole_model_passes(tmp_path: Path, clips: str, shards: int) -> None:
    folder = write_model(tmp_path / "m", shards=shards)
    check_model(config(folder), [clips])
    assert parameters_of(folder) == 32 * shards


def test_a_single_file_without_an_index_passes(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    for file in folder.glob("model*"):
        file.unlink()
    write_shard(folder / "model.safetensors", (3, 5))
    check_model(config(folder), [])
    assert parameters_of(folder) == 15


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-VL-7B-Instruct", "m", "hdfs://host/some/model"])
def test_a_name_on_the_hub_is_left_alone(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert local_model(config(name)) is None
    check_model(config(name), [])


@pytest.mark.parametrize("name", ["/no/such/model", "./model", "runs/one/model"])
def test_a_path_that_is_no_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LaunchError, match=f"^actor_rollout_ref.model.path: there is no folder {name}$"):
        check_model(config(name), [])


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "m").touch()
    with pytest.raises(LaunchError, match="is a file; give the folder of a model in Hugging Face format"):
        check_model(config(tmp_path / "m"), [])


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda m: (m / "config.json").unlink(), "config.json cannot be read: "),
    "config cut": (lambda m: (m / "config.json").write_text('{"a'), "config.json cannot be read: "),
    "config a list": (lambda m: (m / "config.json").write_text("[]"), "config.json is no JSON object"),
    "no architecture": (
        lambda m: (m / "config.json").write_text('{"model_type": "qwen2"}'),
        "config.json names no architectures or no model_type",
    ),
    "no tokenizer": (lambda m: (m / "tokenizer.json").unlink(), "there is no tokenizer (tokenizer.json, "),
    "no processor": (
        lambda m: (m / "preprocessor_config.json").unlink(),
        "rows have videos, and there is no processor (preprocessor_config.json, ",
    ),
    "a shard gone": (
        lambda m: (m / "model-00002-of-00003.safetensors").unlink(),
        "1 of 3 files that model.safetensors.index.json names are missing: model-00002-of-00003.safetensors",
    ),
    "a shard cut": (
        lambda m: write_shard(m / "model-00002-of-00003.safetensors", data=False),
        "model-00002-of-00003.safetensors is cut: it has ",
    ),
    "a header damaged": (
        lambda m: (m / "model-00003-of-00003.safetensors").write_bytes(
            bytes([4, 0, 0, 0, 0, 0, 0, 0]) + b"{{{{"
        ),
        "model-00003-of-00003.safetensors is no safetensors file, or its header is damaged",
    ),
    "no file": (
        lambda m: (m / "model-00001-of-00003.safetensors").write_bytes(b"\xff" * 40),
        "model-00001-of-00003.safetensors is no safetensors file, or cut within its header",
    ),
    "no weights": (
        lambda m: [file.unlink() for file in m.glob("model*")],
        "there are no weights (*.safetensors) in it",
    ),
    "text alone": (
        lambda m: (m / "config.json").write_text(json.dumps(TEXT)),
        "it is a text model (Qwen2ForCausalLM), and rows have videos: give a model that sees",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_named(case: str, tmp_path: Path, clips: str) -> None:
    folder = write_model(tmp_path / "m", shards=3)
    break_it, words = BROKEN[case]
    break_it(folder)
    assert refused(folder, clips).startswith(words)


def test_a_text_model_may_have_rows_of_text(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", TEXT)
    (folder / "preprocessor_config.json").unlink()
    check_model(config(folder), [rows(tmp_path / "a.parquet"), rows(tmp_path / "b.parquet", images=[[], []])])
    pictures = rows(tmp_path / "c.parquet", images=[[], [{"image": "a.png"}]])
    assert "rows have images" in refused(folder, pictures)


@needs_stack
def test_what_the_stack_does_not_know(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", {**VISION, "model_type": "not_a_type"})
    assert refused(folder) == "the installed transformers has no model_type 'not_a_type'"
    write_model(folder, {**VISION, "architectures": ["NotAnArchitecture"]})
    assert refused(folder) == "the installed vLLM has no architecture 'NotAnArchitecture'"
    write_model(folder, {**VISION, "model_type": "not_a_type", "auto_map": {"AutoConfig": "a.B"}})
    assert "set actor_rollout_ref.model.trust_remote_code=true" in refused(folder)
    check_model(config(folder, trust_remote_code=True), [])


def test_rows_that_are_no_parquet_file(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(RowError, match="cannot be read as parquet"):
        check_model(config(write_model(tmp_path / "m")), [str(tmp_path / "a.parquet")])


def test_a_damaged_header_stops_the_count(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    next(folder.glob("*.safetensors")).write_bytes(b"")
    with pytest.raises(ModelFileError, match="its header is damaged"):
        parameters_of(folder)
