"""What goes wrong in a run of verl, said by its trainer: a mixin for verl's trainers."""

from __future__ import annotations

from typing import Any

from videostr.integrations.checkpoint_room import full_disk_in_words
from videostr.integrations.verl_actors import dead_workers_end_the_run
from videostr.integrations.verl_failures import FailureReport


class EndingsInWords:
    """Placed before a trainer of verl among the bases of a class.

    * a dead Ray actor ends the run (:mod:`.verl_actors`);
    * failed prompts are counted as metrics ``videostr/prompts_failed`` and told (:mod:`.verl_failures`);
    * a full disk at a checkpoint is named (:mod:`.checkpoint_room`).
    """

    config: Any
    global_steps: int

    def init(self) -> None:
        """See verl's; a worker that dies meanwhile is named."""
        self._failures = FailureReport(self.config)
        with dead_workers_end_the_run():
            super().init()  # type: ignore[misc]

    def fit(self, agent_loop_manager: Any) -> None:
        """See verl's; a worker that dies, or a step without any reply, is named."""
        with (
            dead_workers_end_the_run(),
            self._failures.empty_batches_explained(lambda: self.global_steps),
        ):
            super().fit(agent_loop_manager)  # type: ignore[misc]

    def _compute_metrics(self, batch: Any, metrics: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super()._compute_metrics(batch, metrics, *args, **kwargs)  # type: ignore[misc]
        metrics.update(self._failures.metrics(self.global_steps))

    def _save_checkpoint(self) -> None:
        with full_disk_in_words(self.config.trainer.default_local_dir, self.global_steps):
            super()._save_checkpoint()  # type: ignore[misc]
