"""`videostr replay`, `videostr health`, and `videostr score` on files and on folders of a run's shards."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollout_samples import healthy, rollouts, scores, write
from videostr import RewardSpec, Scorer
from videostr.cli import _rollouts, main
from videostr.cli._progress import Progress
from videostr.cli._reader import Reader
from videostr.cli._sources import Source
from videostr.rollouts.replay import Comparison

SPEC = RewardSpec.preset("pose-free")


def shards(folder: Path, steps: int = 12, **fields: Any) -> Path:
    """A folder as a run leaves it: groups of one name come back in the next step."""
    for step in range(1, steps + 1):
        lines = healthy(2, 4, first=2 * step, step=step, **fields)
        for k, line in enumerate(lines):
            line["group"] = f"g{k // 4}"
        write(folder / f"{step}.jsonl", lines)
    return folder


def joined(folder: Path, steps: int = 12) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for step in range(1, steps + 1)
        for line in (folder / f"{step}.jsonl").read_text().splitlines()
    ]


def told(capsys: pytest.CaptureFixture[str], *command: str | Path, code: int = 0) -> dict[str, Any]:
    assert main([*map(str, command), "--json"]) == code
    numbers: dict[str, Any] = json.loads(capsys.readouterr().out)
    return numbers


def test_shards_are_read_in_natural_order(tmp_path: Path) -> None:
    folder = shards(tmp_path / "rollouts")
    source = Source(folder)
    assert [path.stem for path in source.files] == [str(step) for step in range(1, 13)]
    found = list(source.lines())
    assert [line.row for line in found] == list(range(96))
    assert [line.number for line in found[:10]] == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]
    assert found[-1].end == source.size
    assert [line.row for line in source.lines(90)] == list(range(90, 96))


def test_score_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows count through the files; a group ends where its file ends."""
    folder = shards(tmp_path / "rollouts")
    for step in range(1, 13):
        lines = joined(folder)[8 * (step - 1) : 8 * step]
        write(folder / f"{step}.jsonl", [{**line, "group": "the one"} for line in lines])
    out = tmp_path / "scores.jsonl"
    assert main(["score", str(folder), "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["row"], row["file"]) for row in rows] == [(k, f"{k // 8 + 1}.jsonl") for k in range(96)]
    for step in range(12):
        due = scores(joined(folder)[8 * step : 8 * step + 8], Scorer(SPEC))
        assert [row["components"]["total"] for row in rows[8 * step : 8 * step + 8]] == due.total.tolist()
    whole = out.read_bytes()
    for cut in range(0, len(whole), 4999):
        out.write_bytes(whole[:cut])
        assert main(["score", str(folder), "--out", str(out)]) == 0
        assert out.read_bytes() == whole, "resumed"
    capsys.readouterr()
    assert told(capsys, "score", folder, "--out", out)["resumed"] == 88, "all but the last group"
    assert told(capsys, "health", folder)["all"]["groups"] == 12


def test_chunks_may_end_where_a_file_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the next one begins with a group of the same name."""
    monkeypatch.setattr(_rollouts, "CHUNK_ROWS", 4)
    for step in (1, 2):
        write(tmp_path / f"{step}.jsonl", [{**line, "group": "g"} for line in healthy(3, 2)])
    with Progress(1, "") as progress:
        reader = Reader(Source(tmp_path), Scorer(SPEC), progress, strict=True)
        assert [len(chunk) for chunk in _rollouts.chunks(reader())] == [6, 6]


def test_a_group_of_the_next_file_is_another(tmp_path: Path) -> None:
    """The length rule wants two right answers in a group: one in each of two files are not two."""
    lines = healthy(1, 1, tokens=400)
    for step in (1, 2):
        write(tmp_path / "r" / f"{step}.jsonl", lines)
    out = tmp_path / "out.jsonl"
    assert main(["score", str(tmp_path / "r"), "--out", str(out)]) == 0
    assert [json.loads(line)["components"]["length"] for line in out.read_text().splitlines()] == [0, 0]


def test_the_output_may_not_become_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shards(tmp_path / "rollouts", 2)
    for out in (folder / "1.jsonl", folder / "scores.jsonl"):
        assert main(["score", str(folder), "--out", str(out)]) == 2
        assert "a part of it" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    for command in (["score"], ["health"], ["replay", "--against", "so3"]):
        assert main([*command, str(tmp_path / "empty")]) == 2
        assert "no .jsonl file in this folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["health"], ["replay", "--against", "so3"]])
def test_malformed_lines(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = healthy(2, 4)
    bad: list[tuple[Any, str]] = [
        ("{", ""),
        ({**good[0], "text": 3}, "text: "),
        ({**good[0], "data_source": 3}, "data_source: "),
        ({**good[0], "data_source": "\ud800"}, "data_source: "),
        ({**good[0], "uid": ["a"]}, "uid: "),
        ({**good[0], "components": [1]}, "components: "),
        ({**good[0], "components": {"node": "high"}}, "components.node: "),
        ({**good[0], "components": {"node": 10**400}}, "components.node: "),
    ]
    folder = tmp_path / "r"
    write(folder / "1.jsonl", good)
    write(folder / "2.jsonl", [*good, "", *(line for line, _ in bad)])
    assert main([*command, str(folder), "--json"]) == 0
    found = capsys.readouterr()
    numbers = json.loads(found.out)
    assert numbers["skipped"] == len(bad)
    assert numbers.get("rows", numbers.get("all", {}).get("rows")) == 16
    for number, ((_, field), line) in enumerate(zip(bad, found.err.splitlines(), strict=True), start=10):
        assert line.startswith(f"skipped {folder / '2.jsonl'}:{number}: {field}"), line
    assert main([*command, str(folder), "--strict"]) == 1
    assert f"{folder / '2.jsonl'}:10: " in capsys.readouterr().err


JUNK: tuple[Any, ...] = (None, True, -1, math.nan, 1e300, 10**400, "", "\ud800", [], [1], {}, {"id": 1})


def changed(value: Any) -> Iterator[Any]:
    """The value with junk in each of its places in turn."""
    yield from JUNK
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        for junk in changed(inner):
            copy = value.copy()
            copy[key] = junk
            yield copy


@pytest.mark.parametrize(
    "command", [["score"], ["health"], ["replay", "--against", "so3"], ["data", "check"]]
)
def test_no_value_in_any_place_ends_a_command(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = healthy(1, 1, tokens=400, uid="a_0_0", data_source="videostr/x/y", fingerprint=SPEC.fingerprint)[0]
    line["components"] = {"node": 0.5, "motion": None}
    lines = list(changed(line))
    source = tmp_path / "r.jsonl"
    source.write_text("".join(json.dumps(each) + "\n" for each in lines))
    assert main([*command, str(source), "--json"]) in {0, 1}
    told = capsys.readouterr()
    numbers = json.loads(told.out)
    if command == ["data", "check"]:
        assert numbers["rows"] == len(lines)
    else:
        rows = numbers["all"]["rows"] if command == ["health"] else numbers["rows"]
        assert rows + numbers["skipped"] == len(lines)
        assert min(rows, numbers["skipped"]) > 50


def test_replay_is_the_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = healthy(6, 4, data_source="videostr/x/y")
    source = write(tmp_path / "r.jsonl", lines)
    specs = (SPEC.replace(max_starts=8), RewardSpec.preset("video-str").replace(node_kernel="exp"))
    options = [
        "--set",
        "max_starts=8",
        "--against",
        "video-str",
        "--set-against",
        "node_kernel=exp",
        "--top",
        "3",
    ]
    numbers = told(capsys, "replay", source, *options)
    due = Comparison(*specs, top=3)
    found = rollouts(lines, Scorer(specs[0]), file="r.jsonl")
    due.add(found, *(scores(lines, Scorer(spec)) for spec in specs))
    assert numbers == {**json.loads(json.dumps(due.to_dict())), "skipped": 0}
    assert len(numbers["largest_changes"]["total"]) == 3
    assert main(["replay", str(source), *options]) == 0
    text = capsys.readouterr().out
    assert specs[0].fingerprint in text
    assert specs[1].fingerprint in text
    assert "24 rows, 6 groups" in text
    assert "largest changes of the total" in text
    assert f"  {numbers['largest_changes']['total'][0]['place']}  group g" in text


def test_replay_shows_what_a_spec_does_not_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "r.jsonl", healthy(1, 2))
    numbers = told(capsys, "replay", source, "--set", "report=weighted", "--against", "pose-free")
    assert numbers["components"]["recall"]["defined"] == {"a": 2, "b": 2}
    assert numbers["specs"]["a"] == SPEC.replace(report="weighted").fingerprint


def test_replay_of_a_spec_that_asks_for_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`angle: view` in world space needs an observer; the lines without are named."""
    lines = healthy(1, 2)
    for frame in lines[1]["ground_truth"]["graph"]["frames"]:
        frame.pop("observer")
    source = write(tmp_path / "r.jsonl", lines)
    numbers = told(capsys, "replay", source, "--against", "so3", "--set-against", "angle=view")
    assert (numbers["rows"], numbers["skipped"]) == (1, 1)
    assert main(["replay", str(source), "--against", "so3", "--set-against", "angle=view", "--strict"]) == 1
    assert f"{source}:2: ground_truth" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--against", "so_3"], "so3"),
        (["--against", "so3", "--set-against", "max_start=3"], "max_starts"),
        (["--against", "so3", "--top", "-1"], "--top -1"),
        (["--against", "none.yaml"], "none.yaml"),
    ],
)
def test_wrong_options_of_replay(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "r.jsonl", healthy(1, 2))
    assert main(["replay", str(source), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_healthy_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shards(tmp_path / "rollouts", data_source="videostr/x/y")
    numbers = told(capsys, "health", folder)
    assert not any(alarm["rings"] for alarm in numbers["alarms"])
    assert (numbers["all"]["rows"], numbers["all"]["groups"], numbers["skipped"]) == (96, 24, 0)
    assert numbers["fingerprint"] == SPEC.fingerprint
    assert [numbers["steps"][part]["rows"] for part in ("first", "last")] == [24, 24], "3 of 12 files"
    assert main(["health", str(folder)]) == 0
    text = capsys.readouterr().out
    for word in (
        "mean/chance",
        "first quarter of the steps -> last quarter",
        "sprayed_nodes",
        "quiet",
        "96 rows",
    ):
        assert word in text
    assert "RINGS" not in text


def test_an_alarm_is_exit_status_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = healthy(8, 4)
    for line in lines[:20]:
        line["text"] = line["text"].replace("<answer>B", "<answer>")
    source = write(tmp_path / "r.jsonl", lines)
    numbers = told(capsys, "health", source, code=1)
    rung = [alarm for alarm in numbers["alarms"] if alarm["rings"]]
    assert [alarm["name"] for alarm in rung] == ["empty_answer"]
    assert rung[0]["rows"][0] == "r.jsonl:1"
    assert numbers["steps"] is None, "one file has no steps"
    assert main(["health", str(source)]) == 1
    text = capsys.readouterr().out
    assert "RINGS" in text
    assert "  all: r.jsonl:1, r.jsonl:2, " in text


def test_the_spec_beside_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shards(tmp_path / "rollouts", 2)
    spec = RewardSpec.preset("so3").replace(max_starts=8)
    (folder / "spec.json").write_text(json.dumps(spec.to_dict()))
    for source in (folder, folder / "2.jsonl"):
        assert told(capsys, "health", source)["fingerprint"] == spec.fingerprint
        assert told(capsys, "replay", source, "--against", "so3")["specs"]["a"] == spec.fingerprint
    assert told(capsys, "health", folder, "--spec", "pose-free")["fingerprint"] == SPEC.fingerprint
    changed = told(capsys, "health", folder, "--set", "max_starts=16")["fingerprint"]
    assert changed == RewardSpec.preset("so3").fingerprint


def test_recorded_components_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shards(tmp_path / "rollouts", 4)
    for step in range(1, 5):
        lines = joined(folder, 4)[8 * (step - 1) : 8 * step]
        batch = scores(lines, Scorer(SPEC))
        for line, report in zip(lines, batch, strict=True):
            line |= {
                **report.to_dict(),
                "fingerprint": SPEC.fingerprint,
                "ground_truth": json.dumps(line["ground_truth"]),
            }
        write(folder / f"{step}.jsonl", lines)

    def differ(code: int) -> dict[str, Any]:
        alarms = told(capsys, "health", folder, code=code)["alarms"]
        return next(alarm for alarm in alarms if alarm["name"] == "recorded_differs")

    assert (differ(0)["hits"], differ(0)["of"]) == (0, 32)
    path = folder / "3.jsonl"
    path.write_text(path.read_text().replace('"format": 1.0', '"format": 0.5', 1))
    assert (differ(1)["hits"], differ(1)["rows"]) == (1, ["3.jsonl:1"])


def test_verls_own_dumps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No group, no token count: the group is the prompt in `uid`, lengths are characters."""
    lines = [
        {
            "input": "q",
            "output": line["text"],
            "gts": json.dumps(line["ground_truth"]),
            "score": 1.0,
            "step": 1,
        }
        | {"uid": f"prompt_{k // 4}_{k % 4}_0"}
        for k, line in enumerate(healthy(4, 4))
    ]
    source = write(tmp_path / "1.jsonl", lines)
    numbers = told(capsys, "health", source)
    assert (numbers["all"]["rows"], numbers["all"]["groups"]) == (16, 4)
    assert numbers["all"]["length"]["tokens"] is None
    assert next(a for a in numbers["alarms"] if a["name"] == "over_length")["rate"] is None
    assert told(capsys, "replay", source, "--against", "so3")["groups"]["count"] == 4
    assert main(["health", str(source)]) == 0
    assert "characters" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["health"], ["replay", "--against", "so3"]])
def test_memory_stays_flat(command: list[str], tmp_path: Path) -> None:
    """Four times the lines, the same peak (replay keeps 20 bytes a line; within 4 MiB)."""
    block = write(tmp_path / "block.jsonl", healthy(50, 4)).read_text()
    code = (
        "import sys; from videostr.cli import main; main(sys.argv[1:]);"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
    )

    def peak(count: int) -> float:
        source = tmp_path / f"{count}.jsonl"
        source.write_text(block * (count // 200))
        arguments = [sys.executable, "-c", code, command[0], str(source), *command[1:]]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        return int(done.stderr.split()[-1]) / 1024

    assert peak(8_000) - peak(2_000) < 4
