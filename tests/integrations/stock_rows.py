"""Our agent loop, except for rows of the source ``stock``: those have verl's own positions.

Both in one run, so that one start of verl shows what they change. Named by a recipe's override; Ray's workers
find it through PYTHONPATH.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import ray

from videostr.integrations.verl_agent_loop import (
    VerlWorker,
    VideostrAgentLoopManager,
    VideostrAgentLoopWorker,
)

_STOCK: ContextVar[bool] = ContextVar("stock", default=False)  # verl runs each rollout in a task of its own


class _Client:
    def __init__(self, ours: Any) -> None:
        self._ours = ours

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ours, name)

    async def generate(self, *args: Any, **kwargs: Any) -> Any:
        client = self._ours._client if _STOCK.get() else self._ours
        return await client.generate(*args, **kwargs)


class Worker(VideostrAgentLoopWorker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.llm_client = _Client(self.llm_client)

    async def _run_agent_loop(self, *args: Any, **kwargs: Any) -> Any:
        _STOCK.set(kwargs["data_source"].startswith("videostr/stock/"))
        return await super()._run_agent_loop(*args, **kwargs)

    def _compute_position_ids(self, *args: Any, **kwargs: Any) -> Any:
        worker = VerlWorker if _STOCK.get() else VideostrAgentLoopWorker
        return worker._compute_position_ids(self, *args, **kwargs)


class Manager(VideostrAgentLoopManager):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(Worker)
