"""What is found in a run's folder, and what is said to be missing."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from view_runs import SPEC, write_run

from videostr import RewardSpec
from videostr.view import ViewError
from videostr.view.folder import SHOWN_CHARACTERS, config_of, open_run, without_secrets
from videostr.view.record import told_start, told_versions


def record(run: Path) -> None:
    """What the launcher leaves of a start."""
    (run / "run" / "earlier" / "1").mkdir(parents=True)
    (run / "run" / "config.yaml").write_text("data: {train_files: a.parquet}\n")
    (run / "run" / "versions.json").write_text('{"packages": {"verl": "0.9.1"}}')
    (run / "run" / "start.json").write_text('{"started": "now", "working_directory": "/there"}')
    (run / "run" / "spec.json").write_text(json.dumps(SPEC.to_dict()))


def test_all_parts_of_a_run_are_found(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", 12)
    record(run)
    (run / "notes.yaml").write_text("mine: 1\n")
    (run / "rollouts" / ".13.jsonl.tmp").write_text("{")
    found = open_run(run)
    assert [found.step_of(shard) for shard in found.shards] == list(range(1, 13)), "2 before 10"
    assert found.spec == SPEC
    assert found.metrics == run / "metrics.jsonl"
    names = [document.name for document in found.documents]
    assert names == ["run/config.yaml", "run/start.json", "run/versions.json", "notes.yaml"]
    assert config_of(run) == ({"data": {"train_files": "a.parquet"}}, "")
    assert found.start["started"] == "now"
    assert found.versions == {"packages": {"verl": "0.9.1"}}
    assert found.starts == 2
    assert found.missing == ()
    assert open_run(run / "rollouts").path == run, "its rollouts stand for the run"


def test_what_is_told_of_a_start(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1)
    assert told_start(open_run(run)) is None
    assert told_versions(open_run(run)) == []
    record(run)
    start = {
        "started": "2026-11-27",
        "command": "train ++HF_TOKEN=abc x=1",
        "resumed_from": 20,
        "changed": ["lr 1 -> 2"],
    }
    made = {
        "packages": {"verl": "0.9.1"}, "python": "3.11", "gpus": ["H100", "H100"],
        "git": {"videostr": {"commit": "0123456789abcdef", "changed": True}},
    }  # fmt: skip
    (run / "run" / "start.json").write_text(json.dumps(start))
    (run / "run" / "versions.json").write_text(json.dumps(made))
    found = open_run(run)
    assert told_start(found) == {**start, "command": "train ++HF_TOKEN=(hidden) x=1", "starts": 2}
    assert told_versions(found) == ["verl 0.9.1", "Python 3.11", "2 × H100", "commit 0123456789ab, changed"]
    for odd in (
        {"changed": 5, "command": None},
        {"gpus": 7, "packages": [], "git": "x", "cores": {}, "processor": "p" * 999},
    ):
        (run / "run" / "start.json").write_text(json.dumps(odd))
        (run / "run" / "versions.json").write_text(json.dumps(odd))
        assert told_start(open_run(run)) is not None
        assert all(len(each) <= 300 for each in told_versions(open_run(run)))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", 2, metrics=False)
    (run / "rollouts" / "spec.json").unlink()
    told = " ".join(open_run(run).missing)
    for name in ("metrics.jsonl", "rollouts/spec.json", "config.yaml", "versions"):
        assert name in told
    assert open_run(run).spec == RewardSpec.preset("pose-free")
    assert (open_run(run).start, open_run(run).versions, open_run(run).starts) == ({}, {}, 1)
    (run / "run").mkdir()
    (run / "run" / "spec.json").write_text(json.dumps(SPEC.to_dict()))
    (run / "run" / "start.json").write_text("{torn")
    assert open_run(run).spec == SPEC, "what the launcher left stands for it"
    assert open_run(run).start == {}
    (run / "metrics.jsonl").write_text("")
    for shard in (run / "rollouts").iterdir():
        shard.unlink()
    assert "rollouts/<step>.jsonl" in " ".join(open_run(run).missing)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ViewError, match="no such folder"):
        open_run(tmp_path / "nowhere")
    write_run(tmp_path / "out" / "grpo", 1)
    with pytest.raises(ViewError, match=r"did you mean .*grpo"):
        open_run(tmp_path / "out")


def test_specs_of_earlier_parts_are_kept(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1)
    earlier = SPEC.replace(max_starts=8)
    (run / "rollouts" / f"spec.{earlier.fingerprint}.json").write_text(json.dumps(earlier.to_dict()))
    (run / "rollouts" / "spec.0123.json").write_text('{"of another version": 1}')
    found = open_run(run)
    assert found.spec == SPEC
    assert found.specs == {SPEC.fingerprint: SPEC, earlier.fingerprint: earlier}


def test_a_config_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1)
    (run / "config.yaml").write_text("a: [1")
    assert config_of(run)[0] == {}
    assert any("config.yaml cannot be read" in each for each in open_run(run).missing)
    (run / "config.yaml").write_text("x" * (SHOWN_CHARACTERS + 10))
    (document,) = open_run(run).documents
    assert document.text.endswith("config.yaml goes on")
    assert len(document.text) < SHOWN_CHARACTERS + 50


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("  WANDB_API_KEY: abc123", True),
        ('  "hf_token": "abc123",', True),
        ("aws_secret: abc123 # mine", True),
        ("password: abc123", True),
        ("password: abc123 and more", True),
        ("env: {A: 1, WANDB_API_KEY: abc123, B: 2}", True),
        ('{"a": {"access_key": "abc123", "b": 1}}', True),
        ("command: train ++env_vars.HF_TOKEN=abc123 x=1", True),
        ("  api_key: null", False),
        ("max_num_batched_tokens: 4096", False),
        ("trust_remote_token: false", False),
        ("tokenizer: abc123", False),
        ("{a_token: null, b: abc123}", False),
        ("eos_token: 5", False),
    ],
)
def test_passwords_do_not_enter_a_page(line: str, hidden: bool) -> None:
    text = f"before: 1\n{line}\nafter: 2"
    shown = without_secrets(text)
    assert ("(hidden)" in shown) == hidden
    assert (shown == text) != hidden
    assert "abc123" not in shown or not hidden
    assert shown.startswith("before: 1\n")
    assert shown.endswith("\nafter: 2")


@pytest.mark.parametrize(
    "sign", ["\n", "-", " ", "a", "key", "a_token:", "'", "{", "token: \n", '"token": "', "1.", "x-"]
)
def test_hiding_is_linear(sign: str) -> None:
    """Ten times the text takes about ten times as long, not a hundred."""

    def cost(count: int) -> float:
        start = time.process_time()
        without_secrets(sign * (count // len(sign)))
        return time.process_time() - start

    cost(1000)
    small = max(min(cost(8000) for _ in range(3)), 1e-4)
    assert cost(80_000) < 40 * small
