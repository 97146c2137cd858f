"""The numbers behind the curves, against sums made in another way."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from view_runs import SPEC, rows_of, write_run, write_step

from videostr import COMPONENTS, RewardSpec, Scorer
from videostr.integrations.verl_rollouts import write_spec
from videostr.view.curves import BLIND, OTHER, POINTS, TASKS, Curves, is_solved, points_of
from videostr.view.folder import open_run
from videostr.view.lines import NAME, Faults, read_lines
from videostr.view.picks import Chooser
from videostr.view.trainer import KEYS, read_metrics


def curves_of(run: Path, faults: Faults | None = None) -> dict[str, Any]:
    found = open_run(run)
    curves = Curves([found.step_of(shard) for shard in found.shards], Scorer(found.spec))
    for position, shard in enumerate(found.shards):
        list(curves.add_shard(position, read_lines(shard, Scorer(found.spec), faults or Faults())))
    return curves.to_dict()


def lines_of(run: Path, step: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "rollouts" / f"{step}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"), 5)


def test_spread_is_that_of_the_recorded_components(run: Path) -> None:
    told = curves_of(run)
    assert told["points"] == [{"first": step, "last": step} for step in range(1, 6)]
    assert told["tasks"] == ["all", *dict.fromkeys(_task(line) for line in lines_of(run, 1)), *_later(run)]
    for step in range(1, 6):
        by_task = defaultdict(list)
        for line in lines_of(run, step):
            for task in ("all", _task(line)):
                by_task[task].append(line)
        for task in told["tasks"]:
            for name in told["series"]:
                values = [line["components"][name] for line in by_task[task]]
                known = np.array([value for value in values if value is not None])
                column = told["stats"][task].get(name)
                if not known.size:
                    assert column is None or column["mean"][step - 1] is None
                    continue
                due = {"n": len(known), "mean": known.mean(), "std": known.std()}
                due |= {f"q{q}": np.quantile(known, q / 100) for q in (10, 25, 50, 75, 90)}
                for key, value in due.items():
                    assert column[key][step - 1] == pytest.approx(value, rel=1e-5, abs=1e-9), (
                        task,
                        name,
                        key,
                    )
    assert told["rows"]["all"] == sum(told["rows"][task] for task in told["tasks"][1:]) == 60


def _task(line: dict[str, Any]) -> str:
    return str(line["data_source"]).removeprefix("videostr/")


def _later(run: Path) -> list[str]:
    first = {_task(line) for line in lines_of(run, 1)}
    return list(
        dict.fromkeys(
            _task(line) for s in range(2, 6) for line in lines_of(run, s) if _task(line) not in first
        )
    )


def test_status_repairs_lengths_and_groups(run: Path) -> None:
    told = curves_of(run)
    for step in range(1, 6):
        lines = lines_of(run, step)
        status = told["status"]["all"]
        assert status["rows"][step - 1] == len(lines)
        for kind in ("graph_status", "answer_status"):
            for name in status[kind]:
                assert status[kind][name][step - 1] == sum(line[kind] == name for line in lines)
            assert sum(counts[step - 1] for counts in status[kind].values()) == len(lines)
        for name, counts in status["repairs"].items():
            assert counts[step - 1] == sum(name in line["repairs"] for line in lines)
        tokens = [line["tokens"] for line in lines]
        assert told["lengths"]["all"]["unit"] == "tokens"
        assert told["lengths"]["all"]["max"][step - 1] == max(tokens)
        assert told["lengths"]["all"]["q50"][step - 1] == pytest.approx(np.median(tokens), rel=1e-5)
        groups = defaultdict(list)
        for line in lines:
            groups[line["group"]].append(line)
        solved = [sum(line["components"]["answer"] >= 0.5 for line in group) for group in groups.values()]
        health = told["group_health"]["all"][step - 1]
        assert health["groups"] == len(groups) == 3
        assert health["none"] == sum(count == 0 for count in solved)
        assert health["all"] == sum(count == 4 for count in solved)
        assert health["none"] + health["some"] + health["all"] == len(groups)
        spreads = [np.std([line["score"] for line in group]) for group in groups.values()]
        assert health["std"] == pytest.approx(np.mean(spreads), rel=1e-5)
        assert health["constant"] == sum(spread < 1e-9 for spread in spreads)
    assert told["groups"] == 15


def test_groups_of_equal_scores_are_counted(tmp_path: Path) -> None:
    write_spec(tmp_path / "rollouts", SPEC)
    write_step(tmp_path, 1, rows_of(1, 0.0, prompts=2, make=lambda *_: "nothing to say"))
    (health,) = curves_of(tmp_path)["group_health"]["all"]
    assert health == {"groups": 2, "none": 2, "some": 0, "all": 0, "constant": 2, "std": 0.0}


def test_what_solves_a_question() -> None:
    assert is_solved(0.5, 0.0)
    assert not is_solved(0.4, 1.0)
    assert is_solved(np.nan, 0.5), "nothing is asked: the graph counts"
    assert not is_solved(np.nan, np.nan)


def test_chance_levels_are_those_of_the_references(run: Path) -> None:
    told = curves_of(run)
    scorer = Scorer(SPEC)
    for task in told["tasks"][1:]:
        truths = dict.fromkeys(
            line["ground_truth"]
            for step in range(1, 6)
            for line in lines_of(run, step)
            if _task(line) == task
        )
        assert len(truths) <= 16
        levels = [
            scorer.prepare(truth).describe(draws=32, seed=seed)["components"]
            for seed, truth in enumerate(truths)
        ]
        for name in COMPONENTS:
            if name not in BLIND:
                known = [level[name]["mean"] for level in levels if level[name]["mean"] is not None]
                due = pytest.approx(np.mean(known), rel=1e-5) if known else None
                assert told["chance"][task][name] == due
            else:
                assert name not in told["chance"][task]
    weights = [told["rows"][task] for task in told["tasks"][1:]]
    due = np.average([told["chance"][task]["graph"] for task in told["tasks"][1:]], weights=weights)
    assert told["chance"]["all"]["graph"] == pytest.approx(due, rel=1e-5)


def test_many_steps_share_points() -> None:
    for count in (0, 1, POINTS, POINTS + 1, 10 * POINTS, 7777):
        points = points_of(count)
        assert len(points) <= POINTS
        assert [step for point in points for step in point] == list(range(count))
        assert len({len(point) for point in points[:-1]}) <= 1


def test_a_long_run_takes_the_memory_of_a_short_one(tmp_path: Path) -> None:
    def peak(steps: int) -> tuple[int, dict[str, Any]]:
        run = tmp_path / str(steps)
        write_spec(run / "rollouts", SPEC)
        shard = write_step(run, 1, rows_of(1, 0.5, prompts=1))
        for step in range(2, steps + 1):
            os.link(shard, shard.with_name(f"{step}.jsonl"))
        found = open_run(run)
        scorer = Scorer(found.spec)
        curves, chooser = Curves(list(range(1, steps + 1)), scorer), Chooser(list(range(1, steps + 1)))
        tracemalloc.start()
        for position, path in enumerate(found.shards):
            chooser.add_shard(position, curves.add_shard(position, read_lines(path, scorer, Faults())))
        told = curves.to_dict()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(chooser.picks()) <= 70
        return most, told

    short, _ = peak(POINTS)
    long, told = peak(3 * POINTS)
    assert len(told["points"]) == POINTS
    assert told["stats"]["all"]["total"]["n"] == [12] * POINTS
    assert long < 1.25 * short + 2**20


def test_tasks_beyond_the_first_stand_together(tmp_path: Path) -> None:
    tasks = [f"x/{number:02}" for number in range(TASKS + 3)]
    told = curves_of(
        write_run(tmp_path, 1, tasks=["y/" + "z" * 500, *tasks], prompts=17, size=2, metrics=False)
    )
    assert len(told["tasks"]) == TASKS + 2
    assert told["tasks"][-1] == OTHER
    assert sum(told["rows"][task] for task in told["tasks"][1:]) == told["rows"]["all"]
    assert max(map(len, told["tasks"])) <= NAME


def test_lines_without_components_are_scored(tmp_path: Path, run: Path) -> None:
    """verl's own dump: text and truth under other names, no tokens, groups in its uid."""
    faults = Faults()
    for step in range(1, 6):
        lines = [
            {"output": line["text"], "gts": line["ground_truth"], "score": line["score"], "uid": line["uid"]}
            for line in lines_of(run, step)
        ]
        path = tmp_path / "rollouts" / f"{step}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_spec(tmp_path / "rollouts", SPEC)
    told, due = curves_of(tmp_path, faults), curves_of(run)
    assert faults.scored == 60
    assert told["tasks"] == ["all"]
    assert told["groups"] == 15
    for name in ("format", "answer", "node", "edge", "graph"):
        assert told["stats"]["all"][name] == due["stats"]["all"][name]
    assert told["lengths"]["all"]["unit"] == "characters"


def test_broken_lines_are_counted_and_named(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1, metrics=False)
    shard = run / "rollouts" / "1.jsonl"
    whole = shard.read_bytes().splitlines()
    deep = b"[" * 100_000
    bad = [
        b"{",
        b"[1]",
        b'{"text": 5, "ground_truth": {}}',
        b'{"text": "x"}',
        b'{"text": "x", "ground_truth": {}}',
        deep,
    ]
    odd = {**json.loads(whole[0]), "tokens": 10**400, "repairs": ["x" * 9999, "unit"], "graph_status": ["ok"]}
    odd |= {
        "score": float("inf"),
        "components": {"answer": "1", "node": True, "edge": 0.5},
        "terms": {"t": 1},
    }
    shard.write_bytes(b"\n".join([*whole, *bad, b"\xff\xfe", json.dumps(odd).encode(), b""]))
    faults = Faults()
    told = curves_of(run, faults)
    assert faults.count == 7
    assert faults.first.startswith(f"1.jsonl:{len(whole) + 1}: is not JSON")
    assert told["rows"]["all"] == len(whole) + 1
    assert told["status"]["all"]["graph_status"]["no reference"] == [1]
    assert set(told["status"]["all"]["repairs"]) <= {*_repairs(whole), "unit"}
    assert told["stats"]["all"]["t"]["mean"] == [1.0], "a term of the recipe's own"


def _repairs(lines: list[bytes]) -> set[str]:
    return {name for line in lines for name in json.loads(line)["repairs"]}


def test_a_score_that_is_not_the_total_has_a_curve(tmp_path: Path, run: Path) -> None:
    assert "score" not in curves_of(run)["series"]
    path = tmp_path / "rollouts" / "1.jsonl"
    path.parent.mkdir()
    lines = lines_of(run, 1)
    path.write_text("".join(json.dumps({**line, "score": line["score"] + 1}) + "\n" for line in lines))
    told = curves_of(tmp_path)
    due = np.mean([line["score"] for line in lines]) + 1
    assert told["stats"]["all"]["score"]["mean"] == [pytest.approx(due, rel=1e-5)]


def test_metrics_of_the_trainer(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines: list[Any] = [
        {"step": step, "data": {"actor/lr": 1.0, "loss": float(step)}} for step in range(1, 7)
    ]
    lines += [{"step": 3, "data": {"loss": 30.0, "text": "x", "flag": True, "bad": float("nan")}}]
    lines += [{"step": "4", "data": {}}, {"data": {}}, [], {"step": 8, "data": {"val-core/acc": 0.5}}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "{torn")
    found = read_metrics(path)
    assert found["bad"] == 4
    assert [point["first"] for point in found["points"]] == [1, 2, 3, 4, 5, 6, 8]
    assert found["values"]["loss"] == [1, 2, 30, 4, 5, 6, None], "the later line of a step counts"
    assert found["shown_first"] == ["actor/lr", "val-core/acc"]
    assert set(found["values"]) == {"actor/lr", "loss", "val-core/acc"}


def test_metrics_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    data = {f"k{number}": 1.0 for number in range(KEYS + 50)} | {"actor/grad_norm": 2.0, "x" * 999: 1.0}
    path.write_text(
        "".join(json.dumps({"step": s, "data": data if s < 3 else {"k0": s}}) + "\n" for s in range(1, 2001))
    )
    found = read_metrics(path)
    assert len(found["points"]) <= POINTS
    assert len(found["values"]) == KEYS + 1
    assert found["left_out"] == 51
    assert found["values"]["k0"][-1] == pytest.approx(np.mean(range(1999, 2001)), abs=5)


def test_reports_of_weighted_components_alone(tmp_path: Path) -> None:
    """A spec that reports only what has weight, and the length, leaves others null: they have no curves."""
    spec = RewardSpec.preset("answer-only").replace(report="weighted")
    told = curves_of(write_run(tmp_path, 2, spec=spec, metrics=False))
    assert told["series"] == ["format", "answer", "length", "total"]
