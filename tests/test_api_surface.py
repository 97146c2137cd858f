"""The names that the contract promises, and what importing them costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import videostr
from videostr import _core

HEAVY = {
    "torch",
    "verl",
    "ray",
    "pyarrow",
    "matplotlib",
    "scipy",
    "yaml",
    "transformers",
    "vllm",
    "hypothesis",
    "av",
}


COMPONENTS = (
    "format answer node edge chirality motion consistency precision recall graph success length total"
)
REPAIRS = """
    code_fence trailing_comma single_quotes bare_key python_literal round_brackets truncation missing_comma
    repeated_key unit comment text_after void_line void_edge void_node corners_sorted duplicate_id internal
"""


def test_contract_lists() -> None:
    assert list(videostr.COMPONENTS) == COMPONENTS.split()
    assert videostr.GRAPH_STATUS == ("ok", "truncated", "none", "bad", "too_big")
    assert videostr.ANSWER_STATUS == ("ok", "none", "many", "unreadable")
    assert list(videostr.REPAIRS) == REPAIRS.split()
    assert videostr.PRESETS == ("pose-free", "so3", "video-str", "coordinates", "answer-only")


def test_every_public_name_is_there() -> None:
    for name in videostr.__all__:
        assert hasattr(videostr, name), name
    assert videostr.__version__ == _core.__version__


def test_build_info() -> None:
    info = videostr.build_info()
    assert info["version"] == videostr.__version__
    assert info["profile"] in {"debug", "release"}
    assert info["rustc"].startswith("rustc ")
    assert info["threads"] >= 1
    json.dumps(info)


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_brings_numpy_alone() -> None:
    before = "import sys, numpy; before = set(sys.modules)"
    code = f"{before}; import videostr; print(*sorted(set(sys.modules) - before))"
    added = {module.partition(".")[0] for module in _python(code).split()}
    assert not added & HEAVY
    assert added - set(sys.stdlib_module_names) <= {"videostr", "numpy"}


def test_import_is_quick() -> None:
    code = "import numpy, time; t = time.process_time(); import videostr; print(time.process_time() - t)"
    assert min(float(_python(code)) for _ in range(3)) < 0.25


def test_errors_are_value_errors() -> None:
    for error in (videostr.SpecError, videostr.GroundTruthError):
        assert issubclass(error, videostr.VideostrError)
        assert issubclass(error, ValueError)
    assert issubclass(videostr.InternalError, videostr.VideostrError)


def test_assign_solves_and_leaves_its_input_alone() -> None:
    import numpy as np

    cost = np.array([[4.0, 1.0, np.inf], [2.0, np.inf, 3.0]])
    before = cost.copy()
    assert _core.assign(cost).tolist() == [1, 0]
    assert _core.assign(np.full((2, 1), np.inf)).tolist() == [-1, -1]
    assert _core.assign(np.zeros((0, 3))).tolist() == []
    np.testing.assert_array_equal(cost, before)
    with pytest.raises(ValueError, match=r"cost\[1, 0\] is NaN"):
        _core.assign(np.array([[0.0], [np.nan]]))


def test_batches_are_assigned_as_their_matrices_are() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    for rows, columns in ((3, 3), (4, 6), (64, 64), (30, 41), (70, 40), (5, 2)):
        costs = rng.uniform(0, 1, (20, rows, columns))
        assert _core.assign_batch(costs).tolist() == [_core.assign(cost).tolist() for cost in costs]
    assert _core.assign_batch(np.zeros((2, 3, 0))).tolist() == [[-1, -1, -1]] * 2
    with pytest.raises(ValueError, match="contiguous"):
        _core.assign_batch(costs.transpose(0, 2, 1))
    costs[19, 4, 0] = np.nan
    with pytest.raises(ValueError, match=r"costs\[19, 4, 0\] is NaN: expected a number from 0 to 1024"):
        _core.assign_batch(costs)


def test_graphs_are_read_as_arrays() -> None:
    replies = [
        '<graph>{"frames":[{"nodes":[["Chair_1",[1,2,3]],["box",[0.5,1,-2]]]},{"nodes":[]}]}</graph>',
        "no graph",
        "<graph>lamp.2 4 5 6\n",
    ]
    counts, labels, centers = _core.read_graphs(replies, ["chair", "lamp"])
    assert counts.tolist() == [2, 0, 1]
    assert labels.tolist() == [0, 2, 1]
    assert centers.tolist() == [[1, 2, 3], [0.5, 1, -2], [4, 5, 6]]
