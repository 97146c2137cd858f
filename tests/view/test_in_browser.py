"""The pages in a real browser: what is drawn is what the run holds, it reacts, and a hostile reply stays text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_browser import Browser, browser, executable
from view_runs import rows_of, scene_of, write_metrics, write_rows, write_run, write_run_on_rows, write_step

from videostr.integrations.verl_step import Row
from videostr.testing import reply
from videostr.view import view_rollout, write_report

pytestmark = pytest.mark.skipif(executable() is None, reason="no browser here: apt-get install chromium")

KEYS = ("grad_norm", "pg_loss", "kl_loss", "ppo_kl", "entropy")  # shown without being asked for
HOSTILE = (
    "</pre></script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"
    "<style>body{display:none}</style><a href='javascript:window.pwned=3'>x</a>&lt;b&gt;\u202egnp.exe\u2066 \x00\x07 "
    "{{constructor.constructor('window.pwned=4')()}} ${window.pwned = 5} \ud800 \u2028\u2029 <!-- ]]> "
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of three steps: two with clips, one of other tasks, its best reply the longest and full of hostile text."""
    folder = tmp_path_factory.mktemp("hostile")
    run = write_run_on_rows(folder / "<b>run & co", write_rows(folder / "rows"))
    rows = rows_of(3, 1.0)
    about = scene_of(300)
    text = reply(about.frames, "B", prose=HOSTILE + "long " * 3000)
    name = "videostr/<img src=x onerror='window.pwned=6'>"
    rows[0] = replace(rows[0], text=text, prompt=HOSTILE, tokens=99_999, data_source=name)
    write_step(run, 3, rows)
    write_metrics(run, 3)
    (run / "versions.json").write_text(json.dumps({"x": HOSTILE}))
    return write_report(run).path


def data_of(path: Path) -> dict[str, Any]:
    raw = path.read_text(encoding="utf-8").partition('id="data">')[2].partition("</script>")[0]
    found: dict[str, Any] = json.loads(raw)
    return found


def dots(tab: Browser, label: str, series: str) -> dict[int, float]:
    """The values that a chart's dots stand for, by point, read back from where they are drawn."""
    svg = f'document.querySelector(`svg[aria-label="{label}"]`)'
    drawn = tab.run(
        f"(() => {{ const svg = {svg}; const a = (n) => Number(svg.getAttribute('data-' + n));"
        f" return [a('low'), a('high'), a('top'), a('bottom'), [...svg.querySelectorAll('circle.dot')]"
        f".filter((dot) => dot.getAttribute('data-series') === {json.dumps(series)})"
        ".map((dot) => [Number(dot.getAttribute('data-place')), Number(dot.getAttribute('cy'))])]; })()"
    )
    low, high, top, bottom, found = drawn
    return {place: low + (bottom - cy) / (bottom - top) * (high - low) for place, cy in found}


def middle_of(tab: Browser, selector: str) -> tuple[float, float]:
    """Where an element is, once it has been scrolled to."""
    x, y = tab.run(
        f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
        " e.scrollIntoView({block: 'center', behavior: 'instant'}); const b = e.getClientRects()[0];"
        " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    )
    tab.settle()
    return float(x), float(y)


def choose(tab: Browser, selector: str, value: str) -> None:
    tab.run(
        f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.value = {json.dumps(value)};"
        " e.dispatchEvent(new Event(e.type === 'range' ? 'input' : 'change', {bubbles: true})); })()"
    )
    tab.settle()


def test_it_loads_alone_and_in_peace(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    assert chromium.requests == []
    assert chromium.faults == []
    assert chromium.run("document.title") == "<b>run & co: videostr report"
    assert chromium.run("document.querySelector('h1').textContent") == "<b>run & co"
    titles = chromium.run("[...document.querySelectorAll('h2')].map((each) => each.textContent)")
    assert titles == [
        "Components", "Tasks", "What could be read", "Groups and lengths", "Rollouts", "Trainer", "What was run",
    ]  # fmt: skip
    assert chromium.run("document.querySelectorAll('.plot svg').length") > 15


def test_curves_have_the_points_of_the_data(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    curves = data_of(report)["curves"]
    for task in ("all", "synth/tracking"):
        choose(chromium, "#task", task)
        for name in curves["series"]:
            due = (curves["stats"][task].get(name) or {"mean": []})["mean"]
            shown = dots(chromium, f"{name} over the steps", name)
            assert shown == {
                place: pytest.approx(value, abs=0.002 * max(1.0, value))
                for place, value in enumerate(due)
                if value is not None
            }, (task, name)
    choose(chromium, "#task", "all")
    metrics = data_of(report)["metrics"]["values"]
    shown = dots(chromium, "actor/grad_norm", "actor/grad_norm")
    assert list(shown.values()) == [pytest.approx(value, abs=0.01) for value in metrics["actor/grad_norm"]]


def test_bars_have_the_shares_of_the_data(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    status = data_of(report)["curves"]["status"]["all"]
    bars = chromium.run(
        "[...document.querySelector('svg[aria-label=\"answer status\"]').querySelectorAll('rect.bar')].map((bar) =>"
        " [bar.dataset.part, Number(bar.dataset.place), Number(bar.dataset.count), Number(bar.getAttribute('height'))])"
    )
    whole = sum(height for _, place, _, height in bars if place == 0)
    for part, place, count, height in bars:
        assert count == status["answer_status"][part][place] > 0
        assert height / whole == pytest.approx(count / status["rows"][place], abs=0.01)
    assert sum(count for *_, count, _ in bars) == sum(status["rows"])


def test_a_tooltip_says_exact_values(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    stats = data_of(report)["curves"]["stats"]["all"]["graph"]
    chromium.mouse("mouseMoved", *middle_of(chromium, 'svg[aria-label="graph over the steps"]'))
    chromium.settle()
    told = chromium.run("document.getElementById('tip').innerText")
    assert "step 2" in told
    for key in ("mean", "std", "q50"):
        assert f"{stats[key][1]:.6g}" in told
    chromium.mouse("mouseMoved", 2, 2)
    chromium.settle()
    assert chromium.run("document.getElementById('tip').hidden")
    svg = "document.querySelector('svg[aria-label=\"graph over the steps\"]')"
    chromium.run(f"{svg}.focus()")
    chromium.key("ArrowRight")
    assert "step 1" in chromium.run("document.getElementById('tip').innerText"), "by the keyboard too"


def test_smoothing_and_spread(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    svg = "document.querySelector('svg[aria-label=\"edge over the steps\"]')"
    line = f"{svg}.querySelector('path.line:not(.raw)').getAttribute('d')"
    before = chromium.run(line)
    choose(chromium, "#smooth", "0.8")
    assert chromium.run(line) != before
    assert chromium.run(f"{svg}.querySelector('path.raw').getAttribute('d')") == before, "the raw line stays"
    due, mean, seen = [], 0.0, 0
    for value in data_of(report)["curves"]["stats"]["all"]["edge"]["mean"]:
        mean, seen = 0.8 * mean + 0.2 * value, seen + 1
        due.append(mean / (1 - 0.8**seen))
    shown = dots(chromium, "edge over the steps", "edge")
    assert list(shown.values()) == [pytest.approx(value, abs=0.005) for value in due]
    band = f"{svg}.querySelectorAll('path.band').length"
    assert chromium.run(band) == 1
    choose(chromium, "#band", "none")
    assert chromium.run(band) == 0


def test_rollouts_open(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    data = data_of(report)
    tabs = chromium.run(
        "[...document.querySelectorAll('[role=tab]')].map((each) => each.firstChild.textContent)"
    )
    due = [kind for kind in data["kinds"] if any(kind in rollout["why"] for rollout in data["rollouts"])]
    assert tabs == due
    for number, kind in enumerate(due):
        chromium.run(f"document.querySelectorAll('[role=tab]')[{number}].click()")
        cards = chromium.run("[...document.querySelectorAll('.card')].map((each) => each.dataset.id)")
        assert sorted(cards) == sorted(r["id"] for r in data["rollouts"] if kind in r["why"])
        chromium.click(*middle_of(chromium, ".card:last-child"))
        assert chromium.run("document.querySelector('.detail').dataset.id") == cards[-1]
        rollout = next(r for r in data["rollouts"] if r["id"] == cards[-1])
        values = chromium.run(
            "[...document.querySelectorAll('.scores tbody tr')].map((row) => row.cells[2].textContent)"
        )
        shown = [value for name, value in rollout["components"].items() if name != "total"]
        assert values == ["–" if value is None else f"{value:.3f}" for value in shown]
    assert chromium.run("decodeURIComponent(location.hash)") == f"#{cards[-1]}"
    assert chromium.faults == []
    assert chromium.requests == []


def test_a_point_leads_to_rollouts_of_its_step(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    x, y = middle_of(chromium, 'svg[aria-label="answer over the steps"]')
    for at, step in ((x, 2), (x + 90, 3), (x - 90, 1)):
        _, y = middle_of(chromium, 'svg[aria-label="answer over the steps"]')
        chromium.mouse("mouseMoved", at, y)
        chromium.click(at, y)
        assert chromium.run("document.querySelector('.detail h3').firstChild.textContent") == f"step {step}"


def test_hostile_text_is_shown_and_does_nothing(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    data = data_of(report)
    hostile = next(rollout for rollout in data["rollouts"] if HOSTILE[:40] in rollout["text"])
    assert "longest" in hostile["why"]
    kinds = chromium.run(
        "[...document.querySelectorAll('[role=tab]')].map((each) => each.firstChild.textContent)"
    )
    chromium.run(f"document.querySelectorAll('[role=tab]')[{kinds.index('longest')}].click()")
    chromium.run(f"document.querySelector('.card[data-id={json.dumps(hostile['id'])}]').click()")
    chromium.settle()
    shown = chromium.run("document.querySelector('pre.reply').textContent")
    assert "</pre></script><script>window.pwned = 1</script><img src=x" in shown
    assert "\u2400\u2407" in shown, "control signs are made visible"
    assert not set(shown) & set("\x00\x07\u202e\u2066\u2028\u2029")
    assert "characters left out" in shown
    assert HOSTILE[:80] in chromium.run("document.querySelector('pre.prose').textContent")
    chromium.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    chromium.settle()
    assert chromium.run("typeof window.pwned") == "undefined"
    assert chromium.run("document.querySelectorAll('script').length") == 2
    assert chromium.run("document.querySelectorAll('style').length") == 1
    assert chromium.run(
        "[...document.images].every((each) => each.src.startsWith('data:image/jpeg;base64,'))"
    )
    assert chromium.run("document.querySelectorAll('a[href^=javascript]').length") == 0
    assert chromium.requests == []
    assert chromium.faults == []
    # the policy holds even where a script would be let in
    chromium.run(
        "(() => { const e = document.createElement('script'); e.text = 'window.pwned = 7';"
        " document.body.append(e); })()"
    )
    assert chromium.run("typeof window.pwned") == "undefined"


def above(tab: Browser) -> dict[str, tuple[float, float]]:
    """Where the view from above has its nodes."""
    found: dict[str, Any] = tab.run(
        "Object.fromEntries([...document.querySelectorAll('.view svg.still [data-node]')].map((each) =>"
        " { const b = each.getBBox(); return [each.dataset.node, [b.x + b.width / 2, b.y + b.height / 2]]; }))"
    )
    return {name: (float(x), float(y)) for name, (x, y) in found.items()}


def test_the_scene_from_above_is_to_scale(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    shown = chromium.run("document.querySelector('.detail').dataset.id")
    rollout = next(r for r in data_of(report)["rollouts"] if r["id"] == shown)
    scene = rollout["scene"]
    drawn = above(chromium)
    frame = scene["frames"][0]
    assert len(drawn) == len(frame["reference"]) + len(frame["reply"])
    up = np.array(scene["up"], dtype=float)
    up /= np.linalg.norm(up)
    flat = {
        f"{side} {place}": np.array(node["at"]) - (np.array(node["at"]) @ up) * up
        for side in ("reference", "reply")
        for place, node in enumerate(frame[side])
    }
    names = sorted(flat)
    ratios = [
        np.linalg.norm(np.subtract(drawn[a], drawn[b])) / np.linalg.norm(flat[a] - flat[b])
        for a in names
        for b in names
        if a < b and np.linalg.norm(flat[a] - flat[b]) > 0.3
    ]
    assert np.ptp(ratios) < 0.03 * np.mean(ratios)


def test_the_scene_turns(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    turned = "document.querySelector('.view svg.turns')"
    state = f"[{turned}.dataset.yaw, {turned}.dataset.pitch, {turned}.querySelector('[data-node]').outerHTML]"
    before, still = chromium.run(state), above(chromium)
    x, y = middle_of(chromium, ".view svg.turns")
    chromium.mouse("mouseMoved", x, y + 60)
    chromium.mouse("mousePressed", x, y + 60, button="left", clickCount=1)
    chromium.mouse("mouseMoved", x + 60, y + 30, button="left", buttons=1)
    chromium.mouse("mouseReleased", x + 60, y + 30, button="left", clickCount=1)
    after = chromium.run(state)
    assert float(after[0]) == pytest.approx(float(before[0]) - 0.5, abs=0.02)
    assert float(after[1]) == pytest.approx(float(before[1]) - 30 / 160, abs=0.02)
    assert after[2] != before[2]
    assert above(chromium) == still
    chromium.mouse("mouseMoved", x - 40, y)
    assert chromium.run(state) == after, "let go"
    chromium.run(f"{turned}.focus()")
    chromium.key("ArrowLeft")
    assert float(chromium.run(state)[0]) == pytest.approx(float(after[0]) + 0.15, abs=0.001)
    chromium.key("0")
    assert chromium.run(state)[:2] == before[:2]


def test_frames_pictures_and_text_go_together(chromium: Browser, report: Path) -> None:
    chromium.open(report)
    data = data_of(report)
    with_clip = next(r for r in data["rollouts"] if r["clip"] is not None and len(r["scene"]["frames"]) > 1)
    kind = with_clip["why"][0]
    kinds = chromium.run(
        "[...document.querySelectorAll('[role=tab]')].map((each) => each.firstChild.textContent)"
    )
    chromium.run(f"document.querySelectorAll('[role=tab]')[{kinds.index(kind)}].click()")
    chromium.run(f"document.querySelector('.card[data-id={json.dumps(with_clip['id'])}]').click()")
    chromium.settle()
    now = "Number(document.querySelector('.film .now').dataset.t)"
    assert chromium.run("document.querySelectorAll('.film img').length") == 4
    assert chromium.run("[...document.querySelectorAll('.film img')].every((each) => each.naturalWidth > 50)")
    assert chromium.run(now) == with_clip["scene"]["frames"][0]["t"]
    first = above(chromium)
    choose(chromium, ".frame-bar input", "1")
    assert chromium.run(now) == with_clip["scene"]["frames"][1]["t"]
    assert above(chromium) != first
    chromium.run("document.querySelector('.film img').click()")
    chromium.settle()
    assert above(chromium) == first
    # a node and its words light up together
    chromium.mouse("mouseMoved", *middle_of(chromium, ".view svg.still path[data-node='reply 0']"))
    chromium.settle()
    frame = with_clip["scene"]["frames"][0]
    assert frame["reply"][0]["id"] in chromium.run("document.getElementById('tip').innerText")
    assert frame["reply"][0]["id"] in chromium.run("document.querySelector('.mark-node.lit').textContent")
    chromium.mouse("mouseMoved", *middle_of(chromium, ".mark-node[data-frame='0'][data-node='1']"))
    chromium.settle()
    assert chromium.run("document.querySelectorAll(\".view [data-node='reply 1'].lit\").length") == 2


def luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_can_be_read(chromium: Browser, report: Path, dark: bool) -> None:
    chromium.open(report, dark=dark)
    style = "getComputedStyle(document.querySelector({!r})).{}"
    back = luminance(chromium.run(style.format(".panel", "backgroundColor")))
    assert (back < 0.05) == dark
    for selector, prop, least in (
        (".panel b", "color", 7.0), (".panel small", "color", 4.5), (".tick", "fill", 4.5),
        (".line", "stroke", 3.0), (".view .reply", "stroke", 3.0), (".view .reference", "stroke", 3.0),
    ):  # fmt: skip
        front = luminance(chromium.run(style.format(selector, prop)))
        contrast = (max(front, back) + 0.05) / (min(front, back) + 0.05)
        assert contrast >= least, (selector, contrast)


@pytest.mark.parametrize("width", [340, 700, 1000, 1900])
def test_every_width_fits(chromium: Browser, report: Path, width: int) -> None:
    chromium.open(report, width=width)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    wide = chromium.run(
        "[...document.querySelectorAll('.plot svg, .view svg, .panel, .card-text')].filter((each) => each.clientWidth >"
        " each.parentElement.clientWidth + 1).length"
    )
    assert wide == 0
    chromium.resize(width + 120, 800)
    chromium.settle()
    chromium.settle()
    svg = "document.querySelector('.plot svg')"
    ratio = chromium.run(f"{svg}.clientWidth / {svg}.parentElement.clientWidth")
    assert ratio == pytest.approx(1, abs=0.02), "charts follow the window"


def odd_run(folder: Path, kind: str) -> Path:
    """A run with parts missing."""
    if kind == "metrics alone":
        write_metrics(folder, 2)
        far = ([1e17, 1e17 + 16], [1e308, -1e308], [1.7e308, 1.7e308], [5e-324, 0.0], [0.1, 0.1 + 1e-17])
        with (folder / "metrics.jsonl").open("a") as file:
            for step in (0, 1):
                data = {f"actor/{name}": values[step] for name, values in zip(KEYS, far, strict=True)}
                file.write(json.dumps({"step": 3 + step, "data": data}) + "\n")
        return folder
    if kind == "one step":
        return write_run(folder, 1, metrics=False, prompts=1)
    truth = (
        "{}"
        if kind == "bad truths"
        else json.dumps({"version": 1, "answer": {"kind": "text", "value": "red"}})
    )
    group = "" if kind == "no groups" else "g"
    rows = [
        Row(key=f"{group}_{k}_0", group=group, text=f"<think></think><answer>{text}</answer>", ground_truth=truth,
            tokens=5, given={}, reward=0.0)
        for k, text in enumerate(("red", "blue", ""))
    ]  # fmt: skip
    shard = write_step(folder, 1, rows)
    if kind == "no groups":
        lines = [json.loads(line) for line in shard.read_text().splitlines()]
        kept = ({key: line[key] for key in ("text", "ground_truth")} for line in lines)
        shard.write_text("".join(json.dumps(line) + "\n" for line in kept))
    return folder


@pytest.mark.parametrize("kind", ["metrics alone", "one step", "answers alone", "bad truths", "no groups"])
def test_odd_runs_have_pages_too(chromium: Browser, tmp_path: Path, kind: str) -> None:
    chromium.open(write_report(odd_run(tmp_path, kind)).path)
    assert chromium.faults == []
    assert chromium.requests == []
    told = chromium.run("document.querySelector('.missing').textContent")
    assert "missing or left out" in told
    headings = chromium.run("[...document.querySelectorAll('h2')].map((each) => each.textContent)")
    assert ("Components" in headings) == (kind not in {"metrics alone", "bad truths"})
    assert ("Trainer" in headings) == (kind == "metrics alone")
    if kind == "bad truths":
        assert "the ground truth is not valid" in chromium.run(
            "document.querySelector('.detail').textContent"
        )
    if kind == "no groups":
        assert "name no groups" in chromium.run("document.querySelector('#groups').textContent")


def test_one_rollout_in_its_picture(chromium: Browser, tmp_path: Path) -> None:
    """A graph of image space: y goes down."""
    graph = {"space": "image", "unit": "px", "scale": 200, "frames": [{"nodes": [
        {"id": "cup.1", "label": "cup", "center": [20, 30]}, {"id": "hat", "label": "hat", "center": [150, 90]},
        {"id": "cup.2", "label": "cup", "center": [80, 60]}]}]}  # fmt: skip
    text = "<think><graph>cup.1 20 30\nhat 150 90\nowl 100 20</graph></think>"
    (tmp_path / "rollouts.jsonl").write_text(
        json.dumps({"text": text, "ground_truth": {"version": 1, "graph": graph}})
    )
    chromium.open(view_rollout(tmp_path / "rollouts.jsonl", 0, tmp_path / "page.html"))
    assert chromium.faults == []
    assert chromium.requests == []
    nodes = above(chromium)
    assert len(nodes) == 6
    assert nodes["reference 0"][1] < nodes["reference 1"][1], "cup.1 stands above the hat"
    assert nodes["reference 0"] == pytest.approx(nodes["reply 0"], abs=0.5)
    classes = chromium.run("[...document.querySelectorAll('.view .alone')].map((each) => each.dataset.node)")
    assert len(classes) == 2, "cup.2 is missing, the owl has no partner"
    assert chromium.run("document.querySelectorAll('.view .pair').length") == 2
