"""The death of a Ray actor ends the trainer in words, whatever it waits for. Real Ray, no verl."""

from __future__ import annotations

import json
import re

import pytest
from fresh_python import run_python

pytest.importorskip("ray", reason="ray is not installed (extra verl-cpu)")
pytestmark = pytest.mark.slow

#: How the trainer waits when its worker a_0 is killed, and who kills it.
CASES = {
    "polls_as_verls_replay_buffer_does": ("while True: time.sleep(2)", "os.kill(pids[0], 9)"),
    "waits_for_another_worker": ("ray.get(workers[1].sleep.remote(1000))", "os.kill(pids[0], 9)"),
    "waits_for_the_dead_worker": ("ray.get(workers[0].sleep.remote(1000))", "os.kill(pids[0], 9)"),
    "somebody_calls_ray_kill": ("ray.get(workers[1].sleep.remote(1000))", "ray.kill(workers[0])"),
    "interrupts_are_ignored": ("while True: time.sleep(2)", "os.kill(pids[0], 9)"),
    "nobody_dies": ("ray.get(workers[1].sleep.remote(3)); raise ValueError('of its own')", "pass"),
    "a_worker_is_no_longer_needed": (
        "workers[0] = None; time.sleep(6); raise ValueError('of its own')",
        "pass",
    ),
}
_CODE = """
import json, os, signal, sys, time
import ray
for attempt in range(3):  # Ray gives its own processes 30 s to start, which a busy machine may miss
    try:
        ray.init(address="local", num_cpus=1, include_dashboard=False, object_store_memory=100_000_000,
                 _node_ip_address="127.0.0.1", log_to_driver=False)
        break
    except Exception:
        ray.shutdown()

@ray.remote(num_cpus=0)
class Worker:
    def pid(self):
        return os.getpid()
    def sleep(self, seconds):
        time.sleep(seconds)

@ray.remote(num_cpus=0)
class Trainer:
    def run(self, name, wait, kill):
        if name == "interrupts_are_ignored":  # as by what a script starts in the background
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        from videostr.integrations.verl_actors import dead_workers_end_the_run
        workers = [Worker.options(name=name).remote() for name in ("a_0", "b_1")]
        pids = ray.get([worker.pid.remote() for worker in workers])
        with dead_workers_end_the_run(poll_seconds=1.0, grace_seconds=30):
            exec(kill)
            exec(wait)

for name, (wait, kill) in json.loads(sys.stdin.read()).items():
    trainer, start = Trainer.remote(), time.monotonic()
    try:
        ray.get(trainer.run.remote(name, wait, kill), timeout=100)
    except Exception as error:
        print(json.dumps({"name": name, "error": str(error), "seconds": time.monotonic() - start}))
    ray.kill(trainer)
    time.sleep(1)
"""


@pytest.fixture(scope="module")
def ended() -> dict[str, str]:
    """Case -> the last line of what the driver got; one Ray for all."""
    done = run_python(_CODE, text=json.dumps(CASES))
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"name"')]
    assert {one["name"] for one in found} == set(CASES), done.stdout + done.stderr
    for one in found:
        assert one["seconds"] < 60, one
    return {one["name"]: one["error"].strip().splitlines()[-1] for one in found}


@pytest.mark.parametrize("case", [name for name, (_, kill) in CASES.items() if kill != "pass"])
def test_a_death_is_told(ended: dict[str, str], case: str) -> None:
    cause = (
        "died: something called ray.kill on it"
        if case == "somebody_calls_ray_kill"
        else "died: its process ended without a word"
    )
    words = (
        rf"WorkerDiedError: the run ended because a_0 {re.escape(cause)}.*\. The same command resumes from"
    )
    assert re.search(words, ended[case]), ended[case]


@pytest.mark.parametrize("case", ["nobody_dies", "a_worker_is_no_longer_needed"])
def test_what_is_no_death_passes(ended: dict[str, str], case: str) -> None:
    assert ended[case] == "ValueError: of its own"


RAYS_WORDS = {
    "The actor died because its node has died. Node Id: 12": "died: its node left the cluster",
    "killed due to the node running low on memory": "died: the host ran out of memory, and Ray ended the process",
    "The actor died because of an error raised in its creation task, x": "died: it failed while it started",
    "something new": "died: Ray says: something new",
}


@pytest.mark.parametrize("said", RAYS_WORDS)
def test_rays_words_are_translated(said: str) -> None:
    from videostr.integrations.verl_actors import death_in_words

    assert death_in_words({"w_0": said, "w_1": said}).startswith(
        f"the run ended because w_0, w_1 {RAYS_WORDS[said]}"
    )
