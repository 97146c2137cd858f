"""Our trainer inside real verl: what it adds to metrics and rollout files, and that it changes nothing else."""

from __future__ import annotations

import pytest
from fresh_python import needs_verl, run_checks, run_python

pytestmark = [needs_verl, pytest.mark.slow]  # together with the other modules that import verl

_SET_UP = """
import contextlib, json, os, sys, tempfile, traceback
from pathlib import Path
from types import SimpleNamespace
import numpy as np, torch
import verl
from omegaconf import OmegaConf
from transfer_queue import KVBatchMeta
from verl.trainer.ppo.v1 import get_trainer_cls, trainer_base
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
from verl.utils.tensordict_utils import list_of_dict_to_tensordict
import videostr.integrations.verl_endings as endings
import videostr.integrations.verl_trainer as module
from videostr.integrations.verl import KEYS, reward_for
Trainer = get_trainer_cls("videostr_sync")

TRUTH = json.dumps({"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}})
SPEC = {"preset": "pose-free", "length_min": 30, "length_max": 60}

class Queue:
    '''TransferQueue's calls, on rows of this process.'''
    def __init__(self):
        self.rows, self.put = {}, []
    def kv_batch_get(self, keys, partition_id, select_fields):
        assert partition_id == "train"
        fields = [field for field in select_fields if field in self.rows[keys[0]]]
        return list_of_dict_to_tensordict([{f: self.rows[key][f] for f in fields} for key in keys])
    def kv_batch_put(self, keys, partition_id, fields):
        assert partition_id == "train" and fields.batch_size[0] == len(keys)
        self.put.append((set(fields.keys()), list(keys)))
        for name in fields.keys():
            for key, value in zip(keys, fields[name].unbind()):
                self.rows[key][name] = value
        return batch(*keys)

class Tokenizer:
    pad_token_id = 0
    def decode(self, ids, skip_special_tokens):
        assert skip_special_tokens
        return bytes(ids.tolist()).decode()

def batch(*keys):
    tags = [{"is_padding": key.startswith("pad")} for key in keys]
    return KVBatchMeta(keys=list(keys), tags=tags, partition_id="train")

def reply(answer, words):
    return "<think>" + "x" * words + f"</think><answer>{answer}</answer>"

def put(queue, reward, key, text, **changes):
    tokens = len(text)
    info = reward.score(text, TRUTH, tokens=tokens)
    scores = torch.zeros(tokens)
    scores[-1] = info["score"]
    ids = torch.tensor(list(text.encode()))
    queue.rows[key] = {
        "uid": key.rsplit("_", 2)[0], "prompts": torch.tensor(list(b"where?" + key.encode())), "responses": ids,
        "response_mask": torch.ones(tokens, dtype=torch.long), "rm_scores": scores,
        "rollout_log_probs": torch.zeros(tokens), "old_log_probs": torch.zeros(tokens),
        "reward_model": {"ground_truth": TRUTH}, "data_source": "videostr/test", "extra_info": {"index": 7},
        "extra_fields": {"reward_extra_info": info}, **changes}

def config(folder=None, algorithm=None, **function):
    function = {"path": "pkg://videostr.integrations.verl", "reward_kwargs": {"spec": SPEC}, **function}
    return OmegaConf.create({
        "reward": {"custom_reward_function": function},
        "trainer": {"rollout_data_dir": folder, "v1": {"trainer_mode": "videostr_sync"}},
        "algorithm": {"adv_estimator": "grpo", "use_kl_in_reward": False, "gamma": 1.0, "lam": 1.0,
                      "norm_adv_by_std_in_grpo": True, "rollout_correction": None, **(algorithm or {})},
        "advantages": {"ema_decay": 0.5, "ema_largest": 5.0}, "data": {"max_response_length": 100},
        "actor_rollout_ref": {"rollout": {"n": 4}}})

def made(**kwargs):
    '''A trainer of that configuration, without verl's workers, on a step of two groups.

    Of group a one reply answers, of group b three do, one of them in two outputs; one reply of each is too
    long for the length term. Two rows are verl's padding.
    '''
    PPOTrainerSync.__init__ = lambda self, config: setattr(self, "config", config)
    endings.dead_workers_end_the_run = contextlib.nullcontext  # there is no Ray here
    trainer = Trainer(config(**kwargs))
    trainer._failures = SimpleNamespace(
        metrics=lambda step: {"videostr/prompts_failed": float(step)},
        empty_batches_explained=lambda step: contextlib.nullcontext())
    trainer.tokenizer, trainer.timing_raw, trainer.global_steps = Tokenizer(), {}, 3
    queue = Queue()
    module.tq = trainer_base.tq = queue
    reward = trainer._reward or reward_for(SPEC)
    for k in range(4):
        noise = "." * (k == 1)  # costs the format: scores of the group differ in more than one reply
        put(queue, reward, f"a_{k}_0", noise + reply("B" if k == 2 else "A", 10 + k if k < 3 else 90))
        put(queue, reward, f"b_{k}_0", reply("B" if k else "A", 10 + k if k < 3 else 90))
    put(queue, reward, "b_2_1", reply("B", 12))
    queue.rows["b_2_0"] = {**queue.rows["b_2_1"], **texts("first try")}
    pad = {**queue.rows["a_0_0"], **texts("e"), "uid": "padff", "response_mask": torch.zeros(1, dtype=torch.long)}
    queue.rows.update({"padff_0_0": dict(pad), "padff_1_0": dict(pad)})
    keys = ["b_2_1", "a_3_0", "padff_0_0", "b_0_0", "a_0_0", "b_2_0", "a_2_0", "b_3_0", "a_1_0", "b_1_0", "padff_1_0"]
    return trainer, queue, batch(*keys)

def texts(text):
    n = len(text)
    return {"responses": torch.tensor(list(text.encode())), "response_mask": torch.ones(n, dtype=torch.long),
            "rm_scores": torch.zeros(n), "rollout_log_probs": torch.zeros(n), "old_log_probs": torch.zeros(n)}

def last(queue, key):
    scores = queue.rows[key]["rm_scores"]
    assert not scores[:-1].any(), "on the last token alone"
    return float(scores[-1])

def single(values):
    return torch.tensor(values, dtype=torch.float32)

def steps(trainer, queue, rows, **kwargs):
    PPOTrainerSync.step = lambda self, metrics, timing: self._compute_advantage(rows, metrics) and rows
    metrics = {}
    assert trainer.step(metrics, trainer.timing_raw) is rows
    return metrics

def lines(folder, name="3.jsonl"):
    return [json.loads(line) for line in (Path(folder) / name).read_text().splitlines()]
"""

_CHECKS = {
    "it_is_verls_synchronous_trainer": """
assert issubclass(Trainer, PPOTrainerSync)
changed = [name for name in vars(Trainer) if not name.startswith("__") or name == "__init__"]
for name in changed:
    own = {"scored", "_score", "_rollout_folder", "_abc_impl"}
    assert name in own or hasattr(PPOTrainerSync, name), name
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
import contextlib, io, logging
logging.getLogger().setLevel(logging.ERROR)
said = io.StringIO()
with contextlib.redirect_stderr(said):
    assert report.metrics(8)["videostr/prompts_failed/over_length"] == 1
assert said.getvalue().startswith("videostr: step 8: prompts without all their replies: 1 (1 replies), over_length")
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
seen = []
PPOTrainerSync.__init__ = lambda self, config: seen.append(config.trainer.v1.trainer_mode)
Trainer(config())
assert seen == ["sync"], seen
""",
    "a_wrong_reward_ends_the_run_before_it_starts": """
from videostr.errors import SpecError
try:
    made(reward_kwargs={"spec": "posefree"})
except SpecError as error:
    assert "reward_kwargs.spec" in str(error)
else:
    raise AssertionError
""",
    "the_groups_condition_reaches_the_rewards_that_training_reads": """
trainer, queue, rows = made()
before = {key: last(queue, key) for key in rows.keys}
given = queue.rows["a_2_0"]["extra_fields"]["reward_extra_info"]
assert given["length"] == 1
trainer._compute_advantage(rows, {})
assert last(queue, "a_2_0") == float(single(given["score"] - 0.2)) != before["a_2_0"]
for key in set(rows.keys) - {"a_2_0", "b_2_0"}:
    assert last(queue, key) == before[key], key
assert queue.put[0] == ({"rm_scores"}, ["a_2_0"]), queue.put
""",
    "advantages_are_those_of_the_changed_rewards": """
trainer, queue, rows = made()
trainer._compute_advantage(rows, {})
for group, keys in {"a": [f"a_{k}_0" for k in range(4)], "b": ["b_0_0", "b_1_0", "b_2_1", "b_3_0"]}.items():
    scores = single([trainer.scored[key].score for key in keys])
    expected = (scores - scores.mean()) / (scores.std() + 1e-6)
    for key, value in zip(keys, expected):
        assert torch.allclose(queue.rows[key]["advantages"], value, atol=1e-6), key
assert torch.equal(queue.rows["b_2_0"]["advantages"][0], queue.rows["b_2_1"]["advantages"][0])
assert not queue.rows["padff_0_0"]["advantages"].any() and last(queue, "padff_0_0") == 0
""",
    "every_output_of_a_changed_session_has_the_score": """
trainer, queue, rows = made()
for key in ("b_1_0", "b_3_0"):
    del queue.rows[key]
rows = batch(*(key for key in rows.keys if key in queue.rows))
trainer._compute_advantage(rows, {})
assert trainer.scored["b_2_1"].values["length"] == 0, "alone now: the others failed"
assert last(queue, "b_2_1") == last(queue, "b_2_0") == float(single(trainer.scored["b_2_1"].score))
assert list(trainer.scored) == ["a_0_0", "a_1_0", "a_2_0", "a_3_0", "b_0_0", "b_2_1"]
""",
    "metrics_have_the_means_of_what_was_applied": """
trainer, queue, rows = made()
PPOTrainerSync._compute_metrics = lambda self, batch, metrics, *args, **kwargs: metrics.update(verls=1)
metrics = steps(trainer, queue, rows)
trainer._compute_metrics(rows, metrics, {**trainer.timing_raw, "step": 10.0}, global_steps=3, epoch=0)
assert metrics["verls"] == 1
assert metrics["videostr/length/mean"] == 2 / 8, metrics["videostr/length/mean"]
assert metrics["videostr/task/test/replies"] == 8 and metrics["videostr/groups/count"] == 2
assert metrics["videostr/tokens/at_limit"] == 2 / 8, "of 100 tokens"
scores = [one.score for one in trainer.scored.values()]
assert abs(metrics["videostr/score/mean"] - sum(scores) / 8) < 1e-15
assert metrics["videostr/score_changed"] == 1 / 8
assert metrics["videostr/prompts_failed"] == 3.0
assert {"videostr_score", "videostr_metrics"} <= set(trainer.timing_raw)
assert metrics["videostr/reward/worker_seconds"] == 0, "the rows of this test know none"
assert 0 < metrics["videostr/reward/share_of_step"] < 1
""",
    "a_step_writes_its_shard_whole": """
folder = tempfile.mkdtemp()
trainer, queue, rows = made(folder=folder)
steps(trainer, queue, rows)
found = lines(folder)
assert [line["uid"] for line in found] == [f"a_{k}_0" for k in range(4)] + ["b_0_0", "b_1_0", "b_2_1", "b_3_0"]
assert [line["components"]["length"] for line in found] == [0, 0, 0, 0, 0, 1, 1, 0]
for line in found:
    assert line["score"] == line["components"]["total"]
    assert last(queue, line["uid"]) == float(single(line["score"])), "what training used"
    assert line["prompt"] == "where?" + line["uid"] and line["tokens"] == len(line["text"])
    assert (line["data_source"], line["index"], line["ground_truth"]) == ("videostr/test", 7, TRUTH)
assert found[6]["earlier"] == ["first try"] and "earlier" not in found[0]
PPOTrainerSync._log_rollout_data = lambda *_: 1 / 0
trainer._log_rollout_data(rows, {}, folder)
assert "videostr_rollouts" in trainer.timing_raw
""",
    "the_next_step_starts_anew": """
folder = tempfile.mkdtemp()
trainer, queue, rows = made(folder=folder)
steps(trainer, queue, rows)
trainer.global_steps = 4
steps(trainer, queue, batch("a_0_0", "a_1_0"))
assert [line["uid"] for line in lines(folder, "4.jsonl")] == ["a_0_0", "a_1_0"]
assert len(lines(folder)) == 8
""",
    "the_spec_is_written_once_and_metrics_go_on": """
from videostr import RewardSpec
import verl.utils.tracking as tracking
folder = tempfile.mkdtemp()
trainer, queue, rows = made(folder=folder)
fitted = []
PPOTrainerSync.fit = lambda self, manager: fitted.append(manager)
os.environ["VERL_FILE_LOGGER_PATH"] = str(Path(folder) / "metrics.jsonl")
(Path(folder) / "metrics.jsonl").write_text('{"step":1,"data":{}}\\n{"step":2,"da')
trainer.fit("manager")
assert fitted == ["manager"]
assert RewardSpec.from_yaml(Path(folder) / "spec.json") == trainer._reward.scorer.spec
for step in (2, 3):
    logger = tracking.Tracking("p", "e", default_backend=["file"])
    logger.log({"x": 0.5}, step=step)
    logger.logger["file"].finish()
trainer.fit("again")
found = lines(folder, "metrics.jsonl")
assert [line["step"] for line in found] == [1, 2, 3] and found[1]["data"] == {"x": 0.5}, found
""",
    "with_another_reward_it_is_verls_own": """
folder = tempfile.mkdtemp()
trainer, queue, rows = made(folder=folder, path="mine.py")
PPOTrainerSync._log_rollout_data = lambda self, batch, timing, folder: dumped.append(folder)
PPOTrainerSync._compute_metrics = lambda self, batch, metrics, *args, **kwargs: None
dumped = []
metrics = steps(trainer, queue, rows)
trainer._compute_metrics(rows, metrics, {})
trainer._log_rollout_data(rows, {}, folder)
assert dumped == [folder] and not list(Path(folder).iterdir())
assert [key for key in metrics if key.startswith("videostr")] == ["videostr/prompts_failed"], metrics
assert [put[0] for put in queue.put] == [{"advantages", "returns"}]
""",
    "a_batch_of_padding_alone_is_no_batch": """
trainer, queue, rows = made()
trainer._score(batch("padff_0_0"), trainer._reward)
assert trainer.scored == {} and queue.put == []
""",
    "replies_of_one_length_come_as_plain_tensors": """
trainer, queue, rows = made()
assert not trainer_base.tq.kv_batch_get(["a_0_0", "a_0_0"], "train", ["responses"])["responses"].is_nested
trainer._score(batch("a_0_0"), trainer._reward)
assert trainer.scored["a_0_0"].row.text == reply("A", 10)
""",
    "our_estimators_reach_every_row_that_training_reads": """
from videostr.integrations.verl_advantages import weighted_parts
from videostr.train.advantages import EmaStds, component_advantages, ema_advantages
for name in ("videostr_ema", "videostr_components"):
    trainer, queue, rows = made(algorithm={"adv_estimator": name})
    trainer._compute_advantage(rows, {})
    scored = list(trainer.scored.values())
    groups = [one.row.group for one in scored]
    if name == "videostr_ema":
        expected = ema_advantages(np.array([one.score for one in scored]), groups, ["test"] * 8, EmaStds(0.5))
        assert list(trainer._estimator.metrics()) == ["videostr/task/test/ema_std"]
    else:
        expected = component_advantages(*weighted_parts(trainer._reward, scored), groups)
        sums = [sum(w * v for w, v in zip(weighted_parts(trainer._reward, scored)[1], row) if v == v)
                for row in weighted_parts(trainer._reward, scored)[0]]
        assert np.allclose(sums, [one.score for one in scored]), "the parts are those of the score"
    assert len(set(expected)) > 2
    for one, value in zip(scored, expected):
        found = queue.rows[one.row.key]["advantages"]
        assert torch.allclose(found, torch.tensor(value, dtype=found.dtype)), (name, one.row.key)
    assert torch.equal(queue.rows["b_2_0"]["advantages"][0], queue.rows["b_2_1"]["advantages"][0])
    assert not queue.rows["padff_0_0"]["advantages"].any()
""",
    "the_state_goes_on_from_the_checkpoint": """
folder = Path(tempfile.mkdtemp())
def fresh():
    trainer, queue, rows = made(algorithm={"adv_estimator": "videostr_ema"})
    trainer.config.trainer.default_local_dir = str(folder)
    trainer.config.trainer.resume_mode = "auto"
    return trainer, queue, rows
saved, state = [], folder / "global_step_3/videostr_advantages.json"
PPOTrainerSync._save_checkpoint = lambda self: saved.append(state.exists())
PPOTrainerSync._load_checkpoint = lambda self: None
trainer, queue, rows = fresh()
trainer._compute_advantage(rows, {})
trainer._save_checkpoint()
assert saved == [True], "before verl names the checkpoint"
again, queue, rows = fresh()
again._load_checkpoint()
assert again._estimator._stds == trainer._estimator._stds
trainer._compute_advantage(rows, {})
first = {key: queue.rows[key]["advantages"] for key in rows.keys}
again._compute_advantage(rows, {})
assert all(torch.equal(first[key], queue.rows[key]["advantages"]) for key in rows.keys)
import contextlib, io
from videostr.train.advantages import StateError
said = io.StringIO()
again.global_steps = 9
with contextlib.redirect_stderr(said):
    again._load_checkpoint()
assert "global_step_9" in said.getvalue() and "begin anew" in said.getvalue()
state.write_text("{")
again.global_steps = 3
try:
    again._load_checkpoint()
except StateError as error:
    assert "videostr_advantages.json" in str(error) and "remove it" in str(error), error
else:
    raise AssertionError
""",
    "our_estimators_refuse_another_trainer": """
from verl.trainer.ppo.core_algos import get_adv_estimator_fn
from videostr.train.advantages import StateError
for name in ("videostr_ema", "videostr_components"):
    try:
        get_adv_estimator_fn(name)(token_level_rewards=torch.ones(1, 2), response_mask=torch.ones(1, 2), config=None)
    except StateError as error:
        assert "videostr_sync" in str(error)
    else:
        raise AssertionError
""",
}


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], str]:
    """The names of the checks that held, and what the process said of the others."""
    folder = str(tmp_path_factory.mktemp("trainer"))
    return run_checks(_SET_UP, _CHECKS, TMPDIR=folder)


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
