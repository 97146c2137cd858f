"""The reward manager inside real verl: found by its name, and what it hands to scoring."""

from __future__ import annotations

import pytest
from fresh_python import needs_verl, run_checks

pytestmark = [needs_verl, pytest.mark.slow]  # together with the other modules that import verl

_SET_UP = """
import sys
import verl
before = set(sys.modules)
from verl.experimental.reward_loop.reward_manager import get_reward_manager_cls
import asyncio, json, math, threading, traceback
import numpy as np, torch
from omegaconf import OmegaConf
from tensordict import TensorDict
from verl import DataProto
from verl.trainer.ppo.reward import load_reward_manager
from videostr.integrations.verl import KEYS, compute_score, reward_for

TRUTH = json.dumps({"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}})
REPLY = "<think>" + "so " * 120 + "</think><answer>B</answer>"
LONGEST = 600

def seen(samples):
    SEEN.extend(samples)
    return [1.0] * len(samples)

SEEN = []
sys.modules["rewards_of_the_user"] = sys.modules["__main__"]
TERMS = [{"function": "rewards_of_the_user:seen", "weight": 0.25}]

class Tokenizer:
    threads = set()
    def decode(self, ids, skip_special_tokens):
        assert skip_special_tokens
        self.threads.add(threading.get_ident())
        return bytes(ids.tolist()).decode()

def config(**changes):
    function = {"path": "pkg://videostr.integrations.verl", "name": "compute_score",
                "reward_kwargs": {"spec": "pose-free", "terms": TERMS}, **changes}
    return OmegaConf.create({
        "reward": {"custom_reward_function": function, "sandbox_fusion": None,
                   "reward_manager": {"source": "register", "name": "videostr"}},
        "actor_rollout_ref": {"rollout": {"response_length": LONGEST}}})

def manager(**changes):
    return load_reward_manager(
        config(**changes), Tokenizer(), reward_router_address=None, reward_model_tokenizer=None)

def trajectory(*texts, prompts=(3,), lengths=True):
    '''As an agent loop worker makes it: outputs of one session, padded to common widths.'''
    texts = [text.encode() for text in texts]
    prompts = [torch.zeros(n, dtype=torch.long) for n in prompts]
    responses = [torch.tensor(list(text), dtype=torch.long) for text in texts]
    pad = lambda rows: torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = [torch.ones(len(p) + len(r), dtype=torch.long) for p, r in zip(prompts, responses)]
    batch = TensorDict({"prompts": pad(prompts), "responses": pad(responses), "attention_mask": pad(mask)},
                       batch_size=len(texts))
    columns = {"data_source": "videostr/test", "reward_model": {"ground_truth": TRUTH},
               "extra_info": {"index": 4}, "tool_extra_fields": {"turn_scores": []}}
    columns = {key: np.array([value] * len(texts), dtype=object) for key, value in columns.items()}
    if lengths:
        columns["response_len"] = np.array([len(text) for text in texts])
    return DataProto(batch=batch, non_tensor_batch=columns)

def run(data, **changes):
    async def call():
        return await manager(**changes).run_single(data)
    result = asyncio.run(call())
    assert 0 < result["reward_extra_info"].pop("reward_seconds") < 1
    return result
"""

_CHECKS = {
    "verls_import_stays_as_light_as_it_was": """
assert not [name for name in before if name.startswith("verl.experimental")]
assert "videostr.integrations.verl_manager" not in before
assert "videostr.integrations._verl_plugin" in before
""",
    "verl_finds_it_by_its_name": """
found = get_reward_manager_cls("videostr")
assert found.__module__ == "videostr.integrations.verl_manager"
""",
    "length_is_defined": """
result = run(trajectory(REPLY))
info = result["reward_extra_info"]
assert 320 <= len(REPLY) <= 512 and (info["length"], info["length_defined"]) == (1, 1)
assert run(trajectory("<think></think><answer>B</answer>"))["reward_extra_info"]["length"] == 0
""",
    "its_numbers_are_those_of_the_reward": """
result = run(trajectory(REPLY))
expected = reward_for("pose-free", TERMS).score(REPLY, TRUTH, tokens=len(REPLY))
assert result["reward_extra_info"] == expected and result["reward_score"] == expected["score"]
assert list(expected) == [*KEYS, "term_seen", "term_seen_failed"] and "reward" not in expected
assert all(type(value) is float and math.isfinite(value) for value in expected.values())
plain = compute_score("videostr/test", REPLY, TRUTH, terms=TERMS)
assert set(plain) == set(expected) and plain["answer"] == expected["answer"]
""",
    "a_term_sees_what_verl_knows": """
SEEN.clear()
run(trajectory(REPLY))
run(trajectory("x" * LONGEST))
first, second = SEEN
assert (first.tokens, first.truncated, first.data_source) == (len(REPLY), False, "videostr/test")
assert dict(first.extra_info) == {"index": 4, "turn_scores": []}
assert (second.tokens, second.truncated) == (LONGEST, True)
""",
    "of_several_outputs_the_last_is_scored_whatever_their_lengths": """
data = trajectory("a much longer first output " * 9, REPLY, prompts=(50, 2))
assert run(data)["reward_extra_info"] == run(trajectory(REPLY))["reward_extra_info"]
""",
    "without_verls_lengths_the_mask_is_counted": """
assert run(trajectory(REPLY, lengths=False)) == run(trajectory(REPLY))
""",
    "it_scores_off_the_event_loop": """
Tokenizer.threads.clear()
run(trajectory(REPLY))
assert Tokenizer.threads and threading.get_ident() not in Tokenizer.threads
""",
    "many_at_once_agree_with_one": """
texts = [REPLY + "." * k for k in range(40)]
alone = [run(trajectory(text)) for text in texts]
async def together():
    one = manager()
    return await asyncio.gather(*(one.run_single(trajectory(text)) for text in texts))
together = asyncio.run(together())
for result in together:
    result["reward_extra_info"].pop("reward_seconds")
assert together == alone
""",
    "a_bad_truth_is_flagged_and_does_not_raise": """
data = trajectory(REPLY)
data.non_tensor_batch["reward_model"][0] = {"ground_truth": "{"}
info = run(data)["reward_extra_info"]
assert info["bad_reference"] == 1 and sum(info.values()) == 1
""",
    "another_reward_or_a_wrong_one_is_refused": """
from videostr.errors import SpecError, TermError
for changes, error, words in [
    ({"path": None}, SpecError, "scores with videostr's reward alone"),
    ({"reward_kwargs": {"spec": "posefree"}}, SpecError, "reward_kwargs.spec.preset: "),
    ({"reward_kwargs": {"spec": {"max_start": 3}}}, SpecError, "reward_kwargs.spec.max_start: "),
    ({"reward_kwargs": {"terms": [{"function": "gone:f"}]}}, TermError, "reward_kwargs.terms[0].function: "),
]:
    try:
        get_reward_manager_cls("videostr")(config(**changes), Tokenizer(), None)
    except error as refused:
        assert words in str(refused), refused
    else:
        raise AssertionError(changes)
""",
}


@pytest.fixture(scope="module")
def held() -> tuple[set[str], str]:
    """The names of the checks that held, and what the process said of the others."""
    return run_checks(_SET_UP, _CHECKS)


@pytest.mark.parametrize("name", _CHECKS)
def test_the_manager(held: tuple[set[str], str], name: str) -> None:
    names, said = held
    assert name in names, said
