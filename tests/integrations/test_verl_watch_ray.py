"""The watch beside a driver that waits for ever, on a real Ray cluster of two nodes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from fresh_python import needs_verl
from ray_nodes import ray_nodes

from videostr.integrations.verl_watch import LOST_NODE

pytestmark = [needs_verl, pytest.mark.slow, pytest.mark.timeout(900)]

#: An actor on each node; the driver waits for the one that lives, which never answers.
_DRIVER = """
import sys, time
from videostr.integrations.verl_watch import NodeWatch, RunPlace
NodeWatch(RunPlace()).start()
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
ray.init(address=sys.argv[1])

@ray.remote
class Worker:
    def ready(self):
        return True
    def hang(self):
        time.sleep(3600)

workers = {}
for node in ray.nodes():
    place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    address = node["NodeManagerAddress"]
    workers[address] = Worker.options(name=f"worker at {address}", scheduling_strategy=place).remote()
ray.get([worker.ready.remote() for worker in workers.values()])
time.sleep(6)  # the watch has seen them
print("waiting", flush=True)
ray.get(workers[sys.argv[2]].hang.remote())
"""


def test_a_driver_that_waits_for_ever_is_ended_in_words(tmp_path: Path) -> None:
    with ray_nodes() as cluster:
        head, other = cluster.start("--num-cpus=2"), cluster.start("--num-cpus=2")
        log = tmp_path / "driver.log"
        with (
            log.open("w") as out,
            subprocess.Popen(
                [sys.executable, "-c", _DRIVER, cluster.address, head.address],
                env=cluster.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            ) as driver,
        ):
            try:
                while "waiting" not in log.read_text():
                    assert driver.poll() is None, log.read_text()
                    time.sleep(0.2)
                other.kill()
                began = time.monotonic()
                assert driver.wait(120) == LOST_NODE, log.read_text()
            finally:
                driver.kill()
        assert time.monotonic() - began < 60
        said = log.read_text()
        assert f"node {other.address} " in said
        assert f"with worker at {other.address}.\n" in said
