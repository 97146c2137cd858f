"""Threads, fork, pickle, and what a bug of ours may do to a process: nothing."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import videostr
from videostr import Reference, RewardSpec, Scorer, _core
from videostr.testing import clip, random_scene, reply, right_answer, wander

pytestmark = pytest.mark.alone
THREADS = 8
ROUNDS = 20
PROSE = "I see a chair beside the table. " * 40
"""Makes a batch large enough to be given to the pool: small ones are scored on the calling thread."""

TIMEOUT = 60.0
"""Seconds after which a child that has not answered is taken to hang."""


def corpus(count: int = 64) -> tuple[list[str], list[dict[str, Any]]]:
    """Replies of all sorts and their truths."""
    texts: list[str] = []
    truths: list[dict[str, Any]] = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        scene = random_scene(rng, nodes=int(rng.integers(2, 12)), up=(0.0, 0.0, 1.0) if seed % 2 else None)
        scene = clip(rng, scene, frames=1 + seed % 4, hidden=0.1)
        form: Any = "lines" if seed % 3 else "json"
        texts.append(reply(wander(rng, scene), right_answer(scene.answer), form=form, prose=PROSE))
        truths.append(scene.reference())
    return texts, truths


def bits(batch: Any) -> bytes:
    return b"".join(
        np.ascontiguousarray(column).tobytes()
        for column in (batch.components, batch.graph_status, batch.answer_status, batch.repairs)
    )


class Fixture:
    """A scorer with a corpus and the bits that it must always give."""

    def __init__(self) -> None:
        self.scorer = Scorer(RewardSpec.preset("pose-free"))
        self.texts, self.truths = corpus()
        self.refs: list[Reference] = [self.scorer.prepare(truth) for truth in self.truths]
        self.due = bits(self.scorer.score_batch(self.texts, self.refs, num_threads=1))

    def run(self, threads: int | None = None) -> bytes:
        return bits(self.scorer.score_batch(self.texts, self.refs, num_threads=threads))


@pytest.fixture(scope="module")
def shared() -> Fixture:
    fixture = Fixture()
    assert fixture.run(2) == fixture.due  # the pool exists from here on
    return fixture


def test_eight_threads_share_a_scorer(shared: Fixture) -> None:
    barrier = threading.Barrier(THREADS)

    def single(row: int) -> bytes:
        report = shared.scorer.score(shared.texts[row], shared.refs[row])
        return np.array([report[name] for name in videostr.COMPONENTS]).tobytes()

    due = [single(row) for row in range(len(shared.texts))]

    def work(k: int) -> bool:
        """Batches and single calls in turn, each thread in another order."""
        barrier.wait()
        mine = [*range(k, len(due)), *range(k)]
        return all(
            shared.run(1 + (k + n) % 4) == shared.due and all(single(row) == due[row] for row in mine)
            for n in range(ROUNDS)
        )

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, range(THREADS))) == [True] * THREADS


def test_eight_threads_prepare_and_score_raw_truths(shared: Fixture) -> None:
    """The cache of prepared truths is shared too."""

    def work(_: int) -> bool:
        return bits(shared.scorer.score_batch(shared.texts, shared.truths)) == shared.due

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS * 2)))


def test_other_threads_run_while_a_batch_is_scored(shared: Fixture) -> None:
    """The GIL is released once for a batch: a Python thread counts on meanwhile."""
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    texts, refs = shared.texts * 100, shared.refs * 100
    ticker = threading.Thread(target=tick)
    ticker.start()
    start = time.perf_counter()
    shared.scorer.score_batch(texts, refs, num_threads=1)
    end = time.perf_counter()
    stop.set()
    ticker.join()
    during = sum(start < tick < end for tick in ticks)
    assert end - start > 0.02, "the batch is too small to show anything"
    assert during >= max(5.0, 20.0 * (end - start)), f"{during} ticks in {end - start:.3f} s"


def in_fork(work: Callable[[], bool]) -> int:
    """Runs `work` in a forked child; its exit code, 0 when `work` said true."""
    pid = os.fork()
    if pid == 0:
        code = 3
        try:
            code = 0 if work() else 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -signal.SIGKILL


forks = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")


@forks
def test_fork_after_the_pool_was_used(shared: Fixture) -> None:
    assert in_fork(lambda: shared.run(2) == shared.due) == 0
    assert shared.run(2) == shared.due, "the parent can go on"


@forks
def test_fork_in_fork(shared: Fixture) -> None:
    def work() -> bool:
        return shared.run(2) == shared.due and in_fork(lambda: shared.run(3) == shared.due) == 0

    assert in_fork(work) == 0


@forks
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "count",
    [25, pytest.param(200, marks=pytest.mark.full), pytest.param(1000, marks=pytest.mark.long)],
)
def test_fork_while_another_thread_scores(shared: Fixture, count: int) -> None:
    """A lock that a scoring thread holds in the moment of the fork stays locked in the child for ever."""
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            shared.run(2)
            shared.scorer.prepare(shared.truths[0])

    workers = [threading.Thread(target=busy) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        for fork in range(count):
            code = in_fork(
                lambda: shared.run(2) == shared.due and shared.scorer.prepare(shared.truths[1]) is not None
            )
            assert code == 0, f"child {fork}"
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def test_a_hanging_child_is_seen() -> None:
    """The check of the fork tests can fail: a child that says no, and one that dies."""
    assert in_fork(lambda: False) == 1
    assert in_fork(lambda: os.kill(os.getpid(), signal.SIGKILL) is None) == -signal.SIGKILL


def _in_worker(job: tuple[Scorer, list[str], list[Reference]]) -> bytes:
    scorer, texts, refs = job
    return bits(scorer.score_batch(texts, refs, num_threads=2))


@forks
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_after_the_pool_was_used(shared: Fixture, method: str) -> None:
    """Scorers and references travel to workers by pickle, and give the same bits there."""
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        jobs = [(shared.scorer, shared.texts, shared.refs)] * 3
        assert pool.map_async(_in_worker, jobs).get(timeout=TIMEOUT) == [shared.due] * 3


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(shared: Fixture, protocol: int) -> None:
    def again(thing: Any) -> Any:
        return pickle.loads(pickle.dumps(thing, protocol))

    spec = RewardSpec.preset("so3").replace(max_starts=8, weights={"motion": 0.25})
    assert again(spec) == spec
    assert again(spec).fingerprint == spec.fingerprint
    scorer, refs = again(shared.scorer), again(shared.refs)
    assert scorer.spec == shared.scorer.spec
    assert bits(scorer.score_batch(shared.texts, refs)) == shared.due
    report = shared.scorer.score(shared.texts[3], shared.refs[3], tokens=400)
    copied = again(report)
    assert copied.to_dict() == report.to_dict()
    assert copied.explain() == report.explain()
    batch = shared.scorer.score_batch(shared.texts, shared.refs)
    assert bits(again(batch)) == bits(batch)


def test_copy(shared: Fixture) -> None:
    for twin in (copy.copy(shared.scorer), copy.deepcopy(shared.scorer)):
        assert bits(twin.score_batch(shared.texts, copy.deepcopy(shared.refs))) == shared.due


def test_errors_survive_pickle(shared: Fixture) -> None:
    """Ray and multiprocessing send exceptions home by pickle."""
    empty = {"version": 1, "graph": {"space": "world", "unit": "m", "frames": []}}
    for error, mistake in (
        (videostr.SpecError, lambda: RewardSpec.preset("pose-free").replace(max_start=3)),
        (videostr.GroundTruthError, lambda: shared.scorer.prepare(empty)),
    ):
        with pytest.raises(error) as caught:
            mistake()
        again = pickle.loads(pickle.dumps(caught.value))
        assert type(again) is error
        assert (str(again), again.field, again.row) == (
            str(caught.value),
            caught.value.field,
            caught.value.row,
        )


_COUNT = """
import os, threading
import videostr
from test_concurrency import corpus
scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free"))
texts, truths = corpus(64)
refs = [scorer.prepare(truth) for truth in truths]
before = len(os.listdir("/proc/self/task"))
scorer.score_batch(texts * 20, refs * 20{argument})
print(len(os.listdir("/proc/self/task")) - before)
"""


def _new_threads(setting: str | None, argument: str = "") -> subprocess.CompletedProcess[str]:
    path = [os.path.dirname(__file__), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    environment.pop("VIDEOSTR_NUM_THREADS", None)
    if setting is not None:
        environment["VIDEOSTR_NUM_THREADS"] = setting
    return subprocess.run(
        [sys.executable, "-c", _COUNT.format(argument=argument)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_num_threads_caps_the_pool() -> None:
    """VIDEOSTR_NUM_THREADS caps what the process may use; more threads than asked for never start."""
    cores = len(os.sched_getaffinity(0))
    for setting, argument, most in (
        ("1", "", 1),
        ("2", "", 2),
        (None, "", cores),
        (None, ", num_threads=1", 1),
        ("1", ", num_threads=2", 2),
    ):
        run = _new_threads(setting, argument)
        assert run.returncode == 0, run.stderr
        assert int(run.stdout) <= most, (setting, argument)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_the_pool_is_used() -> None:
    """What the tests of this file are about exists: two threads asked for, at least one started."""
    run = _new_threads(None, ", num_threads=2")
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) >= 1


@pytest.mark.parametrize("threads", [0, -1])
def test_a_thread_count_under_one_is_the_callers_mistake(shared: Fixture, threads: int) -> None:
    with pytest.raises(ValueError, match="num_threads"):
        shared.run(threads)


def test_a_panic_becomes_the_internal_bit(shared: Fixture) -> None:
    """`_core._panic_once()` makes the next reply that is scored panic in the core."""
    internal = 1 << videostr.REPAIRS.index("internal")
    _core._panic_once()
    batch = shared.scorer.score_batch(shared.texts, shared.refs, num_threads=2)
    marked = np.flatnonzero(batch.repairs & internal)
    assert len(marked) == 1
    assert np.isfinite(batch.total).all()
    others = np.delete(np.arange(len(shared.texts)), marked)
    due = shared.scorer.score_batch(shared.texts, shared.refs, num_threads=1)
    assert np.array_equal(batch.components[others], due.components[others], equal_nan=True)
    defined = ~np.isnan(due.components[marked[0]])
    apart = [videostr.COMPONENTS.index("consistency")]
    assert np.array_equal(np.delete(defined, apart), np.delete(~np.isnan(batch.components[marked[0]]), apart))
    assert bits(due) == shared.due, "and it never comes again"


def test_a_panic_in_a_single_call(shared: Fixture, capfd: pytest.CaptureFixture[str]) -> None:
    _core._panic_once()
    report = shared.scorer.score(shared.texts[0], shared.refs[0])
    assert "internal" in report.repair_names
    assert np.isfinite(report.total)
    assert "internal" not in shared.scorer.score(shared.texts[0], shared.refs[0]).repair_names
    assert "panicked" not in capfd.readouterr().out, "nothing is printed to stdout"
