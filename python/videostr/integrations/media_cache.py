"""Decoded media of one process: bounded, and each one loaded once however many ask for it at a time."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["MediaCache"]

Value = TypeVar("Value")


class MediaCache(Generic[Value]):
    """Keeps what `load` returned, the least recently used dropped first. Safe for threads and tasks.

    A load that raises is not kept: all who wait for it get the exception, the next request loads again.

    Args:
        limit: Bytes to keep at most; a larger value is handed out and not kept. 0 keeps nothing.
        size_of: Bytes of a value.

    Attributes:
        loads: Calls of `load` so far.
        size: Bytes kept now.

    Example:
        >>> from videostr.integrations.media_cache import MediaCache
        >>> cache = MediaCache(limit=10, size_of=len)
        >>> [cache.get("a", lambda: b"1234") for _ in range(3)][0], cache.loads
        (b'1234', 1)
    """

    def __init__(self, limit: int, size_of: Callable[[Value], int]) -> None:
        if limit < 0:
            raise ValueError(f"limit: {limit} bytes; must be 0 or more")
        self.limit = limit
        self.loads = 0
        self.size = 0
        self._size_of = size_of
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()
        self._loading: dict[Hashable, Future[Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], Value]) -> Value:
        """The value of `key`, loaded in this thread unless it is kept or another thread is loading it."""
        future, ours = self._begin(key)
        if ours:
            self._finish(key, future, load)
        return future.result()

    async def get_async(self, key: Hashable, load: Callable[[], Value]) -> Value:
        """The same for a task: loaded in a thread of the loop's executor; who waits holds no thread."""
        future, ours = self._begin(key)
        if ours:
            try:
                asyncio.get_running_loop().run_in_executor(None, self._finish, key, future, load)
            except BaseException as error:
                self._fail(key, future, error)
                raise
        # Cancelling one waiter must not cancel the others.
        return await asyncio.shield(asyncio.wrap_future(future))

    def _begin(self, key: Hashable) -> tuple[Future[Value], bool]:
        with self._lock:
            if key in self._loading:
                return self._loading[key], False
            future: Future[Value] = Future()
            if key in self._kept:
                self._kept.move_to_end(key)
                future.set_result(self._kept[key])
                return future, False
            self._loading[key] = future
            self.loads += 1
            return future, True

    def _finish(self, key: Hashable, future: Future[Value], load: Callable[[], Value]) -> None:
        try:
            value = load()
            self._keep(key, value)
        except BaseException as error:
            self._fail(key, future, error)
        else:
            future.set_result(value)

    def _keep(self, key: Hashable, value: Value) -> None:
        size = self._size_of(value)
        with self._lock:
            del self._loading[key]
            if size > self.limit:
                return
            self._kept[key] = value
            self.size += size
            while self.size > self.limit:
                self.size -= self._size_of(self._kept.popitem(last=False)[1])

    def _fail(self, key: Hashable, future: Future[Value], error: BaseException) -> None:
        with self._lock:
            self._loading.pop(key, None)
        future.set_exception(error)
