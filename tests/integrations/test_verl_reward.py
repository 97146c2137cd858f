"""`compute_score`: a fixed set of finite numbers for every reply, from many threads, whatever happens."""

from __future__ import annotations

import inspect
import json
import math
import pickle
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fresh_python import needs_verl, run_python

import videostr
from videostr.errors import SpecError, TermError
from videostr.integrations.verl import KEYS, compute_score, reward_for, scorer_for

GOLDEN = Path(__file__).parent.parent / "golden" / "worked.jsonl"


def _node(name: str, *center: float) -> dict[str, Any]:
    return {"id": name, "label": name.split(".", maxsplit=1)[0], "center": list(center)}


TRUTH = {
    "version": 1,
    "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]},
    "graph": {
        "space": "world",
        "unit": "m",
        "up": [0, 0, 1],
        "frames": [
            {"nodes": [_node("chair.1", 0, 0, 0), _node("table.1", 3, 0, 0), _node("lamp.1", 0, 2, 1)]},
        ],
    },
}
PERFECT = "<think><graph>@0\nchair.1 0 0 0\ntable.1 3 0 0\nlamp.1 0 2 1</graph></think>\n<answer>B</answer>"
ANSWER_ONLY = {"version": 1, "answer": TRUTH["answer"]}
HOSTILE = [
    "",
    "\x00\x00\x00",
    "\ud800 lone surrogate",
    "<think>" * 5000,
    "<think><graph>" + "[" * 100_000,
    "<think><graph>@0\nchair.1 nan inf -inf\n" + "chair.1 1e999 0 0\n" * 2000,
    "<think><graph>" + "x" * 300_000 + "</graph></think><answer>B</answer>",
    '<think><graph>{"frames":[{"nodes":[["chair.1",[NaN,Infinity,1e400]]]}]}</graph></think><answer></answer>',
    "<answer>B</answer>" * 1000,
    "</think></graph><answer>",
]


def _call(text: str, truth: Any = TRUTH, **kwargs: Any) -> dict[str, float]:
    ground_truth = truth if isinstance(truth, str) else json.dumps(truth)
    return compute_score("videostr/test/side", text, ground_truth, {"index": 0}, **kwargs)


def _check(result: Mapping[str, float]) -> None:
    assert tuple(result) == KEYS
    assert all(type(value) is float and math.isfinite(value) for value in result.values())


def test_the_keys_are_what_they_are_said_to_be() -> None:
    parts = [name for name in videostr.COMPONENTS if name != "total"]
    statuses = [f"graph_status_{name}" for name in videostr.GRAPH_STATUS]
    statuses += [f"answer_status_{name}" for name in videostr.ANSWER_STATUS]
    expected = [
        "score",
        "acc",
        *parts,
        *(f"{name}_defined" for name in parts),
        *statuses,
        "internal",
        "bad_reference",
    ]
    assert list(KEYS) == expected
    assert len(set(KEYS)) == len(KEYS)


def test_no_key_is_one_that_verl_adds_or_a_column_of_the_rows() -> None:
    reserved = {
        "reward",
        "uid",
        "data_source",
        "prompt",
        "videos",
        "images",
        "ability",
        "reward_model",
        "extra_info",
    }
    assert not reserved & set(KEYS)


def test_a_perfect_reply() -> None:
    result = _call(PERFECT)
    _check(result)
    for name in ("format", "answer", "node", "edge", "chirality", "graph"):
        if result[f"{name}_defined"]:
            assert result[name] == pytest.approx(1, abs=1e-9)
    assert result["acc"] == result["answer"] == 1
    assert result["graph_status_ok"] == result["answer_status_ok"] == 1


def test_score_is_the_total_of_the_scorer() -> None:
    scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free"))
    for text in (PERFECT, PERFECT.replace("3 0 0", "2 1 0"), "<answer>B</answer>", ""):
        report = scorer.score(text, TRUTH)
        result = _call(text)
        assert result["score"] == report.total
        for name in videostr.COMPONENTS[:-1]:
            assert result[f"{name}_defined"] == float(not math.isnan(report[name]))
            assert result[name] == (0.0 if math.isnan(report[name]) else report[name])


def test_exactly_one_status_of_each_kind_is_set() -> None:
    for text in (PERFECT, PERFECT[:60], "", "<answer>maybe</answer>", *HOSTILE):
        result = _call(text)
        assert sum(value for key, value in result.items() if key.startswith("graph_status_")) == 1
        assert sum(value for key, value in result.items() if key.startswith("answer_status_")) == 1
    assert _call("")["graph_status_none"] == _call("")["answer_status_none"] == 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("truth", [TRUTH, ANSWER_ONLY], ids=["graph", "answer"])
def test_a_hostile_reply_gives_the_same_keys_and_finite_numbers(text: str, truth: dict[str, Any]) -> None:
    result = _call(text, truth)
    _check(result)
    assert result["internal"] == result["bad_reference"] == 0


def test_what_a_reference_does_not_define_is_zero_and_says_so() -> None:
    result = _call("<think></think><answer>B</answer>", ANSWER_ONLY)
    assert (result["node"], result["node_defined"]) == (0.0, 0.0)
    assert (result["answer"], result["answer_defined"]) == (1.0, 1.0)
    assert (result["length"], result["length_defined"]) == (0.0, 0.0), "verl gives no token count here"


def test_all_the_worked_examples_give_the_same_keys() -> None:
    if not GOLDEN.exists():
        pytest.skip("tests/golden/worked.jsonl is not there")
    seen = 0
    with GOLDEN.open(encoding="utf-8") as file:
        for case in map(json.loads, file):
            if "text" in case and "reference" in case:
                _check(_call(case["text"], case["reference"], spec=case["spec"]))
                seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    "truth", ["", "{", "null", "[]", "{}", '{"version": 1}', json.dumps({**TRUTH, "grpah": {}})]
)
def test_a_bad_reference_is_zero_flagged_and_logged(truth: str, caplog: pytest.LogCaptureFixture) -> None:
    result = _call(PERFECT, truth)
    _check(result)
    assert result["bad_reference"] == 1
    assert sum(result.values()) == 1
    assert "reference" in caplog.text


def test_a_bad_spec_is_zero_and_flagged_too() -> None:
    assert _call(PERFECT, spec="posefree")["bad_reference"] == 1
    with pytest.raises(SpecError, match="pose-free"):
        scorer_for("posefree")


OWN: dict[str, Any] = {"preset": "so3"}
OWN["weights"] = OWN
BAD_SPECS = [
    None,
    3,
    0.5,
    math.nan,
    True,
    [],
    ["so3"],
    {"so3"},
    b"so3",
    object(),
    {"group": object()},
    {3: 4},
    OWN,
]


@pytest.mark.parametrize("spec", BAD_SPECS, ids=range(len(BAD_SPECS)))
def test_no_value_of_the_spec_raises(spec: Any, caplog: pytest.LogCaptureFixture) -> None:
    result = _call(PERFECT, spec=spec)
    _check(result)
    assert (result["bad_reference"], sum(result.values())) == (1, 1)
    assert "spec" in caplog.text
    with pytest.raises(SpecError):
        scorer_for(spec)


def test_a_mapping_that_is_no_dict_is_read() -> None:
    """OmegaConf's are such; one that cannot be read is a bad spec."""

    class Fields(Mapping[str, Any]):
        def __init__(self, fields: dict[str, Any]) -> None:
            self._fields = fields

        def __getitem__(self, name: str) -> Any:
            return self._fields[name]

        def __iter__(self) -> Any:
            return iter(self._fields)

        def __len__(self) -> int:
            return len(self._fields)

    spec = scorer_for(Fields({"preset": "so3", "weights": Fields({"node": 0.5})})).spec
    assert (spec.group, spec.weights["node"]) == ("so3", 0.5)

    class UnreadableFields(Fields):
        def __getitem__(self, name: str) -> Any:
            raise LookupError("interpolation key not found")

    assert _call(PERFECT, spec=UnreadableFields({"preset": "so3"}))["bad_reference"] == 1


def test_the_spec_comes_as_a_name_or_as_fields() -> None:
    assert scorer_for("so3").spec == videostr.RewardSpec.preset("so3")
    changed = scorer_for({"preset": "so3", "weights": {"node": 0.5}}).spec
    assert changed.group == "so3"
    assert changed.weights["node"] == 0.5
    assert _call(PERFECT, spec="answer-only")["score"] == 2.0


def brevity(samples: Sequence[Any]) -> list[float]:
    return [100 / len(sample.text) for sample in samples]


def truncated(samples: Sequence[Any]) -> list[bool]:
    return [sample.truncated and sample.data_source == "src" for sample in samples]


TERMS = [
    {"function": "test_verl_reward:brevity", "weight": 0.5},
    {"function": "test_verl_reward:truncated", "weight": 0, "name": "cut"},
]


def test_own_terms_are_added_and_reported_beside_ours() -> None:
    plain = _call(PERFECT)
    result = _call(PERFECT, terms=TERMS)
    own = ["term_brevity", "term_brevity_failed", "term_cut", "term_cut_failed"]
    assert tuple(result) == (*KEYS, *own)
    assert result["term_brevity"] == 100 / len(PERFECT)
    assert result["score"] == plain["score"] + 0.5 * (100 / len(PERFECT))
    assert result["term_cut_failed"] == 1, "a plain function is not told about truncation: None is no number"
    assert {key: result[key] for key in KEYS if key != "score"} == {
        key: plain[key] for key in KEYS if key != "score"
    }


def test_a_failing_term_is_worth_nothing_and_counted() -> None:
    result = _call("", terms=TERMS)
    assert result["term_brevity"] == 0
    assert result["term_brevity_failed"] == 1
    assert result["score"] == _call("")["score"]
    assert all(type(value) is float and math.isfinite(value) for value in result.values())


def test_the_keys_stay_when_a_reference_is_bad() -> None:
    reward = reward_for("pose-free", TERMS)
    assert tuple(reward.score(PERFECT, "{")) == reward.keys == tuple(reward.score(PERFECT, TRUTH))
    assert reward.score(PERFECT, "{")["bad_reference"] == 1


def test_bad_terms_are_zero_and_flagged_too(caplog: pytest.LogCaptureFixture) -> None:
    for terms in (3, "x", [{"function": "gone:f"}], [{"function": "math:fsum", "weight": math.nan}]):
        result = _call(PERFECT, terms=terms)
        _check(result)
        assert (result["bad_reference"], sum(result.values())) == (1, 1)
        with pytest.raises(TermError):
            reward_for("pose-free", terms)
    assert "gone" in caplog.text


def test_with_a_token_count_length_is_defined() -> None:
    reward = reward_for("pose-free", TERMS)
    result = reward.score(PERFECT, TRUTH, tokens=400, truncated=True, data_source="src")
    assert (result["length"], result["length_defined"], result["term_cut"]) == (1, 1, 1)
    report = videostr.Scorer().score(PERFECT, TRUTH, 400)
    assert result["score"] == report.total + 0.5 * (100 / len(PERFECT)) + 0.0
    assert reward.score(PERFECT, TRUTH, tokens=100)["length"] == 0


def test_one_recipe_has_one_reward() -> None:
    assert reward_for("so3", TERMS) is reward_for("so3", [dict(entry) for entry in TERMS])


def test_verls_other_arguments_are_accepted() -> None:
    assert _call(PERFECT, reward_router_address=None, reward_model_tokenizer=None)["acc"] == 1


def test_one_spec_has_one_scorer() -> None:
    assert scorer_for({"preset": "so3", "max_starts": 8}) is scorer_for({"max_starts": 8, "preset": "so3"})


def test_many_threads_agree_with_one() -> None:
    texts = [PERFECT.replace("3 0 0", f"{3 + k / 50:.2f} {k % 7} 0") for k in range(200)]
    alone = [_call(text) for text in texts]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            assert list(pool.map(_call, texts)) == alone


def test_it_is_a_plain_picklable_function() -> None:
    assert pickle.loads(pickle.dumps(compute_score)) is compute_score
    assert not inspect.iscoroutinefunction(compute_score), "an async function would block verl's event loop"


@needs_verl
@pytest.mark.slow
def test_verl_calls_it_through_its_own_loader_and_manager() -> None:
    """verl's loader, its partial with the recipe's arguments, and its naive manager on one trajectory."""
    code = f"""
import asyncio, json
import numpy as np, torch
from omegaconf import OmegaConf
from tensordict import TensorDict
from verl import DataProto
from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
from verl.trainer.ppo.reward import get_custom_reward_fn
config = OmegaConf.create({{"reward": {{"custom_reward_function": {{
    "path": "pkg://videostr.integrations.verl", "name": "compute_score",
    "reward_kwargs": {{"spec": {{"preset": "pose-free", "weights": {{"edge": 0.5}}}}}}}}}}}})
function = get_custom_reward_fn(config)

class Tokenizer:
    def decode(self, ids, skip_special_tokens):
        return bytes(ids.tolist()).decode()

text = {PERFECT!r}.encode()
mask = torch.ones(1, len(text), dtype=torch.long)
batch = TensorDict({{"responses": torch.tensor([list(text)]), "attention_mask": mask}}, batch_size=1)
truth = {json.dumps(TRUTH)!r}
rows = {{"data_source": "videostr/test/side", "reward_model": {{"ground_truth": truth}}, "extra_info": {{}}}}
data = DataProto(batch=batch, non_tensor_batch={{k: np.array([v], dtype=object) for k, v in rows.items()}})

async def run():
    return await NaiveRewardManager(config, Tokenizer(), function).run_single(data)

result = asyncio.run(run())
info = result["reward_extra_info"]
print("score", result["reward_score"] == info["score"], info["acc"], len(info), info["bad_reference"])
"""
    done = run_python(code)
    assert f"score True 1.0 {len(KEYS)} 0.0" in done.stdout, done.stdout + done.stderr
