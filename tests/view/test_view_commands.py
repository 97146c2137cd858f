"""`videostr report` and `videostr view`; nothing here needs more than numpy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from view_runs import SPEC, write_run

from videostr.cli import main
from videostr.view import ViewError, view_rollout


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "one", 3)


def test_report(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run)]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{run / 'report.html'}: 3 steps, 36 rollouts, 0.")
    assert "not there: run/config.yaml" in told
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    out = tmp_path / "new" / "page.html"
    assert main(["report", str(run / "rollouts"), "--out", str(out), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["path"] == str(out)
    assert numbers["bytes"] == out.stat().st_size
    assert (numbers["steps"], numbers["rollouts"]) == (3, 36)
    assert any(each.startswith("run/versions.json") for each in numbers["missing"])


def test_report_names_rows_that_are_not_there(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["report", str(run), "--rows", str(tmp_path / "no.parquet"), "--out", str(tmp_path / "x.html")])
        == 0
    )
    assert "no.parquet: no such file" in capsys.readouterr().out


def test_report_of_no_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert main(["report", str(run.parent)]) == 2
    assert f"did you mean {run}?" in capsys.readouterr().err


def test_view(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = run / "rollouts" / "2.jsonl"
    monkeypatch.chdir(tmp_path)
    assert main(["view", str(shard), "--row", "4"]) == 0
    assert capsys.readouterr().out == "2-row4.html\n"
    page = (tmp_path / "2-row4.html").read_text(encoding="utf-8")
    line = json.loads(shard.read_text().splitlines()[4])
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert data["fingerprint"] == SPEC.fingerprint, "the spec beside the file"
    assert data["rollout"]["text"] == line["text"]
    assert data["rollout"]["components"]["total"] == pytest.approx(line["components"]["total"], rel=1e-5)
    assert main(["view", str(shard), "--row", "4", "--spec", "answer-only", "--out", "other.html"]) == 0
    other = json.loads(
        (tmp_path / "other.html").read_text().partition('id="data">')[2].partition("</script>")[0]
    )
    assert other["spec_name"] == "answer-only"
    parts = other["rollout"]["components"]
    assert parts["total"] == pytest.approx(parts["format"] + parts["answer"])


@pytest.mark.parametrize(
    ("row", "out", "code", "told"),
    [
        ("99", "x.html", 2, "has no row 99 (line 100)"),
        ("-1", "x.html", 2, "rows count from 0"),
        ("0", "x.gif", 2, "a page ends in .html, a picture in .png"),
        ("1", "x.html", 1, "is not JSON"),
        ("2", "x.html", 1, "ground_truth.answer.kind"),
        ("3", "x.html", 1, "text: is a number"),
    ],
)
def test_view_says_what_is_wrong(  # noqa: PLR0917
    row: str, out: str, code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = {"version": 1, "answer": {"kind": "text", "value": "a"}}
    lines = [
        {"text": "x", "ground_truth": truth},
        "{",
        {"text": "x", "ground_truth": {"version": 1, "answer": {"kind": "?"}}},
    ]
    lines.append({"text": 1, "ground_truth": truth})
    file = tmp_path / "r.jsonl"
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    assert main(["view", str(file), "--row", row, "--out", str(tmp_path / out)]) == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / out).exists()


def test_view_rollout_raises_in_words(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text('{"text": "x"}\n[]\n')
    with pytest.raises(ViewError, match=r"r\.jsonl:1: is no rollout"):
        view_rollout(file, 0)
    with pytest.raises(ViewError, match="has no row 2"):
        view_rollout(file, 2)
    with pytest.raises(ViewError, match="rows count from 0"):
        view_rollout(file, -1)


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("report", "view"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert f"example:\n  videostr {command} " in capsys.readouterr().out
