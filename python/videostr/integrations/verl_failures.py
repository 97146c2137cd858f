"""Failed prompts of verl, counted and said.

verl lets a rollout that raises mark its prompt group `failure` (verl/trainer/ppo/v1/agent_loop_tq.py:133),
writes the traceback to that worker's log, and trains on what is left of the group; the reason reaches no
metric. Agent loop workers with the mixin :class:`ReportsFailures` put each failure in a partition of verl's own
TransferQueue on its way up, and the trainer takes them out once a step.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import transfer_queue as tq

from videostr.integrations.prompt_failures import FailureCount, PromptsFailedError, mark, record_of

#: Not one of verl's, "train" and "val".
PARTITION = "videostr_failures"
_EMPTY_BATCH = "no materializable trajectories"  # verl/trainer/ppo/v1/replay_buffer.py:507

_log = logging.getLogger(__name__)


class ReportsFailures:
    """Placed before verl's agent loop worker among the bases of a class: what a rollout raises is reported and
    then raised as before.
    """

    async def _run_agent_loop(
        self, sampling_params: dict[str, Any], trajectory: dict[str, Any], **prompt: Any
    ) -> Any:
        try:
            return await super()._run_agent_loop(sampling_params, trajectory, **prompt)  # type: ignore[misc]
        except Exception as error:
            await _report(error, trajectory, prompt)
            raise

    async def _compute_score(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super()._compute_score(*args, **kwargs)  # type: ignore[misc]
        except Exception as error:
            mark(error, "reward_failed")
            raise


async def _report(error: Exception, trajectory: dict[str, Any], prompt: dict[str, Any]) -> None:
    uid = str(prompt.get("uid"))
    try:
        record = record_of(error, prompt, uid=uid, validate=bool(trajectory.get("validate")))
        await tq.async_kv_put(key=f"{uid}_{prompt.get('session_id')}", partition_id=PARTITION, tag=record)
    except Exception:  # the rollout's own error is the one to raise
        _log.exception("a failed prompt could not be reported")


class FailureReport:
    """The trainer's side: takes the failures of a step, counts and tells them.

    Args:
        config: verl's configuration.
    """

    def __init__(self, config: Any) -> None:
        self._count = FailureCount(_files(config.data.train_files), _files(config.data.val_files))

    def metrics(self, step: int) -> dict[str, float]:
        """Metrics of the failures since the last call, told in the log one line a kind."""
        records = _take()
        for line in self._count.lines(records, step):
            # Not a log record: what verl loads sets the root logger's level, and warnings are lost.
            sys.stderr.write(f"videostr: {line}\n")
        sys.stderr.flush()
        return self._count.metrics(records)

    @contextmanager
    def empty_batches_explained(self, step: Any) -> Iterator[None]:
        """Within the block, verl's error for a step of which no prompt survived names the reasons.

        Args:
            step: Called for the number of the step.

        Raises:
            PromptsFailedError: Every prompt of a step failed.
        """
        try:
            yield
        except RuntimeError as error:
            if _EMPTY_BATCH not in str(error):
                raise
            lines = self._count.lines(_take(), step()) or ["the log of AgentLoopWorker says why"]
            raise PromptsFailedError(
                "no prompt of the step got a reply, so there is nothing to train on: " + "; ".join(lines)
            ) from error


def _take() -> list[dict[str, Any]]:
    records: dict[str, dict[str, Any]] = (tq.kv_list(PARTITION) or {}).get(PARTITION, {})
    if records:
        tq.kv_clear(keys=list(records), partition_id=PARTITION)
    return list(records.values())


def _files(files: Any) -> list[str]:
    return [files] if isinstance(files, str) else [str(file) for file in files]
