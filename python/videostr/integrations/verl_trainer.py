"""verl's synchronous trainer, writing what each reward was made of.

verl 0.9.1 keeps the extra keys of a reward function out of its training logs
(verl/trainer/ppo/v1/trainer_base.py:1868) and out of its rollout files (:1297). This trainer adds them to
both and changes nothing else.

Importing this module registers it as ``videostr_sync``; a recipe does that in every Ray worker through verl's
own ``VERL_USE_EXTERNAL_MODULES`` and chooses it with ``trainer.v1.trainer_mode=videostr_sync``.
"""

from __future__ import annotations

from typing import Any

# verl imports external modules before its plug-ins (verl/__init__.py:49, :62), and the lines below ask for
# the platform.
import videostr.integrations._require_verl
import videostr.integrations._verl_plugin  # noqa: F401

import transfer_queue as tq  # isort: skip
from verl.trainer.ppo.v1.trainer_base import register_trainer  # isort: skip
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync  # isort: skip
from videostr.integrations.verl_endings import EndingsInWords  # isort: skip

TRAINER_MODE = "videostr_sync"


@register_trainer(TRAINER_MODE)
class VideostrTrainerSync(EndingsInWords, PPOTrainerSync):  # type: ignore[misc]
    """:class:`PPOTrainerSync` plus reward components.

    * metrics ``videostr/<key>/mean`` of every numeric key of the reward function, each step;
    * what goes wrong, said and counted (:mod:`.verl_endings`);
    * in ``trainer.rollout_data_dir``, the same keys in each line, beside verl's own. The group of a line is
      its ``uid`` without the last two ``_`` parts (verl writes ``{prompt}_{rollout}_{output}``).
    """

    def __init__(self, config: Any) -> None:
        # verl compares the mode with "sync" in seven places (trainer_base.py:153 and after) for the replay
        # buffer.
        config.trainer.v1.trainer_mode = "sync"
        super().__init__(config)
        self._reward_parts: dict[str, dict[str, float]] = {}

    def _compute_metrics(self, batch: Any, metrics: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super()._compute_metrics(batch, metrics, *args, **kwargs)
        self._reward_parts = _reward_parts(batch)
        for name, values in _columns(self._reward_parts).items():
            metrics[f"videostr/{name}/mean"] = sum(values) / len(values)

    def _dump_generations(  # noqa: PLR0917 (verl's own signature)
        self,
        inputs: list[str],
        outputs: list[str],
        gts: list[Any],
        scores: list[float],
        reward_extra_infos_dict: dict[str, list[Any]],
        dump_path: str,
    ) -> None:
        parts = [self._reward_parts.get(key) for key in reward_extra_infos_dict.get("uid", [])]
        if parts and None not in parts:
            keyed = dict(zip(reward_extra_infos_dict["uid"], parts, strict=True))
            reward_extra_infos_dict = {**_columns(keyed), **reward_extra_infos_dict}
        super()._dump_generations(inputs, outputs, gts, scores, reward_extra_infos_dict, dump_path)


def _reward_parts(batch: Any) -> dict[str, dict[str, float]]:
    """Trajectory key -> what the reward function returned; padding rows, which copy a real one, left out."""
    keys = [key for key, tag in zip(batch.keys, batch.tags, strict=True) if not tag.get("is_padding", False)]
    data = tq.kv_batch_get(keys=keys, partition_id=batch.partition_id, select_fields=["extra_fields"])
    infos = (fields.get("reward_extra_info", {}) for fields in data["extra_fields"])
    return {
        key: {name: float(value) for name, value in info.items() if isinstance(value, (int, float))}
        for key, info in zip(keys, infos, strict=True)
    }


def _columns(parts: dict[str, dict[str, float]]) -> dict[str, list[float]]:
    """Rows of equal keys to columns; keys that not every row has are left out."""
    rows = list(parts.values())
    names = [name for name in rows[0] if all(name in row for row in rows)] if rows else []
    return {name: [row[name] for row in rows] for name in names}
