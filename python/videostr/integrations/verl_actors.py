"""A dead Ray actor ends the run, in words.

verl waits for its actors without looking at them. When an agent loop worker dies, its prompts stay `running`
and the trainer polls for them for ever (verl/trainer/ppo/v1/replay_buffer.py:503); when a reward worker dies,
the replies that were sent to it fail, group after group, to the end of the run
(verl/experimental/agent_loop/agent_loop.py:1025). All of verl's actors have names, so a thread in the
trainer's process asks Ray which of them are gone, and interrupts the trainer with the reason.
"""

from __future__ import annotations

import _thread
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import ray

from videostr.errors import VideostrError

POLL_SECONDS = 5.0
#: How long the trainer's main thread may take to notice the interrupt before the process is ended under it.
GRACE_SECONDS = 60.0
_QUEUE_NAMESPACE = "transfer_queue"  # of TransferQueueController
_ANSWER_SECONDS = 10.0
_RESUME = "The same command resumes from the last checkpoint."
#: What Ray says of a death (its words, lower case) -> what that means and what to do.
_CAUSES = (
    (
        ("low on memory", "memory monitor", "oom-killer", "out of memory (oom)", "outofmemoryerror"),
        "the host ran out of memory, and Ray ended the process to save the others: give the host more memory, or "
        "lower reward.num_workers, actor_rollout_ref.rollout.agent.num_workers, data.train_batch_size, or the "
        "frames and pixels of a clip",
    ),
    (
        ("node has died", "node died", "its node", "health check"),
        "its node left the cluster (shut down, out of power or network, or its raylet ended)",
    ),
    (("killed by `ray.kill`", "ray.kill"), "something called ray.kill on it"),
    (
        ("creation task",),
        "it failed while it started: its own error stands above in the log",
    ),
    (
        ("worker unexpectedly exits", "system_error", "connection error", "worker process has died"),
        "its process ended without a word, as it does when the kernel kills it for memory (`dmesg | grep -i oom` "
        "tells), when somebody kills it, or in a crash of native code",
    ),
)


class WorkerDiedError(VideostrError, RuntimeError):
    """One or more of the run's Ray actors are gone; the message names them, why, and what to do."""


@contextmanager
def dead_workers_end_the_run(
    poll_seconds: float = POLL_SECONDS, grace_seconds: float = GRACE_SECONDS
) -> Iterator[None]:
    """Within the block, the death of a named actor of this job raises :class:`WorkerDiedError` here.

    Must be entered in the main thread of a process that is connected to Ray. Every named actor of the job's
    namespace that is there at one poll and gone at a later one counts; what the block itself raises for
    another reason passes unchanged. A main thread that does not react to the interrupt for
    `grace_seconds` (stuck in native code) is ended with exit status 1 after the words were written.

    Args:
        poll_seconds: How often Ray is asked, in seconds.
        grace_seconds: How long the main thread may take to stop, in seconds.

    Raises:
        WorkerDiedError: An actor died.
    """
    watch = _Watch(poll_seconds, grace_seconds)
    watch.start()
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, watch.interrupted)
    try:
        yield
    except BaseException as error:
        # verl may have met the death before the next poll did.
        words = watch.words or (watch.look(patient=True) if _speaks_of_death(error) else None)
        if words is None:
            raise
        raise WorkerDiedError(words) from error
    finally:
        watch.stop()
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def death_in_words(names: dict[str, str]) -> str:
    """One message for actors that died: name -> what Ray says of its death.

    Example:
        >>> from videostr.integrations.verl_actors import death_in_words
        >>> print(death_in_words({"reward_loop_worker_0": "The actor is dead because its node has died."}))
        the run ended because reward_loop_worker_0 died: its node left the cluster ... resumes from ...
    """
    causes: dict[str, list[str]] = {}
    for name, said in names.items():
        causes.setdefault(_cause(said), []).append(name)
    told = "; ".join(f"{', '.join(sorted(who))} died: {why}" for why, who in causes.items())
    return f"the run ended because {told}. {_RESUME}"


def _cause(said: str) -> str:
    text = said.lower()
    for marks, meaning in _CAUSES:
        if any(mark in text for mark in marks):
            return meaning
    return f"Ray says: {' '.join(said.split())[:400]}"


def _speaks_of_death(error: BaseException) -> bool:
    seen: list[BaseException | None] = [
        error,
        getattr(error, "cause", None),
        error.__cause__,
        error.__context__,
    ]
    return any(
        isinstance(one, ray.exceptions.RayActorError | ray.exceptions.OutOfMemoryError)
        or "ActorDiedError" in str(one)
        for one in seen
    )


class _Watch:
    """The thread and what it knows: the named actors that were there, by (namespace, name)."""

    def __init__(self, poll_seconds: float, grace_seconds: float) -> None:
        self.words: str | None = None
        self._poll_seconds = poll_seconds
        self._grace_seconds = grace_seconds
        self._namespaces = {str(ray.get_runtime_context().namespace), _QUEUE_NAMESPACE}
        self._known: dict[tuple[str, str], Any] = {}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="videostr-dead-workers", daemon=True)

    def start(self) -> None:
        self.look()
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def interrupted(self, number: int, frame: FrameType | None) -> None:
        """For a process that ignores SIGINT, as what a script starts in the background does: it goes on ignoring it,
        but heeds :meth:`_interrupt`, which Python drops where the signal has no handler."""
        if self.words is not None:
            signal.default_int_handler(number, frame)

    def look(self, *, patient: bool = False) -> str | None:
        """The words for what died since the last look. patient: Ray may learn of a death after verl did."""
        deadline = time.monotonic() + (3 * _ANSWER_SECONDS if patient else 0.0)
        with self._lock:
            while True:
                dead = {name: said for name, said in self._gone() if said}
                if dead:
                    return death_in_words(dead)
                if time.monotonic() >= deadline:
                    return None
                time.sleep(1.0)

    def _gone(self) -> Iterator[tuple[str, str]]:
        listed = ray.util.list_named_actors(all_namespaces=True)
        now = {(one["namespace"], one["name"]) for one in listed if one["namespace"] in self._namespaces}
        for key in [key for key in self._known if key not in now]:
            said = _obituary(self._known[key])
            if said is not None:
                del self._known[key]
                yield key[1], said
        for namespace, name in now - set(self._known):
            try:
                self._known[namespace, name] = ray.get_actor(name, namespace=namespace)
            except ValueError:  # gone between the two calls: as if it had never been there
                continue

    def _run(self) -> None:
        while not self._over.wait(self._poll_seconds):
            try:
                words = self.look()
            except Exception as error:  # Ray itself is unreachable; the trainer's own calls will say so
                logging.getLogger(__name__).warning("cannot ask Ray for dead actors: %s", error)
                continue
            if words is not None and not self._over.is_set():
                self.words = words
                sys.stderr.write(f"videostr: {words}\n")
                sys.stderr.flush()
                self._interrupt()
                return

    def _interrupt(self) -> None:
        # Ray blocks the signal SIGINT itself in its processes (ray/_private/services.py); this one only sets
        # the interpreter's own flag, which ray.get looks at every second.
        _thread.interrupt_main(signal.SIGINT)
        if not self._over.wait(self._grace_seconds):
            sys.stderr.write("videostr: the trainer did not stop, so its process is ended now\n")
            sys.stderr.flush()
            time.sleep(2.0)  # Ray's log reader passes the words on to the driver
            os._exit(1)


def _obituary(handle: Any) -> str | None:
    """What Ray says of a dead actor; None when it lives, or ended because nothing referred to it any more."""
    try:
        ray.get(handle.__ray_ready__.remote(), timeout=_ANSWER_SECONDS)
    except ray.exceptions.ActorUnavailableError:
        return None
    except ray.exceptions.GetTimeoutError:
        return None
    except ray.exceptions.RayError as error:
        text = str(error)
        return None if re.search(r"all references|out of scope", text, re.IGNORECASE) else text
    return None
