"""The cache of decoded media: each loaded once, bytes bounded, failures not kept."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from videostr.integrations.media_cache import MediaCache


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    cache = MediaCache(limit=10, size_of=len)
    for key in "abc":
        cache.get(key, lambda: b"1234")
        cache.get("a", lambda: b"1234")
    assert (cache.loads, cache.size) == (3, 8)
    cache.get("a", lambda: b"1234")
    assert cache.loads == 3
    cache.get("b", lambda: b"1234")
    assert cache.loads == 4


def test_a_value_over_the_limit_is_handed_out_and_drops_no_other() -> None:
    cache = MediaCache(limit=4, size_of=len)
    cache.get("small", lambda: b"1")
    assert cache.get("large", lambda: b"12345") == b"12345"
    assert cache.size == 1
    cache.get("small", lambda: b"1")
    assert cache.loads == 2


def test_threads_that_ask_together_load_once() -> None:
    cache = MediaCache(limit=100, size_of=len)
    together = threading.Barrier(8)

    def load() -> bytes:
        time.sleep(0.1)
        return b"x"

    def ask(_: int) -> bytes:
        together.wait()
        return cache.get("key", load)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [b"x"] * 8
    assert cache.loads == 1


def test_tasks_that_wait_hold_no_thread() -> None:
    """Eight wait for one slow load on two threads; another load goes through meanwhile."""
    cache = MediaCache(limit=100, size_of=len)
    release = threading.Event()

    def slow() -> bytes:
        assert release.wait(20)
        return b"slow"

    async def run() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        waiting = [asyncio.create_task(cache.get_async("slow", slow)) for _ in range(8)]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(cache.get_async("fast", lambda: b"fast"), 10) == b"fast"
        waiting[0].cancel()
        await asyncio.sleep(0)
        release.set()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError)
        assert done[1:] == [b"slow"] * 7

    asyncio.run(run())
    assert cache.loads == 2


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    cache = MediaCache(limit=100, size_of=len)

    def fail() -> bytes:
        time.sleep(0.05)
        raise OSError("gone")

    async def run() -> None:
        done = await asyncio.gather(*(cache.get_async("key", fail) for _ in range(4)), return_exceptions=True)
        assert [str(error) for error in done] == ["gone"] * 4
        assert cache.loads == 1
        assert await cache.get_async("key", lambda: b"back") == b"back"

    asyncio.run(run())


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        MediaCache(limit=-1, size_of=len)
