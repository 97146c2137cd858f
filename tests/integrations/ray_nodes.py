"""A Ray cluster of our own on this host: each node a raylet with its own loopback address and ports.

Everything that a node starts inherits a mark in its environment or, where that was overwritten by a title, has a
marked parent. So a node can be killed with all that runs on it, and nothing of anybody else's ever is.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_MARK = "VIDEOSTR_TEST_NODE"
_START_SECONDS = 120
_ATTEMPTS = 3
_OBJECT_STORE_BYTES = 300_000_000


@dataclass
class Node:
    """One raylet and what it started."""

    name: str
    address: str
    mark: str
    log: Path
    started: subprocess.Popen[bytes] | None = None

    def processes(self) -> list[int]:
        """The ids of the processes that live on it."""
        return sorted(_with_children(_marked(self.mark)))

    def raylet(self) -> int:
        """The id of its raylet, the parent of every Ray worker on it."""
        (pid,) = (pid for pid in self.processes() if _program(pid) == "raylet")
        return pid

    def kill(self) -> None:
        """SIGKILL to the raylet and everything under it, at once: what a power cut is."""
        deadline = time.monotonic() + 30
        met = set(self.processes())
        while (alive := {pid for pid in met if _runs(pid)}) and time.monotonic() < deadline:
            for pid in alive:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.1)
            met |= set(self.processes())
        assert not alive, f"{alive} outlived SIGKILL"
        if self.started:
            self.started.wait()


class RayNodes:
    """A cluster: `environment` for what shall join it, `address` of its head."""

    def __init__(self, folder: Path) -> None:
        token = folder / "token"
        token.touch(0o600)
        token.write_text(secrets.token_hex(16))
        self.folder = folder
        self.address = f"127.0.0.2:{_free_port()}"
        self.nodes: list[Node] = []
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("RAY_", "VIDEOSTR_"))
            },
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            # A raylet ends itself when its Python agents need more than 30 s to start, as on a busy machine.
            "RAY_agent_register_timeout_ms": str(1000 * _START_SECONDS),
            "RAY_prestart_worker_first_driver": "0",  # a process for each logical CPU, unused
            "PYTHONWARNINGS": "ignore",
        }

    def start(self, *options: str) -> Node:
        """Start a node, the first one as the head, and wait until it has joined."""
        number = len(self.nodes) + 1
        node = Node(
            f"node{number}", f"127.0.0.{number + 1}", secrets.token_hex(8), self.folder / f"node{number}.log"
        )
        self.nodes.append(node)
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
        if number == 1:
            port = self.address.rpartition(":")[2]
            command += ["--head", f"--port={port}", "--include-dashboard=false"]
            command += [f"--ray-client-server-port={_free_port()}", f"--temp-dir={self.folder}"]
        else:
            command += [f"--address={self.address}"]
        command += [f"--node-ip-address={node.address}", f"--object-store-memory={_OBJECT_STORE_BYTES}"]
        command += ["--dashboard-agent-listen-port=0", "--min-worker-port=0", "--max-worker-port=0", *options]
        # Ray gives a new node 30 s to join, whatever one asks for; a busy machine may need longer.
        for _ in range(_ATTEMPTS):
            if self._joins(node, command):
                return node
            node.kill()
        raise RuntimeError(f"{node.name} did not start:\n{node.log.read_text()}")

    def _joins(self, node: Node, command: list[str]) -> bool:
        with node.log.open("w") as log:
            node.started = subprocess.Popen(
                command,
                env={**self.environment, _MARK: node.mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while node.started.poll() is None and time.monotonic() < deadline:
            if "Ray runtime started" in node.log.read_text():
                return True
            time.sleep(0.2)
        return False


@contextmanager
def ray_nodes() -> Iterator[RayNodes]:
    """A cluster without nodes; whatever was started in it is gone afterwards, also after a failure."""
    # A socket's path may have 107 characters, and Ray adds some 60 of its own.
    folder = Path(tempfile.mkdtemp(prefix="vs-", dir="/tmp"))
    cluster = RayNodes(folder)
    try:
        yield cluster
    finally:
        for node in reversed(cluster.nodes):
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _marked(mark: str) -> list[int]:
    wanted = f"{_MARK}={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:  # it ended meanwhile, or is not ours
            continue
    return found


def _with_children(pids: list[int]) -> set[int]:
    """`pids` and everything below them that still has its parent."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            # The name before the parent's id may hold blanks and brackets.
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _runs(pid: int) -> bool:
    """Whether it lives: what was killed stays in the table until its parent asks for it."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _program(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
