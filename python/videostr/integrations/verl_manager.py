"""verl's reward manager ``videostr`` (``reward.reward_manager.name=videostr``).

verl's own managers call a reward function with the text alone. This one also hands over the reply's length in
tokens, so that scoring's ``length`` is defined, and scores with the recipe's own reward
(`videostr.integrations.verl.Reward`): the same numbers under the same keys as `compute_score`.

Importing this module registers it; the entry point of the group ``verl.plugins`` does that in every process
that imports verl's managers.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from verl.experimental.reward_loop.reward_manager import register
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

from videostr.integrations.verl import MANAGER, SECONDS, reward_of


@register(MANAGER)
class VideostrRewardManager(RewardManagerBase):  # type: ignore[misc]
    """Scores one trajectory at a time, off the worker's event loop.

    Built by verl with these keywords (verl/trainer/ppo/reward.py:152); all but the configuration and the
    tokenizer belong to other managers.

    Raises:
        SpecError, TermError: The recipe's reward is not valid, or not videostr's.
    """

    def __init__(
        self,
        config: Any,
        tokenizer: Any,
        compute_score: Any = None,
        reward_router_address: str | None = None,  # noqa: ARG002 (verl passes it by name)
        reward_model_tokenizer: Any = None,  # noqa: ARG002
    ) -> None:
        super().__init__(config, tokenizer, compute_score)
        self._reward = reward_of(config)
        self._longest = int(config.actor_rollout_ref.rollout.response_length)

    async def run_single(self, data: Any) -> dict[str, Any]:
        """Score a trajectory: a DataProto of one row, or of the outputs of one session, of which the last
        counts (as for verl/experimental/reward_loop/reward_manager/naive.py:35).

        Returns:
            ``reward_score`` and ``reward_extra_info``, the keys of `Reward.keys` and :data:`SECONDS`.
        """
        values = await asyncio.get_running_loop().run_in_executor(None, self._timed, data[len(data) - 1])
        return {"reward_score": values["score"], "reward_extra_info": values}

    def _timed(self, row: Any) -> dict[str, float]:
        start = time.thread_time()
        return {**self._score(row), SECONDS: time.thread_time() - start}

    def _score(self, row: Any) -> dict[str, float]:
        columns = row.non_tensor_batch
        responses = row.batch["responses"]
        # Outputs of different lengths share one padded mask, whose end is not that of each response.
        length = columns.get("response_len")
        if length is None:
            length = row.batch["attention_mask"][-len(responses) :].sum()
        tokens = int(length)
        return self._reward.score(
            self.tokenizer.decode(responses[:tokens], skip_special_tokens=True),
            columns["reward_model"]["ground_truth"],
            tokens=tokens,
            truncated=tokens >= self._longest,
            data_source=columns.get("data_source", ""),
            extra_info={**(columns.get("extra_info") or {}), **(columns.get("tool_extra_fields") or {})},
        )
