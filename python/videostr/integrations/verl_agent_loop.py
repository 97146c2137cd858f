"""verl's agent loop, with exact positions (:mod:`.verl_positions`) and told failures (:mod:`.verl_failures`).

Chosen by ``actor_rollout_ref.rollout.agent.agent_loop_manager_class``, which verl offers for this
(verl/trainer/main_ppo.py:120); the recipes name it.
"""

from __future__ import annotations

from typing import Any

# verl imports external modules before its plug-ins (verl/__init__.py:49), and the lines below ask for the platform.
import videostr.integrations._verl_plugin  # noqa: F401
from videostr.integrations.verl_failures import ReportsFailures
from videostr.integrations.verl_positions import ExactPositions

import ray  # isort: skip
from verl.trainer.ppo.v1 import agent_loop_tq  # isort: skip

#: The class that verl has wrapped as a Ray actor; Ray refuses to inherit from the wrapped one.
VerlWorker: Any = agent_loop_tq.AgentLoopWorkerTQ.__ray_metadata__.modified_class.__ray_actor_class__


class VideostrAgentLoopWorker(ReportsFailures, ExactPositions, VerlWorker):  # type: ignore[misc]
    """verl's agent loop worker."""


class VideostrAgentLoopManager(agent_loop_tq.AgentLoopManagerTQ):  # type: ignore[misc]
    """verl's agent loop manager with :class:`VideostrAgentLoopWorker`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(VideostrAgentLoopWorker)
