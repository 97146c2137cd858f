"""Our trainer inside real verl: what it adds to metrics and rollout files, and that it changes nothing else."""

from __future__ import annotations

import json

import pytest
from fresh_python import needs_verl, run_python

pytestmark = [needs_verl, pytest.mark.slow]  # together with the other modules that import verl

_SET_UP = """
import json, sys, tempfile, traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
import verl
from verl.trainer.ppo.v1 import get_trainer_cls
import videostr.integrations.verl_trainer as module
Trainer = get_trainer_cls("videostr_sync")

PARTS = {"a_0_0": {"score": 1.5, "node": 0.5, "note": "text"}, "a_1_0": {"score": 0.0, "node": 0.0, "note": "x"}}

def batch(*keys):
    tags = [{"is_padding": key.startswith("pad")} for key in keys]
    return SimpleNamespace(keys=list(keys), tags=tags, partition_id="train")

def kv_batch_get(keys, partition_id, select_fields):
    assert partition_id == "train" and select_fields == ["extra_fields"]
    return {"extra_fields": [{"reward_extra_info": PARTS[key]} for key in keys]}

module.tq = SimpleNamespace(kv_batch_get=kv_batch_get)

def dump(trainer, uids, **columns):
    trainer.global_steps = 3
    trainer._init_dump_executor()
    folder = tempfile.mkdtemp()
    count = len(uids)
    texts = ["q"] * count, ["r"] * count, ["t"] * count
    trainer._dump_generations(*texts, [1.5] * count, {"uid": uids, **columns}, folder)
    trainer._shutdown_dump_executor()
    return [json.loads(line) for line in (Path(folder) / "3.jsonl").read_text().splitlines()]

def made():
    trainer = Trainer.__new__(Trainer)
    trainer._reward_parts = {}
    trainer.global_steps = 3
    trainer._failures = SimpleNamespace(metrics=lambda step: {"videostr/prompts_failed": float(step)})
    return trainer
"""

_CHECKS = {
    "it_is_verls_synchronous_trainer": """
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
assert issubclass(Trainer, PPOTrainerSync)
changed = [name for name in vars(Trainer) if callable(vars(Trainer)[name])]
assert sorted(changed) == ["__init__", "_compute_metrics", "_dump_generations"], changed
""",
    "what_goes_wrong_is_told_around_verls_own_methods": """
from videostr.integrations.verl_endings import EndingsInWords
assert Trainer.__mro__.index(EndingsInWords) < Trainer.__mro__.index(get_trainer_cls("sync"))
changed = [name for name in vars(EndingsInWords) if callable(vars(EndingsInWords)[name])]
assert sorted(changed) == ["_compute_metrics", "_save_checkpoint", "fit", "init"], changed
for name in changed:
    assert callable(getattr(get_trainer_cls("sync"), name)), name
""",
    "a_step_without_any_reply_names_the_reasons": """
import videostr.integrations.verl_failures as failures
from videostr.integrations.prompt_failures import PromptsFailedError
record = {"uid": "u", "validate": False, "reason": "over_length", "message": "too long", "data_source": "d",
          "index": 4, "media": ["a.mp4"]}
failures.tq = SimpleNamespace(
    kv_list=lambda partition: {partition: {"u_0": record}}, kv_clear=lambda keys, partition_id: None)
report = failures.FailureReport(SimpleNamespace(data=SimpleNamespace(train_files=[], val_files="v.parquet")))
try:
    with report.empty_batches_explained(lambda: 7):
        raise RuntimeError("Sync replay buffer selected terminal groups with no materializable trajectories.")
except PromptsFailedError as error:
    assert "no prompt of the step got a reply, so there is nothing to train on" in str(error), error
    assert "step 7: prompts" in str(error), error
    assert "over_length, e.g. the row with extra_info.index 4 (d, a.mp4): too long" in str(error), error
else:
    raise AssertionError
assert report.metrics(8)["videostr/prompts_failed/over_length"] == 1
""",
    "verls_words_for_an_empty_batch_are_the_ones_waited_for": """
import inspect
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer
from videostr.integrations.verl_failures import _EMPTY_BATCH
assert _EMPTY_BATCH in inspect.getsource(ReplayBuffer.sample)
""",
    "failing_rollouts_are_reported_and_raised_as_before": """
import asyncio
import videostr.integrations.verl_failures as failures
from videostr.integrations.verl_agent_loop import VerlWorker, VideostrAgentLoopWorker
put = []
async def async_kv_put(key, partition_id, tag):
    put.append((key, partition_id, tag["reason"], tag["index"]))
failures.tq = SimpleNamespace(async_kv_put=async_kv_put)
worker = VideostrAgentLoopWorker.__new__(VideostrAgentLoopWorker)
async def _run_agent_loop(self, sampling_params, trajectory, *, agent_name, **kwargs):
    await self._compute_score([], {})
async def _compute_score(self, outputs, kwargs):
    raise KeyError("of the reward")
VerlWorker._run_agent_loop, VerlWorker._compute_score = _run_agent_loop, _compute_score
try:
    asyncio.run(worker._run_agent_loop({}, {"validate": False}, agent_name="a", uid="u", session_id=3, index=5))
except KeyError:
    assert put == [("u_3", "videostr_failures", "reward_failed", 5)], put
else:
    raise AssertionError
""",
    "the_manager_starts_reporting_workers": """
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ
from videostr.integrations.verl_agent_loop import VideostrAgentLoopManager, VideostrAgentLoopWorker
AgentLoopManagerTQ.__init__ = lambda self: None
started = VideostrAgentLoopManager().agent_loop_workers_class.__ray_metadata__.modified_class
assert issubclass(started, VideostrAgentLoopWorker), started
""",
    "verl_sees_the_mode_that_it_compares_with": """
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
seen = []
PPOTrainerSync.__init__ = lambda self, config: seen.append(config.trainer.v1.trainer_mode)
Trainer(SimpleNamespace(trainer=SimpleNamespace(v1=SimpleNamespace(trainer_mode="videostr_sync"))))
assert seen == ["sync"], seen
""",
    "padding_rows_do_not_count": """
assert list(module._reward_parts(batch("a_0_0", "pad1_0_0", "a_1_0"))) == ["a_0_0", "a_1_0"]
""",
    "metrics_have_the_means_of_the_numbers": """
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
PPOTrainerSync._compute_metrics = lambda self, batch, metrics, *args, **kwargs: metrics.update(verls=1)
trainer, metrics = made(), {}
trainer._compute_metrics(batch("a_0_0", "a_1_0", "pad1_0_0"), metrics, {}, global_steps=3, epoch=0)
assert metrics == {
    "verls": 1, "videostr/score/mean": 0.75, "videostr/node/mean": 0.25, "videostr/prompts_failed": 3.0
}, metrics
""",
    "rollout_lines_have_the_parts_of_their_own_reply": """
trainer = made()
trainer._reward_parts = module._reward_parts(batch("a_1_0", "a_0_0"))
lines = dump(trainer, ["a_0_0", "a_1_0"])
assert [line["node"] for line in lines] == [0.5, 0.0], lines
assert [line["uid"] for line in lines] == ["a_0_0", "a_1_0"] and lines[0]["output"] == "r"
""",
    "a_dump_of_other_rows_is_as_verl_writes_it": """
trainer = made()
trainer._reward_parts = module._reward_parts(batch("a_0_0"))
lines = dump(trainer, ["v_0_0"], acc=[1.0])
assert lines == [{"input": "q", "output": "r", "gts": "t", "score": 1.5, "step": 3, "uid": "v_0_0", "acc": 1.0}], lines
""",
    "keys_that_not_every_reply_has_are_left_out": """
assert module._columns({"a": {"x": 1.0, "y": 2.0}, "b": {"x": 3.0}}) == {"x": [1.0, 3.0]}
assert module._columns({}) == {}
""",
}

_RUN_EACH = """
for name, code in json.loads(sys.stdin.read()).items():
    try:
        exec(code, {**globals()})
        print("held", name)
    except BaseException:
        traceback.print_exc()
"""


@pytest.fixture(scope="module")
def held() -> tuple[set[str], str]:
    """The names of the checks that held, and what the process said of the others."""
    done = run_python(_SET_UP + _RUN_EACH, text=json.dumps(_CHECKS))
    return {
        line[5:] for line in done.stdout.splitlines() if line.startswith("held ")
    }, done.stdout + done.stderr


@pytest.mark.parametrize("name", _CHECKS)
def test_the_trainer(held: tuple[set[str], str], name: str) -> None:
    names, said = held
    assert name in names, said


def test_one_variable_registers_it_in_every_process() -> None:
    """VERL_USE_EXTERNAL_MODULES, as the recipes send it to Ray's workers."""
    done = run_python(
        "from verl.trainer.ppo.v1 import get_trainer_cls; print(get_trainer_cls('videostr_sync').__name__)",
        VERL_USE_EXTERNAL_MODULES="videostr.integrations.verl_trainer",
    )
    assert done.stdout.strip().endswith("VideostrTrainerSync"), done.stderr
