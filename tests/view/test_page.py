"""The page as a file: nothing of what it holds may act, nothing is asked from anywhere, and its size is bounded."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from view_runs import (
    SPEC,
    rows_of,
    scene_of,
    write_metrics,
    write_rows,
    write_run,
    write_run_on_rows,
    write_step,
)

from videostr import VideostrError
from videostr.integrations.verl_rollouts import write_spec
from videostr.integrations.verl_step import Row
from videostr.testing import Scene
from videostr.view import report as report_module
from videostr.view import view_rollout, write_report
from videostr.view.page import json_text, page
from videostr.view.report import PAGE_BYTES

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]></style><img src=x onerror=alert(1)>",
    "\u2028\u2029\u202e\u0000\ufeff\ud800 \udfff",
    "&lt;&amp;'\"`${alert(1)}\\u003c\\",
    "@DATA@ @SCRIPT@ @TITLE@",
)


class Blocks(html.parser.HTMLParser):
    """What a parser of HTML makes of a page: its tags, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []
        self.title = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._in = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts[-1] += data
        elif self._in == "title":
            self.title += data


def data_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Blocks(path.read_text(encoding="utf-8")).scripts[0])
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_come_out_as_they_went_in(text: str) -> None:
    blocks = Blocks(page(text, {"kind": "run", text: [text]}))
    assert blocks.tags.count("script") == 2
    assert blocks.tags.count("img") == 0
    assert blocks.tags.count("style") == 1
    assert json.loads(blocks.scripts[0]) == {"kind": "run", text: [text]}
    assert blocks.title == "".join("\ufffd" if "\ud800" <= sign <= "\udfff" else sign for sign in text)
    assert not re.search("[<>&\u2028\u2029\ud800-\udfff]", json_text(text))


def test_a_page_asks_for_nothing(tmp_path: Path) -> None:
    written = write_report(write_run_on_rows(tmp_path / "run", write_rows(tmp_path / "rows")))
    text = written.path.read_text(encoding="utf-8")
    addresses = set(re.findall(r"[a-z+]+://[^\s\"'<>)]*", text))
    assert addresses == {"http://www.w3.org/2000/svg"}, "the name of SVG's own space"
    blocks = Blocks(text)
    for name, value in blocks.attributes:
        assert not name.startswith("on")
        if name in {"src", "href", "action", "data", "srcset"}:
            assert value == "data:,", (name, value)
    assert not re.search(
        r"\b(import|eval|fetch|XMLHttpRequest|WebSocket|innerHTML|outerHTML|document\.write)\b",
        blocks.scripts[1],
    )
    assert "url(" not in text.partition("<style>")[2].partition("</style>")[0]
    policy = next(value for name, value in blocks.attributes if value and "default-src" in value)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    due = base64.b64encode(hashlib.sha256(blocks.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{due}'" in policy


def hostile(rng: np.random.Generator, about: Scene, _skill: float) -> str:
    """Replies as long as they may be, of what JSON, HTML or UTF-8 make large."""
    sign = str(rng.choice(["\x00", "\ud800", "<", "\u2028", "🚗", '"', "x "]))
    nodes = "\n".join(f"{node.id} {rng.normal()} 1 1e8" for node in about.frames[0].nodes)
    extra = "\n".join(f"thing{'y' * 200}.{k} {k} 0 0" for k in range(100))
    return (
        f"<think>{sign * 20_000}<graph>@0\n{nodes}\n{extra}\n</graph></think><answer>{sign * 20_000}</answer>"
    )


def test_the_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Huge replies, many tasks, nodes, frames and steps."""
    run = tmp_path / "run"
    write_spec(run / "rollouts", SPEC)
    big = scene_of(1, nodes=16, frames=12)
    for step in range(1, 13):
        write_step(
            run,
            step,
            rows_of(step, 0.5, tasks=[f"t{k}" for k in range(20)], size=2, make=hostile, scenes=[big]),
        )
    for shard in range(13, 250):
        (run / "rollouts" / f"{shard}.jsonl").write_bytes(
            (run / "rollouts" / f"{shard % 2 + 1}.jsonl").read_bytes()[:2]
        )
    with (run / "metrics.jsonl").open("w") as file:
        for step in range(1, 400):
            file.write(json.dumps({"step": step, "data": {f"key/{k}": step / 7 for k in range(500)}}) + "\n")
    for name in "abcdefgh":
        (run / f"{name}.yaml").write_text("\x00" * 300_000)
    written = write_report(run)
    assert written.bytes == written.path.stat().st_size <= PAGE_BYTES
    data = data_of(written.path)
    assert len(data["rollouts"]) >= 5
    monkeypatch.setattr(report_module, "ROLLOUT_BYTES", 300_000)
    smaller = write_report(run)
    assert smaller.bytes < written.bytes
    assert any("for which the page has no room" in each for each in smaller.missing)


def test_pictures_share_their_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run_on_rows(tmp_path / "run", write_rows(tmp_path / "rows"))
    whole = data_of(write_report(run).path)["clips"]
    assert whole
    assert all(len(clip["pictures"]) == 4 for clip in whole)
    size = sum(len(picture["src"]) for clip in whole for picture in clip["pictures"])
    monkeypatch.setattr(report_module, "PICTURE_BYTES", size // 2)
    less = data_of(write_report(run).path)["clips"]
    assert sum(len(picture["src"]) for clip in less for picture in clip["pictures"]) <= size // 2
    assert len(less) == len(whole), "fewer pictures each, not fewer clips"


def test_what_a_page_says_of_a_rollout(tmp_path: Path) -> None:
    run = write_run(tmp_path, 3)
    data = data_of(write_report(run).path)
    lines = {
        f"{step}.jsonl:{number}": json.loads(line)
        for step in (1, 2, 3)
        for number, line in enumerate((run / "rollouts" / f"{step}.jsonl").read_text().splitlines(), start=1)
    }
    assert data["rollouts"]
    for rollout in data["rollouts"]:
        line = lines[rollout["id"]]
        assert rollout["text"] == line["text"]
        assert rollout["prompt"] == line["prompt"]
        assert rollout["tokens"] == line["tokens"]
        assert rollout["differs"] == []
        for name, value in line["components"].items():
            assert rollout["components"][name] == (None if value is None else pytest.approx(value, rel=1e-5))
        group = [other["score"] for other in lines.values() if other["group"] == line["group"]]
        assert rollout["group"] == [pytest.approx(score, rel=1e-5) for score in group]
        assert rollout["rank"] == 1 + sum(score > line["score"] for score in group)
        total = sum(rollout["adds"].values())
        assert total == pytest.approx(line["components"]["total"], abs=1e-4)
        truth = json.loads(line["ground_truth"])
        for frame, due in zip(rollout["scene"]["frames"], truth["graph"]["frames"], strict=True):
            centers = {node["id"]: node["center"] for node in due["nodes"]}
            for node in frame["reference"]:
                assert node["at"] == pytest.approx(centers[node["id"]], rel=1e-4)
                if node["pair"] >= 0:
                    partner = frame["reply"][node["pair"]]
                    assert frame["reference"][partner["pair"]] == node
                    apart = np.linalg.norm(np.subtract(node["at"], partner["at"]))
                    assert apart == pytest.approx(partner["distance"], abs=1e-3)
            matched = sum(node["pair"] >= 0 for node in frame["reference"])
            assert matched == sum(node["pair"] >= 0 for node in frame["reply"])


def test_a_changed_line_is_flagged(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1)
    shard = run / "rollouts" / "1.jsonl"
    lines = [json.loads(line) for line in shard.read_text().splitlines()]
    for line in lines:
        line["components"]["recall"] = 0.123
    shard.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert all(rollout["differs"] == ["recall"] for rollout in data_of(write_report(run).path)["rollouts"])


def test_truths_that_are_not_valid_are_told(tmp_path: Path) -> None:
    write_spec(tmp_path / "rollouts", SPEC)
    rows = [
        Row(key=f"a_{k}_0", group="a", text="x", ground_truth="{}", tokens=3, given={}, reward=0.0)
        for k in range(2)
    ]
    write_step(tmp_path, 1, rows)
    data = data_of(write_report(tmp_path).path)
    assert "the ground truth is not valid" in data["rollouts"][0]["notes"][0]
    assert data["curves"]["status"]["all"]["graph_status"] == {"no reference": [2]}


def test_odd_values_in_lines(tmp_path: Path) -> None:
    """Lines that another tool wrote, or a hand: what is no number counts as not known."""
    run = write_run(tmp_path, 2)
    shard = run / "rollouts" / "1.jsonl"
    lines = [json.loads(line) for line in shard.read_text().splitlines()]
    odd = [float("inf"), float("-inf"), float("nan"), 10**400, -1, 1e308, "5", None, [], {}]
    for line, value in zip(lines, odd, strict=False):
        line |= {
            "tokens": value,
            "score": value,
            "prompt": value,
            "index": value,
            "data_source": value,
            "fingerprint": value,
        }
        line["components"] |= {"answer": value, "length": value, "total": value}
        line["terms"] = {"mine": value, "": value, "y" * 999: 1}
        line["group"] = value
    for line in lines[6:]:
        del line["components"]
    shard.write_text("".join(json.dumps(line) + "\n" for line in lines))
    data = data_of(write_report(run).path)
    assert data["curves"]["rows"]["all"] == 24
    for row in range(len(lines)):
        view_rollout(shard, row, tmp_path / "one.html")


def test_metrics_alone_make_a_page(tmp_path: Path) -> None:
    write_metrics(tmp_path, 3)
    written = write_report(tmp_path, tmp_path / "deep" / "page.html")
    assert (written.steps, written.rollouts) == (0, 0)
    assert data_of(written.path)["metrics"]["values"]["actor/lr"] == [1e-6] * 3
    assert any("rollouts" in each for each in written.missing)


def test_a_bad_spec_is_an_error(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1)
    (run / "rollouts" / "spec.json").write_text('{"node_s": -1}')
    with pytest.raises(VideostrError, match="node_s"):
        write_report(run)


def test_another_page_of_the_same_run_is_the_same(tmp_path: Path) -> None:
    run = write_run(tmp_path, 3)
    first = write_report(run).path.read_bytes()
    assert write_report(run).path.read_bytes() == first
    assert not [path for path in run.iterdir() if path.name.endswith(".tmp")]
