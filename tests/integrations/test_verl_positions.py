"""Trainer and vLLM give every token of a Qwen2.5-VL prompt the same three integers."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from fresh_python import needs_verl, run_python

pytestmark = [
    needs_verl,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
HERE = Path(__file__).parent
CASES = {"float32": 168, "bfloat16": 168, "read by verl": 17, "layouts": 14}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `position_cases` prints; one process for all, because its imports take most of the time."""
    out = tmp_path_factory.mktemp("positions")
    code = f"""
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
import position_cases
position_cases.main(str(make_tiny_qwen2_5_vl({str(out / "model")!r})), {str(out)!r})
"""
    done = run_python(
        code, path=HERE, seconds=800, VIDEOSTR_VERL_CPU="1", HF_HUB_OFFLINE="1", VLLM_LOGGING_LEVEL="ERROR"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return results


@pytest.mark.parametrize("group", CASES)
def test_every_integer_is_the_rollouts(found: dict[str, Any], group: str) -> None:
    cases = found[group]
    assert len(cases) == CASES[group]
    assert {name: difference for name, difference in cases.items() if difference} == {}


def test_the_time_axis_is_the_clips_own(found: dict[str, Any]) -> None:
    """Two positions a second, two frames a grid: 2 x 2 / fps from grid to grid, cut to whole numbers."""
    for fps, axis in found["time axis"].items():
        assert axis == [int(grid * 4 / float(fps)) for grid in range(8)]


def test_stock_verl_still_needs_this(found: dict[str, Any]) -> None:
    """vLLM takes every clip for one of 24 frames a second, and the trainer for one of two."""
    assert set(map(tuple, found["stock time axis"].values())) == {(0, 0, 0, 0, 0, 0, 1, 1)}
    equal = {name for name, difference in found["stock"].items() if not difference}
    assert equal == {name for name in found["stock"] if name.startswith("2 frames")}  # one grid: no time axis


def test_several_clips_need_vllms_cache_off(found: dict[str, Any]) -> None:
    """Because of what vLLM says otherwise, once its cache holds one of the clips and not the other."""
    assert "mm_processor_cache_gb=0" in found["words"]["two clips"]
    assert "length of fps (2) must be equal to the length of video_grid_thw (1)" in found["too small a cache"]


def test_one_clip_beside_images_needs_nothing_of_the_cache(found: dict[str, Any]) -> None:
    """The clip cached and the image not, the image and not the clip, both."""
    assert found["cached"] == [True] * 4


def test_what_it_cannot_know_it_says(found: dict[str, Any]) -> None:
    assert "actor_rollout_ref.rollout.dtype: auto is not one of" in found["words"]["dtype"]
    assert "second_per_grid_ts: 0 values for 1 clips" in found["words"]["no seconds"]


def test_other_models_and_engines_are_verls_own(found: dict[str, Any]) -> None:
    assert found["left alone"] == {"engine": True, "model": True}
