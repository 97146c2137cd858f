from collections.abc import Sequence
from typing import Final, TypedDict, final

import numpy as np
import numpy.typing as npt
from typing_extensions import disjoint_base

__all__ = [
    "ANSWER_STATUS",
    "COMPONENTS",
    "GRAPH_STATUS",
    "PRESETS",
    "REPAIRS",
    "Reference",
    "Scorer",
    "__version__",
    "_panic_once",
    "assign",
    "assign_batch",
    "build_info",
    "canonical_spec",
    "parse",
    "read_graphs",
]

__version__: Final[str]
ANSWER_STATUS: Final[list[str]]
COMPONENTS: Final[list[str]]
GRAPH_STATUS: Final[list[str]]
PRESETS: Final[list[str]]
REPAIRS: Final[list[str]]

class _BuildInfo(TypedDict):
    version: str
    target: str
    profile: str
    rustc: str
    cpu_features: list[str]
    threads: int

@disjoint_base
class Reference:
    def __new__(cls, scorer: Scorer, json: str) -> Reference: ...
    @property
    def json(self) -> str: ...
    @property
    def spec_json(self) -> str: ...

@final
class Scorer:
    def __new__(cls, spec: str) -> Scorer: ...
    @property
    def spec_json(self) -> str: ...
    def owns(self, reference: Reference) -> bool: ...
    def score_batch(
        self,
        texts: Sequence[str],
        refs: Reference | Sequence[Reference],
        tokens: npt.NDArray[np.float64] | None = None,
        groups: npt.NDArray[np.uint32] | None = None,
        num_threads: int | None = None,
    ) -> tuple[
        npt.NDArray[np.float64],
        npt.NDArray[np.uint8],
        npt.NDArray[np.uint8],
        npt.NDArray[np.uint32],
        tuple[int, str] | None,
    ]: ...
    def explain(self, text: str, reference: Reference, tokens: float | None = None) -> str: ...

def assign(cost: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]: ...
def assign_batch(costs: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]: ...
def build_info() -> _BuildInfo: ...
def canonical_spec(json: str) -> str: ...
def parse(
    text: str, think_prefilled: bool
) -> tuple[
    bool,
    str | None,
    int,
    int,
    list[tuple[int, int]],
    list[
        tuple[
            float | None,
            list[tuple[str, int | None, list[float]]],
            list[tuple[int, int, float, float | None]],
        ]
    ],
]: ...
def read_graphs(
    replies: Sequence[str], labels: list[str]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.float64]]: ...
def _panic_once() -> None: ...
