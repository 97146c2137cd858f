"""verl's synchronous trainer, with the reward of whole groups, what it was made of, and whole rollouts.

verl 0.9.1 scores replies one by one, keeps the extra keys of a reward out of its training logs
(verl/trainer/ppo/v1/trainer_base.py:1868) and out of its rollout files (:1297). This trainer does what that
leaves out, and nothing else.

Importing this module registers it as ``videostr_sync``; a recipe does that in every Ray worker through verl's
own ``VERL_USE_EXTERNAL_MODULES`` and chooses it with ``trainer.v1.trainer_mode=videostr_sync``. Batches without
pictures are mended there too (:mod:`.verl_text_rows`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# verl imports external modules before its plug-ins (verl/__init__.py:49, :62), and the lines below ask for
# the platform.
import videostr.integrations._require_verl
import videostr.integrations._verl_plugin  # noqa: F401
from videostr.integrations._after_import import import_after
from videostr.integrations.step_metrics import step_metrics
from videostr.integrations.verl import SECONDS, Reward, is_ours, reward_of
from videostr.integrations.verl_metrics import append_metrics
from videostr.integrations.verl_rollouts import write_shard, write_spec
from videostr.integrations.verl_step import Row, Scored, score_step
from videostr.train.estimators import NAMES

import numpy as np  # isort: skip
import torch  # isort: skip
from videostr.integrations.verl_advantages import Estimator, lay_out, register  # isort: skip
import transfer_queue as tq  # isort: skip
from tensordict import TensorDict  # isort: skip
from verl.trainer.ppo.v1.trainer_base import register_trainer  # isort: skip
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync  # isort: skip
from verl.utils.debug import marked_timer  # isort: skip
from videostr.integrations.verl_endings import EndingsInWords  # isort: skip

import_after("verl.models.transformers.qwen2_vl", "videostr.integrations.verl_text_rows")

register()

TRAINER_MODE = "videostr_sync"
_FIELDS = ["prompts", "responses", "rm_scores", "reward_model", "data_source", "extra_info", "extra_fields"]


@register_trainer(TRAINER_MODE)
class VideostrTrainerSync(EndingsInWords, PPOTrainerSync):  # type: ignore[misc]
    """:class:`PPOTrainerSync` for a recipe that is rewarded by videostr.

    * Before the advantages, the step's replies are scored together, so that the length rule's condition on
      the group holds; ``rm_scores`` change where the score does.
    * Metrics ``videostr/...``, each step, of what the replies were (:mod:`.step_metrics`, docs/metrics.md).
    * ``algorithm.adv_estimator`` may be one of :mod:`.verl_advantages`; its state is in the checkpoints.
    * ``trainer.rollout_data_dir`` gets ``spec.json`` and a shard a step (`verl_rollouts`) in place of verl's
      own dump, before the step's checkpoint is written.
    * A resumed run goes on with the metrics file.
    * What goes wrong is said and counted (:mod:`.verl_endings`), with any reward.

    With another reward it is otherwise verl's own.

    Attributes:
        scored: The replies of this step, by the key of their trajectory, once they were scored.
    """

    def __init__(self, config: Any) -> None:
        # verl compares the mode with "sync" in seven places (trainer_base.py:153 and after) for the replay
        # buffer.
        config.trainer.v1.trainer_mode = "sync"
        self._reward = reward_of(config) if is_ours(config) else None
        self._estimator = None
        if self._reward is not None and config.algorithm.adv_estimator in NAMES:
            self._estimator = Estimator(config, self._reward)
        super().__init__(config)
        self.scored: dict[str, Scored] = {}
        self._step_metrics: dict[str, float] = {}

    def fit(self, agent_loop_manager: Any) -> None:
        append_metrics()
        if self._reward is not None and self._rollout_folder is not None:
            write_spec(self._rollout_folder, self._reward.scorer.spec)
        super().fit(agent_loop_manager)

    def step(self, metrics: dict[str, Any], timing_raw: dict[str, float]) -> Any:
        self.scored = {}
        batch = super().step(metrics, timing_raw)
        if self._reward is None:
            return batch
        scored = list(self.scored.values())
        if self._rollout_folder is not None:
            with marked_timer("videostr_rollouts", timing_raw):
                write_shard(self._rollout_folder, self.global_steps, scored, self._reward.scorer.spec)
        with marked_timer("videostr_metrics", timing_raw):
            limit = self.config.data.get("max_response_length", None)
            self._step_metrics = step_metrics(scored, token_limit=limit)
        return batch

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        if self._reward is None:
            return super()._compute_advantage(batch, metrics)
        with marked_timer("videostr_score", self.timing_raw):
            scored, outputs = self._score(batch, self._reward)
        if self._estimator is None:
            return super()._compute_advantage(batch, metrics)
        found = self._estimator.advantages(scored)
        rows = {key: found[last] for last, keys in outputs.items() for key in keys}
        lay_out([rows.get(key, 0.0) for key in batch.keys])  # of verl's padding 0, as is its mask
        try:
            return super()._compute_advantage(batch, metrics)
        finally:
            lay_out(None)

    def _score(self, batch: Any, reward: Reward) -> tuple[list[Scored], dict[str, dict[str, int]]]:
        rows, outputs = _read_rows(batch, self.tokenizer)
        scored = score_step(reward, rows)
        self.scored.update((one.row.key, one) for one in scored)
        changed = {
            key: (tokens, one.score)
            for one in scored
            if _is_changed(one)
            for key, tokens in outputs[one.row.key].items()
        }
        if changed:
            _write_scores(batch.partition_id, changed)
        return scored, outputs

    def _compute_metrics(
        self, batch: Any, metrics: dict[str, Any], timing_raw: dict[str, float], *args: Any, **kwargs: Any
    ) -> None:
        super()._compute_metrics(batch, metrics, timing_raw, *args, **kwargs)
        scored = list(self.scored.values())
        if not scored:
            return
        metrics.update(self._step_metrics)
        metrics["videostr/score_changed"] = sum(map(_is_changed, scored)) / len(scored)
        if self._estimator is not None:
            metrics.update(self._estimator.metrics())
        workers = sum(one.row.given.get(SECONDS, 0.0) for one in scored)
        own = sum(timing_raw.get(f"videostr_{part}", 0.0) for part in ("score", "rollouts", "metrics"))
        metrics["videostr/reward/worker_seconds"] = workers
        if step := timing_raw.get("step"):
            metrics["videostr/reward/share_of_step"] = (workers + own) / step

    def _save_checkpoint(self) -> None:
        if self._estimator is not None:  # before verl names the checkpoint as whole
            self._estimator.save(
                Path(self.config.trainer.default_local_dir) / f"global_step_{self.global_steps}"
            )
        super()._save_checkpoint()

    def _load_checkpoint(self) -> None:
        super()._load_checkpoint()
        if self._estimator is not None and self.global_steps:
            trainer = self.config.trainer
            named = trainer.resume_mode == "resume_path"
            last = Path(trainer.default_local_dir) / f"global_step_{self.global_steps}"
            self._estimator.load(Path(trainer.resume_from_path) if named else last)

    def _log_rollout_data(self, batch: Any, timing_raw: dict[str, float], rollout_data_dir: str) -> None:
        if self._reward is None:  # else the step has written its shard
            super()._log_rollout_data(batch, timing_raw, rollout_data_dir)

    @property
    def _rollout_folder(self) -> Path | None:
        folder = self.config.trainer.get("rollout_data_dir", None)
        return Path(folder) if folder else None


def _read_rows(batch: Any, tokenizer: Any) -> tuple[list[Row], dict[str, dict[str, int]]]:
    """The replies of a batch, those of one prompt next to each other, without verl's padding rows.

    Returns:
        The rows; and for each row's key the response length of every output of its session, by key.
    """
    sessions: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for key, tag in zip(batch.keys, batch.tags, strict=True):
        if not tag.get("is_padding", False):
            group, session, output = key.rsplit("_", 2)
            sessions.setdefault((group, int(session)), []).append((int(output), key))
    names = sorted(sessions)
    keys = [key for name in names for _, key in sorted(sessions[name])]
    if not keys:
        return [], {}
    data = tq.kv_batch_get(keys=keys, partition_id=batch.partition_id, select_fields=_FIELDS)
    columns = {field: _list(data[field]) for field in _FIELDS if field in data.keys()}  # noqa: SIM118
    at = {key: place for place, key in enumerate(keys)}

    def text(field: str, key: str) -> str:
        decoded: str = tokenizer.decode(columns[field][at[key]], skip_special_tokens=True)
        return decoded

    def value(field: str, key: str) -> Any:
        return columns[field][at[key]] if field in columns else None

    rows, outputs = [], {}
    for name in names:
        *earlier, last = (key for _, key in sorted(sessions[name]))
        row = Row(
            key=last,
            group=name[0],
            text=text("responses", last),
            ground_truth=(value("reward_model", last) or {}).get("ground_truth"),
            tokens=len(columns["responses"][at[last]]),
            given=(value("extra_fields", last) or {}).get("reward_extra_info") or {},
            reward=float(columns["rm_scores"][at[last]].sum()),
            prompt=text("prompts", last),
            data_source=str(value("data_source", last) or ""),
            index=(value("extra_info", last) or {}).get("index"),
            earlier=tuple(text("responses", key) for key in earlier),
        )
        rows.append(row)
        outputs[last] = {key: len(columns["responses"][at[key]]) for key in (*earlier, last)}
    return rows, outputs


def _list(column: Any) -> list[Any]:
    """Rows of a nested tensor, or of whatever TransferQueue keeps other values in."""
    if isinstance(column, torch.Tensor):
        return list(column.unbind())
    return list(column.tolist() if hasattr(column, "tolist") else column)


def _is_changed(scored: Scored) -> bool:
    """Whether training must use another score than the worker's; verl keeps it in single precision."""
    return bool(np.float32(scored.score) != np.float32(scored.row.reward))


def _write_scores(partition_id: str, scores: dict[str, tuple[int, float]]) -> None:
    """Replace ``rm_scores``: key -> (length of the response, score), on its last token as verl has it
    (verl/experimental/agent_loop/agent_loop.py:147).
    """
    columns = []
    for tokens, score in scores.values():
        column = torch.zeros(tokens, dtype=torch.float32)
        column[-1] = score
        columns.append(column)
    nested = torch.nested.as_nested_tensor(columns, layout=torch.jagged)
    fields = TensorDict({"rm_scores": nested}, batch_size=len(columns))
    tq.kv_batch_put(keys=list(scores), partition_id=partition_id, fields=fields)
