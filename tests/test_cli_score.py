"""`videostr score`: what it reads, what it writes, and that a kill loses and doubles nothing."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from api_samples import REPLIES, reply, truth
from videostr import COMPONENTS, RewardSpec, Scorer
from videostr.cli import _progress, main

SCORER = Scorer(RewardSpec.preset("pose-free"))


def rollouts(count: int = 40) -> list[dict[str, Any]]:
    """Groups of four replies, some groups and token counts unknown, truths as objects and as strings."""
    lines = []
    for row in range(count):
        group = row // 4
        lines.append(
            {
                "text": REPLIES[row * 5 % len(REPLIES)],
                "ground_truth": truth() if row % 3 else json.dumps(truth()),
                "tokens": None if row % 5 == 0 else 200 + 60 * (row % 7),
                "group": None if group % 4 == 3 else f"g{group}",
            }
        )
    return lines


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "rollouts.jsonl", rollouts())


def test_rows_are_those_of_score_batch(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    assert main(["score", str(source), "--out", str(out)]) == 0
    lines = rollouts()
    due = SCORER.score_batch(
        [line["text"] for line in lines],
        [line["ground_truth"] for line in lines],
        tokens=[line["tokens"] for line in lines],
        group_ids=[line["group"] for line in lines],
    )
    for row, (got, line) in enumerate(zip(read(out), lines, strict=True)):
        assert {key: got[key] for key in due[row].to_dict()} == due[row].to_dict()
        assert (got["row"], got["group"], got["tokens"]) == (row, line["group"], line["tokens"])
        assert got["fingerprint"] == SCORER.spec.fingerprint
    assert any(got["components"]["length"] == 1 for got in read(out))


def test_verl_dumps_are_read_as_they_are(tmp_path: Path) -> None:
    """The fields of verl 0.9.1's _write_generations."""
    lines = [
        {
            "input": "q",
            "output": text,
            "gts": json.dumps(truth()),
            "score": 1.5,
            "step": 3,
            "uid": f"a_{row}_0",
        }
        for row, text in enumerate(REPLIES)
    ]
    source = tmp_path / "3.jsonl"
    source.write_text(
        "".join(json.dumps(line, ensure_ascii="\ud800" in line["output"]) + "\n" for line in lines)
    )
    out = tmp_path / "out.jsonl"
    assert main(["score", str(source), "--out", str(out)]) == 0
    due = SCORER.score_batch(REPLIES, truth())
    assert [got["components"]["total"] for got in read(out)] == due.total.tolist()


def test_the_summary(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(source)]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in COMPONENTS)
    assert "40 rows" in told
    assert main(["score", str(source), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    lines = rollouts()
    due = SCORER.score_batch(
        [line["text"] for line in lines],
        [line["ground_truth"] for line in lines],
        tokens=[line["tokens"] for line in lines],
        group_ids=[line["group"] for line in lines],
    )
    told = due.describe(chance=False)
    assert (summary["rows"], summary["skipped"], summary["resumed"]) == (40, 0, 0)
    for name in COMPONENTS:
        for key in ("defined", "mean", "std", "min", "max"):
            assert summary["components"][name][key] == pytest.approx(told["components"][name][key]), (
                name,
                key,
            )
    for key in ("graph_status", "answer_status", "repairs", "fingerprint"):
        assert summary[key] == told[key]


def test_the_spec_s_options(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def total(*options: str) -> float:
        assert main(["score", str(source), "--json", *options]) == 0
        return float(json.loads(capsys.readouterr().out)["components"]["total"]["mean"])

    spec = tmp_path / "spec.json"
    spec.write_text('{"preset": "video-str", "weights": {"format": 5}}')
    assert total("--spec", "video-str", "--set", "weights.format=5") == total("--spec", str(spec))
    assert total("--set", "group=so3", "--set", "weights.node=0") != total()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--spec", "pose_free"], "pose-free"),
        (["--set", "max_start=3"], "max_starts"),
        (["--set", "max_starts"], "KEY=VALUE"),
        (["--set", "group.x=3"], "only weights has parts"),
        (["--spec", "none.yaml"], "none.yaml"),
        (["--out", "scores.csv"], ".jsonl or .parquet"),
    ],
)
def test_wrong_options_end_with_two(
    source: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(source), *options]) == 2
    assert message in capsys.readouterr().err


def test_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
    for arguments in ([], ["scor"], ["score"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    source = write(tmp_path / "a.jsonl", rollouts(4))
    before = source.read_bytes()
    assert main(["score", str(source), "--out", str(source)]) == 2
    assert source.read_bytes() == before


MALFORMED: list[tuple[Any, str]] = [
    ("{not json", ""),
    ("[1, 2]", ""),
    ({"ground_truth": truth()}, "text"),
    ({"text": "x"}, "ground_truth"),
    ({"text": 3, "ground_truth": truth()}, "text"),
    ({"output": None, "gts": "{}"}, "output"),
    ({"output": "x", "gts": None}, "gts"),
    ({"text": "x", "ground_truth": truth(), "tokens": "many"}, "tokens"),
    ({"text": "x", "ground_truth": truth(), "tokens": -3}, "tokens"),
    ({"text": "x", "ground_truth": truth(), "tokens": True}, "tokens"),
    ({"text": "x", "ground_truth": truth(), "group": [1]}, "group"),
    ({"text": "x", "ground_truth": truth(), "group": "\ud800"}, "group"),
    ({"text": "x", "ground_truth": truth(), "group": True}, "group"),
    ('{"text": "x", "ground_truth": {"version": 1, "version": 1}}', "ground_truth.version"),
    ({"text": "x", "ground_truth": truth(version=9)}, "ground_truth.version"),
    ("[" * 100_000, ""),
    ("\udcff", ""),
    ("\0\0\0\0", ""),
]


def test_malformed_lines_are_named_skipped_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"text": reply(), "ground_truth": truth()}
    source = tmp_path / "mixed.jsonl"
    with source.open("w", errors="surrogateescape") as file:
        for line, _ in MALFORMED:
            file.write(json.dumps(good) + "\n\n")
            file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
    out = tmp_path / "out.jsonl"
    assert main(["score", str(source), "--out", str(out), "--json"]) == 0
    told = capsys.readouterr()
    summary = json.loads(told.out)
    assert (summary["rows"], summary["skipped"]) == (len(MALFORMED), len(MALFORMED))
    errors = told.err.splitlines()
    for index, (_, field) in enumerate(MALFORMED):
        named = f"skipped {source}:{3 * index + 3}: " + (f"{field}: " if field else "")
        assert errors[index].startswith(named), errors[index]
    assert [got["row"] for got in read(out)] == [3 * index for index in range(len(MALFORMED))]


OTHER_FILES = {
    "gzip": (gzip.compress(b"{}\n"), "unpack it first"),
    "zstd": (b"\x28\xb5\x2f\xfd\x00", "unpack it first"),
    "parquet": (b"PAR1\x15\x04", "is parquet"),
}


@pytest.mark.parametrize("kind", OTHER_FILES)
@pytest.mark.parametrize(
    "command", [["score"], ["health"], ["replay", "--against", "so3"], ["explain", "--row", "0"]]
)
def test_a_file_of_another_kind_is_named(
    command: list[str], kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rollouts.jsonl"
    content, message = OTHER_FILES[kind]
    path.write_bytes(content)
    assert main([*command, str(path)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe{\x00}\x00", bytes(range(256)), b"{}\n[]\n"])
@pytest.mark.parametrize("command", [["score"], ["health"], ["replay", "--against", "so3"]])
def test_a_file_without_a_rollout_is_no_success(
    command: list[str], content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rollouts.jsonl"
    path.write_bytes(content)
    assert main([*command, str(path), "--json"]) == 1
    told = capsys.readouterr()
    assert told.err.endswith("there is no rollout in it\n")
    assert json.loads(told.out)


def test_lines_end_and_begin_as_files_of_windows_do(source: Path, tmp_path: Path) -> None:
    """CR LF, and a byte order mark."""
    due = whole(source, tmp_path / "due.jsonl")
    other = tmp_path / "windows.jsonl"
    other.write_bytes(b"\xef\xbb\xbf" + source.read_bytes().replace(b"\n", b"\r\n"))
    checksum = re.compile(rb'"crc32": \d+')
    assert checksum.sub(b"", whole(other, tmp_path / "out.jsonl")) == checksum.sub(b"", due)


def test_a_spec_file_says_each_field_once(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text('{"preset": "so3", "weights": {"node": 1, "node": 2}}')
    assert main(["score", str(source), "--spec", str(spec)]) == 2
    assert "weights.node: is there more than once" in capsys.readouterr().err


def test_strict_stops_at_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"text": reply(), "ground_truth": truth()}
    source = write(tmp_path / "mixed.jsonl", [good, "{", good])
    assert main(["score", str(source), "--strict"]) == 1
    assert f"{source}:2: " in capsys.readouterr().err


def test_parquet(source: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    jsonl, parquet = tmp_path / "out.jsonl", tmp_path / "out.parquet"
    assert main(["score", str(source), "--out", str(jsonl)]) == 0
    assert main(["score", str(source), "--out", str(parquet)]) == 0
    table = pq.read_table(parquet)
    for got, line in zip(table.to_pylist(), read(jsonl), strict=True):
        assert {name: got[name] for name in COMPONENTS} == line["components"]
        for key in ("row", "group", "tokens", "graph_status", "answer_status", "repairs", "fingerprint"):
            assert got[key] == line[key]
    assert RewardSpec.from_dict(json.loads(table.schema.metadata[b"videostr.spec"])) == SCORER.spec
    assert main(["score", str(source), "--out", str(parquet)]) == 2, "parquet is not continued"
    assert main(["score", str(source), "--out", str(parquet), "--overwrite"]) == 0
    assert not list(tmp_path.glob("*.partial"))


def test_parquet_without_pyarrow(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["score", str(source), "--out", str(source.with_suffix(".parquet"))]) == 2
    assert "pip install 'videostr[data]'" in capsys.readouterr().err


def whole(source: Path, out: Path) -> bytes:
    assert main(["score", str(source), "--out", str(out)]) == 0
    return out.read_bytes()


def test_resume_from_every_cut(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cut at a line's end, in mid-line, in mid-group: the result is the same to the byte."""
    due = whole(source, tmp_path / "due.jsonl")
    capsys.readouterr()
    out = tmp_path / "out.jsonl"
    main(["score", str(source), "--json"])
    summary = json.loads(capsys.readouterr().out)
    ends = [at + 1 for at, byte in enumerate(due) if byte == 10]
    for cut in sorted({0, 1, *ends, *(end - 1 for end in ends), *(end + 5 for end in ends[:-1])}):
        out.write_bytes(due[:cut])
        assert main(["score", str(source), "--out", str(out), "--json"]) == 0
        assert out.read_bytes() == due
        again = json.loads(capsys.readouterr().out)
        for key in ("rows", "graph_status", "answer_status", "repairs"):
            assert again[key] == summary[key]
        assert again["components"]["total"] == pytest.approx(summary["components"]["total"])


def test_resume_past_malformed_lines(tmp_path: Path) -> None:
    lines: list[Any] = []
    for line in rollouts():
        lines += [line, "{bad"]
    source = write(tmp_path / "in.jsonl", lines)
    due = whole(source, tmp_path / "due.jsonl")
    out = tmp_path / "out.jsonl"
    for cut in range(0, len(due), 997):
        out.write_bytes(due[:cut])
        assert whole(source, out) == due


def test_a_foreign_output_is_not_touched(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text('{"mine": 1}\n')
    assert main(["score", str(source), "--out", str(out)]) == 2
    assert "is not a line of `videostr score`" in capsys.readouterr().err
    assert out.read_text() == '{"mine": 1}\n'
    assert main(["score", str(source), "--out", str(out), "--overwrite"]) == 0
    due = out.read_bytes()
    assert main(["score", str(source), "--out", str(out), "--spec", "so3"]) == 2
    assert "has spec" in capsys.readouterr().err
    other = write(tmp_path / "other.jsonl", rollouts(48)[8:])
    assert main(["score", str(other), "--out", str(out)]) == 2
    assert "is not the file that --out was begun with" in capsys.readouterr().err
    assert out.read_bytes() == due


def test_a_longer_input_is_continued(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", rollouts(20))
    out = tmp_path / "out.jsonl"
    whole(source, out)
    write(source, rollouts(40))
    assert whole(source, out) == whole(source, tmp_path / "due.jsonl")


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "videostr.cli", *map(str, arguments)]


def test_killed_again_and_again(tmp_path: Path) -> None:
    """kill -9 at random moments until the work is done: no line lost, none doubled."""
    source = write(tmp_path / "in.jsonl", rollouts(12_000))
    due = whole(source, tmp_path / "due.jsonl")
    out = tmp_path / "out.jsonl"
    moments = random.Random(0)
    kills = 0
    while kills < 4:
        process = subprocess.Popen(command("score", source, "--out", out), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        size = out.stat().st_size if out.exists() else 0
        while process.poll() is None and time.monotonic() < deadline:
            if out.exists() and out.stat().st_size > size:
                break
            time.sleep(0.001)
        time.sleep(moments.uniform(0.0, 0.05))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        assert due.startswith(out.read_bytes())
    assert kills >= 2, "the work was over before it could be killed"
    done = subprocess.run(command("score", source, "--out", out), capture_output=True, text=True, check=True)
    assert "from an earlier run" in done.stdout
    assert out.read_bytes() == due


def test_two_writers_are_refused(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import fcntl

    out = tmp_path / "out.jsonl"
    with out.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert main(["score", str(source), "--out", str(out)]) == 2
    assert "another process" in capsys.readouterr().err


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Ten times the lines, the same peak (within 12 MiB)."""

    def peak(count: int) -> float:
        source = tmp_path / f"{count}.jsonl"
        with source.open("w") as file:
            block = "".join(json.dumps(line) + "\n" for line in rollouts(400))
            for _ in range(count // 400):
                file.write(block)
        code = (
            "import sys; from videostr.cli import main; main(sys.argv[1:]);"
            "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
        )
        arguments = [
            sys.executable,
            "-c",
            code,
            "score",
            str(source),
            "--out",
            str(source.with_suffix(".out.jsonl")),
        ]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        return int(done.stderr.split()[-1]) / 1024

    assert peak(20_000) - peak(2_000) < 12


def test_a_closed_pipe_is_no_error(source: Path) -> None:
    shell = f"{' '.join(command('score', source, '--json'))} | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_on_a_terminal_alone(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "FIRST_AFTER_S", 0.0)
    for terminal, drawn in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", terminal)
        assert main(["score", str(source)]) == 0
        assert ("rollouts.jsonl [####" in terminal.getvalue()) is drawn
        assert terminal.getvalue().endswith("\x1b[K" if drawn else ""), "it is taken away at the end"


def test_short_work_draws_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["score", str(source)]) == 0
    assert terminal.getvalue() == ""
