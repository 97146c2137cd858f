"""What every promise needs: scorers from specs, reports as plain numbers, seeded faults, checks gone red."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import videostr
from videostr import COMPONENTS, Reference, RewardSpec, Scorer
from videostr.testing import Frames

T = TypeVar("T")
TESTS = Path(__file__).parents[1]
GRAPH = ("node", "edge", "chirality", "motion")
INTERNAL = 1 << videostr.REPAIRS.index("internal")


class Scores(Protocol):
    """A scorer, or a scorer with a fault."""

    def prepare(self, ground_truth: Any) -> Reference: ...
    def score(self, text: str, ref: Reference, tokens: int | None = None) -> Mapping[str, float]: ...
    def score_batch(self, texts: Sequence[str], refs: Any, **options: Any) -> Any: ...


@functools.cache
def _scorer(preset: str, overrides: str) -> Scorer:
    return Scorer(RewardSpec.preset(preset).replace(**json.loads(overrides)))


def scorer(preset: str = "pose-free", **overrides: Any) -> Scorer:
    """The scorer of a preset with some fields changed, made once."""
    return _scorer(preset, json.dumps(overrides, sort_keys=True))


def values(scorer: Scores, text: str, ref: Reference, tokens: int | None = None) -> dict[str, float]:
    """Every component of one reply by name."""
    report = scorer.score(text, ref, tokens=tokens)
    return {name: report[name] for name in COMPONENTS}


@dataclass(frozen=True)
class Rows:
    """A batch as plain arrays."""

    components: NDArray[np.float64]
    graph_status: NDArray[np.uint8]
    answer_status: NDArray[np.uint8]
    repairs: NDArray[np.uint32]

    def take(self, order: Sequence[int] | slice | NDArray[np.int64]) -> Rows:
        return Rows(
            self.components[order], self.graph_status[order], self.answer_status[order], self.repairs[order]
        )

    def bits(self) -> tuple[bytes, ...]:
        """Everything, to the last bit; NaN only as such."""
        components = np.where(np.isnan(self.components), np.float64("nan"), self.components)
        return tuple(
            np.ascontiguousarray(column).tobytes()
            for column in (components, self.graph_status, self.answer_status, self.repairs)
        )


def rows(scorer: Scores, texts: Sequence[str], refs: Any, **options: Any) -> Rows:
    """Every row of a batch."""
    batch = scorer.score_batch(texts, refs, **options)
    return Rows(
        np.array(batch.components),
        np.array(batch.graph_status),
        np.array(batch.answer_status),
        np.array(batch.repairs),
    )


class Altered:
    """The real scorer with one fault: `fault(text, components)` changes each reply's components in place."""

    def __init__(self, scorer: Scorer, fault: Callable[[str, dict[str, float]], None]) -> None:
        self.scorer = scorer
        self.spec = scorer.spec
        self.fault = fault

    def prepare(self, ground_truth: Any) -> Reference:
        return self.scorer.prepare(ground_truth)

    def score(self, text: str, ref: Reference, tokens: int | None = None) -> dict[str, float]:
        out = values(self.scorer, text, ref, tokens)
        self.fault(text, out)
        return out

    def score_batch(self, texts: Sequence[str], refs: Any, **options: Any) -> Rows:
        batch = rows(self.scorer, texts, refs, **options)
        for text, row in zip(texts, batch.components, strict=True):
            out = dict(zip(COMPONENTS, row.tolist(), strict=True))
            self.fault(text, out)
            row[:] = [out[name] for name in COMPONENTS]
        return batch


class Rewritten:
    """The real scorer that reads another text than the one it was given."""

    def __init__(self, scorer: Scorer, rewrite: Callable[[str], str]) -> None:
        self.scorer = scorer
        self.spec = scorer.spec
        self.rewrite = rewrite

    def prepare(self, ground_truth: Any) -> Reference:
        return self.scorer.prepare(ground_truth)

    def score(self, text: str, ref: Reference, tokens: int | None = None) -> Mapping[str, float]:
        return self.scorer.score(self.rewrite(text), ref, tokens=tokens)

    def score_batch(self, texts: Sequence[str], refs: Any, **options: Any) -> Any:
        return self.scorer.score_batch([self.rewrite(text) for text in texts], refs, **options)


def is_nearly_a_line(frames: Frames, scale: float) -> bool:
    """Whether nodes lie on one line (or in one place) nearly, but not to 1e-9: between 1e-9 and 1e-3 of `scale` off.

    There the best motion exists, but is numerically not unique; no promise is made for such a scope.
    """
    points = np.concatenate([frame.centers for frame in frames if frame.nodes] or [np.zeros((1, 2))])
    spread = points - points.mean(axis=0)
    if len(points) < 2:
        return False
    along = np.linalg.svd(spread, full_matrices=False)[2][0]
    off_line = np.linalg.norm(spread - np.outer(spread @ along, along), axis=1).max() / scale
    off_place = np.linalg.norm(spread, axis=1).max() / scale
    return any(1e-9 < off < 1e-3 for off in (off_line, off_place))


def in_new_process(program: str, **environment: str) -> str:
    """What a fresh Python prints when it runs `program`, with the tests and our own modules in reach."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def assert_goes_red(check: Callable[[T], None], cases: st.SearchStrategy[T], *, examples: int = 300) -> None:
    """The same check over the same cases finds the fault: a check that cannot fail proves nothing."""

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def run(case: T) -> None:
        check(case)

    with pytest.raises(AssertionError):
        run()
