"""verl's trainer, ended in words when a node of its Ray cluster dies.

``python -m videostr.integrations.verl_watch [options] -- VERL'S ARGUMENTS`` is
``python -m verl.trainer.main_ppo VERL'S ARGUMENTS`` with a thread beside it that asks Ray about its nodes.
Left alone, verl may wait for a dead node without end: its replay buffer polls for replies that never come, a
collective waits half an hour. Nothing of verl is changed; only the process that was started is ended, and Ray
ends what belonged to it on the other nodes.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

#: Exit status of a run that lost a node: started again, it can go on (EX_TEMPFAIL of sysexits.h).
LOST_NODE = 75
#: verl's record of the checkpoint that it resumes from (verl/utils/checkpoint/checkpoint_manager.py:259).
TRACKER = "latest_checkpointed_iteration.txt"

_POLL_SECONDS = 2.0
#: Ray ends a driver 60 s after it lost the head node, with an error of its own.
_SILENT_SECONDS = 40.0
_PROBE_SECONDS = 3.0


@dataclass(frozen=True)
class Node:
    """One node of the cluster, as Ray's tables have it.

    Attributes:
        name: Address and id, for messages.
        alive: False once Ray has given it up.
        reason: Why, in Ray's words.
        raylet: Address and port that its raylet listens at.
        actors: What lives on it of this run, by name or class.
    """

    name: str
    alive: bool
    reason: str = ""
    raylet: tuple[str, int] = ("", 0)
    actors: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunPlace:
    """Where a run says how far it is.

    Attributes:
        checkpoints: verl's ``trainer.default_local_dir``.
        metrics: verl's file logger's file.
    """

    checkpoints: Path | None = None
    metrics: Path | None = None

    def checkpoint(self) -> Path | None:
        """The one that verl would resume from, or None."""
        if self.checkpoints is None:
            return None
        try:
            number = int((self.checkpoints / TRACKER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        folder = self.checkpoints / f"global_step_{number}"
        return folder if folder.is_dir() else None

    def step(self) -> int:
        """The step that is not finished yet, from 1."""
        checkpoint = self.checkpoint()
        saved = int(checkpoint.name.rpartition("_")[2]) if checkpoint else 0
        return max(saved, self._logged()) + 1

    def _logged(self) -> int:
        try:
            lines = self.metrics.read_text(encoding="utf-8").splitlines() if self.metrics else []
            return max((int(json.loads(line)["step"]) for line in lines), default=0)
        except (OSError, ValueError, KeyError):  # no step yet, or half a line
            return 0


def lost(before: Mapping[str, Node], now: Mapping[str, Node], needed: int) -> list[Node]:
    """The nodes whose death the run cannot outlive: alive `before`, dead `now`, and either something of the
    run was on them or fewer than `needed` nodes are left.

    Args:
        before: Node id -> node, when it was last alive.
        now: Node id -> node.
        needed: ``trainer.nnodes``.

    Returns:
        The dead nodes, with the actors that lived on them.
    """
    dead = [
        replace(node, actors=before[key].actors)
        for key, node in now.items()
        if not node.alive and key in before
    ]
    short = sum(node.alive for node in now.values()) < needed
    return [node for node in dead if short or node.actors]


def words(nodes: Sequence[Node], place: RunPlace, address: str) -> str:
    """What died, when, and what to do. No `nodes`: the head, which does not answer."""
    if nodes:
        start = f"Start Ray on that node again (on a worker node: `ray start --address={address}`)."
    else:
        nodes = [Node(f"{address} (the head)", False, f"no answer for {_SILENT_SECONDS:.0f} s")]
        start = "Start Ray again on the head, and then on every other node (`ray stop` first)."
    dead = "; ".join(_described(node) for node in nodes)
    checkpoint = place.checkpoint()
    again = (
        f"The last checkpoint is {checkpoint}: run the same command again and verl resumes from it "
        "(trainer.resume_mode=auto)."
        if checkpoint
        else "There is no checkpoint yet: run the same command again and it begins anew (trainer.save_freq)."
    )
    return (
        f"videostr: a node of the Ray cluster at {address} died before step {place.step()} was finished, and "
        f"the run was ended: {dead}.\n"
        f"videostr: {start} {again}\n"
    )


def _described(node: Node) -> str:
    held = f", with {', '.join(sorted(node.actors))}" if node.actors else ""
    return f"node {node.name}{f' ({node.reason})' if node.reason else ''}{held}"


@dataclass
class NodeWatch:
    """Watches the Ray cluster that this process is a driver of, and ends the process when a node is lost.

    Args:
        place: Where the run says how far it is.
        needed: Nodes that the run needs.
    """

    place: RunPlace
    needed: int = 1
    _seen: dict[str, Node] = field(default_factory=dict)
    _now: dict[str, Node] = field(default_factory=dict)
    _address: str = ""
    _answers: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to watch; to be called before `ray.init`."""
        import ray  # noqa: F401 (here, so that no thread imports it while this one does)

        # Two threads: a question to a dead head node never returns.
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in (self._ask, self._judge)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """The run has ended by itself: whatever happens to the cluster now does not matter."""
        self._over.set()
        for thread in self._threads:  # a question asked while Ray shuts down could start a new cluster
            thread.join(_PROBE_SECONDS)

    def explain(self) -> None:
        """The run has failed: when a node is gone, say that and end; else do nothing.

        Asks the raylets themselves, as Ray takes a quarter of a minute to give a node up and the run may have
        failed within a second.
        """
        self.stop()
        now = dict(self._now)
        for key, node in self._seen.items():
            if now.get(key, node).alive and not _listens(*node.raylet):
                now[key] = Node(node.name, False, "it does not answer", node.raylet, node.actors)
        self._end_if_lost(now)

    def _ask(self) -> None:
        import ray

        while not self._over.wait(_POLL_SECONDS):
            if not ray.is_initialized():
                continue
            try:
                self._address = ray.get_runtime_context().gcs_address
                nodes = _nodes()
            except Exception:  # Ray is not quite up, or its head is gone: silence is judged
                continue
            self._seen.update({key: node for key, node in nodes.items() if node.alive})
            self._now = nodes
            self._answers += 1

    def _judge(self) -> None:
        answers, silent = 0, 0.0
        while not self._over.wait(_POLL_SECONDS):
            silent = silent + _POLL_SECONDS if self._answers == answers else 0.0
            answers = self._answers
            if answers and silent > _SILENT_SECONDS:
                self._end([])
            self._end_if_lost(self._now)

    def _end_if_lost(self, now: Mapping[str, Node]) -> None:
        dead = lost(self._seen, now, self.needed)
        if dead:
            self._end(dead)

    def _end(self, nodes: Sequence[Node]) -> None:
        sys.stdout.flush()
        sys.stderr.write(words(nodes, self.place, self._address))
        sys.stderr.flush()
        # No clean-up: that asks the cluster, which may not answer. Ray ends the actors of a driver that is gone.
        os._exit(LOST_NODE)


def _nodes() -> dict[str, Node]:
    """Ray's tables: its nodes, and what of this driver's job lives on them."""
    import ray
    from ray._private.state import actors

    job = ray.JobID.from_hex(ray.get_runtime_context().get_job_id())
    held: dict[str, list[str]] = {}
    for actor in actors(job_id=job, actor_state_name="ALIVE").values():
        held.setdefault(actor["Address"]["NodeID"], []).append(actor["Name"] or actor["ActorClassName"])
    return {node["NodeID"]: _node(node, held.get(node["NodeID"], ())) for node in ray.nodes()}


def _node(row: Mapping[str, Any], actors: Sequence[str]) -> Node:
    address = row["NodeManagerAddress"]
    name = f"{address} ({row['NodeManagerHostname']}, id {row['NodeID'][:8]})"
    raylet = (address, row["NodeManagerPort"])
    return Node(name, row["Alive"], row["DeathReasonMessage"], raylet, tuple(actors))


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), _PROBE_SECONDS).close()
    except OSError:
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    """Run verl's trainer in this process, watched."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="python -m videostr.integrations.verl_watch")
    parser.add_argument("--checkpoints", type=Path)
    parser.add_argument("--metrics", type=Path)
    parser.add_argument("--nodes", type=int, default=1)
    cut = given.index("--")
    options = parser.parse_args(given[:cut])
    watch = NodeWatch(RunPlace(options.checkpoints, options.metrics), options.nodes)
    watch.start()
    from verl.trainer import main_ppo

    sys.argv = [str(main_ppo.__file__), *given[cut + 1 :]]
    try:
        main_ppo.main()
    except (Exception, SystemExit) as error:
        if not isinstance(error, SystemExit) or error.code:
            watch.explain()
        raise
    finally:
        watch.stop()


if __name__ == "__main__":
    main()
