"""What the watch judges and says; tests/integrations/test_two_nodes.py kills real nodes."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from videostr.integrations.verl_watch import TRACKER, Node, RunPlace, _listens, lost, words

HEAD = Node("10.0.0.1 (head, id aaaa)", True, actors=("TaskRunnerV1",))
WORKER = Node("10.0.0.2 (worker, id bbbb)", True, actors=("reward_loop_worker_1", "actor_1"))
IDLE = Node("10.0.0.3 (idle, id cccc)", True)


def _dead(node: Node) -> Node:
    return Node(node.name, False, "missing heartbeats")


def test_a_node_with_something_of_the_run_is_lost_with_what_lived_on_it() -> None:
    before = {"a": HEAD, "b": WORKER}
    (node,) = lost(before, {"a": HEAD, "b": _dead(WORKER)}, 2)
    assert (node.name, node.reason, node.actors) == (WORKER.name, "missing heartbeats", WORKER.actors)


def test_a_node_of_others_is_not_missed_unless_too_few_are_left() -> None:
    before = {"a": HEAD, "b": WORKER, "c": IDLE}
    now = {"a": HEAD, "b": WORKER, "c": _dead(IDLE)}
    assert lost(before, now, 2) == []
    assert [node.name for node in lost(before, now, 3)] == [IDLE.name]


def test_a_node_that_was_dead_before_the_run_does_not_matter() -> None:
    assert lost({"a": HEAD}, {"a": HEAD, "b": _dead(WORKER)}, 2) == []


def test_all_alive_is_all_well() -> None:
    assert lost({"a": HEAD, "b": WORKER}, {"a": HEAD, "b": WORKER}, 2) == []


def _place(folder: Path, *, saved: int | None, logged: str) -> RunPlace:
    place = RunPlace(folder / "checkpoints", folder / "metrics.jsonl")
    (folder / "metrics.jsonl").write_text(logged)
    if saved is not None:
        (folder / "checkpoints" / f"global_step_{saved}").mkdir(parents=True)
        (folder / "checkpoints" / TRACKER).write_text(str(saved))
    return place


def _lines(*steps: int) -> str:
    return "".join(json.dumps({"step": step, "data": {}}) + "\n" for step in steps)


@pytest.mark.parametrize(
    ("saved", "logged", "step"),
    [(None, "", 1), (2, "", 3), (2, _lines(3, 4), 5), (4, _lines(3), 5), (2, '{"st', 3)],
)
def test_the_step_is_the_one_after_what_is_logged_or_saved(
    tmp_path: Path, saved: int | None, logged: str, step: int
) -> None:
    assert _place(tmp_path, saved=saved, logged=logged).step() == step


def test_the_words_name_node_step_checkpoint_and_what_to_do(tmp_path: Path) -> None:
    place = _place(tmp_path, saved=2, logged=_lines(1, 2))
    (node,) = lost({"b": WORKER}, {"b": _dead(WORKER)}, 1)
    said = words([node], place, "10.0.0.1:6379")
    for part in (
        "cluster at 10.0.0.1:6379 died before step 3 was finished",
        "10.0.0.2 (worker, id bbbb) (missing heartbeats), with actor_1, reward_loop_worker_1",
        "ray start --address=10.0.0.1:6379",
        f"{tmp_path / 'checkpoints' / 'global_step_2'}: run the same command again",
    ):
        assert part in said, said


def test_a_silent_head_means_that_all_nodes_start_again(tmp_path: Path) -> None:
    said = words([], _place(tmp_path, saved=2, logged=""), "10.0.0.1:6379")
    assert "node 10.0.0.1:6379 (the head) (no answer for 40 s)" in said
    assert "Start Ray again on the head, and then on every other node" in said
    assert "global_step_2: run the same command again" in said


def test_without_a_checkpoint_it_says_so(tmp_path: Path) -> None:
    place = _place(tmp_path, saved=None, logged="")
    assert "no checkpoint yet: run the same command again and it begins anew" in words([IDLE], place, "h:1")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / TRACKER).write_text("7")  # its folder was removed
    assert place.checkpoint() is None
    assert RunPlace().step() == 1


def test_a_port_that_nobody_listens_at_is_a_dead_raylet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert _listens("127.0.0.1", port)
    assert not _listens("127.0.0.1", port)
