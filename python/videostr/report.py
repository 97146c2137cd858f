"""What scoring gives back: `Report` for one reply, `BatchReport` for many."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

from videostr import _core
from videostr._words import explanation_in_words

if TYPE_CHECKING:
    from videostr.scoring import Reference, Scorer

__all__ = ["ANSWER_STATUS", "COMPONENTS", "GRAPH_STATUS", "REPAIRS", "BatchReport", "Report", "repair_names"]

#: Component columns, in order.
COMPONENTS: tuple[str, ...] = tuple(_core.COMPONENTS)
#: Names of the graph statuses, in the order of their codes.
GRAPH_STATUS: tuple[str, ...] = tuple(_core.GRAPH_STATUS)
#: Names of the answer statuses, in the order of their codes.
ANSWER_STATUS: tuple[str, ...] = tuple(_core.ANSWER_STATUS)
#: Names of the repairs, in the order of their bits.
REPAIRS: tuple[str, ...] = tuple(_core.REPAIRS)

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
#: References whose chance level `BatchReport.describe` estimates, at most, and draws for each.
CHANCE_REFERENCES = 16
CHANCE_DRAWS = 32

_INDEX = {name: column for column, name in enumerate(COMPONENTS)}

Floats = npt.NDArray[np.float64]
ValueT = TypeVar("ValueT", float, Floats)


def repair_names(bits: int) -> tuple[str, ...]:
    """The repairs of a ``repairs`` word, in the order of their bits.

    Example:
        >>> repair_names(0b101)
        ('code_fence', 'single_quotes')
    """
    return tuple(name for bit, name in enumerate(REPAIRS) if bits >> bit & 1)


def _column(component: str) -> int:
    try:
        return _INDEX[component]
    except KeyError:
        raise KeyError(f"no component {component!r}; there are {', '.join(COMPONENTS)}") from None


def _plain(value: float) -> float | None:
    return float(value) if value == value else None  # noqa: PLR0124 - NaN is not itself


class _Component(Generic[ValueT]):
    """A component as an attribute."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, report: Any, owner: type | None = None) -> ValueT:
        if report is None:
            raise AttributeError(self._name)
        value: ValueT = report[self._name]
        return value


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """The scores of one reply.

    Every component is an attribute and ``report["edge"]``; one that the reference does not define is NaN.

    Attributes:
        components: float64 (13,), in the order of `COMPONENTS`; each but ``total`` in [0, 1] or NaN.
        graph_status, answer_status: Codes; `GRAPH_STATUS` and `ANSWER_STATUS` have their names.
        repairs: One bit for each kind of repair, in the order of `REPAIRS`.
        scorer, text, reference, tokens: What was scored.

    Example:
        >>> import videostr
        >>> truth = {"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}
        >>> report = videostr.Scorer(videostr.RewardSpec()).score("<think></think><answer>B</answer>", truth)
        >>> report.answer, report["format"], report.answer_status
        (1.0, 1.0, 0)
    """

    components: Floats
    graph_status: int
    answer_status: int
    repairs: int
    scorer: Scorer = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    reference: Reference = dataclasses.field(repr=False)
    tokens: float | None = dataclasses.field(default=None, repr=False)

    format = _Component[float]()
    answer = _Component[float]()
    node = _Component[float]()
    edge = _Component[float]()
    chirality = _Component[float]()
    motion = _Component[float]()
    consistency = _Component[float]()
    precision = _Component[float]()
    recall = _Component[float]()
    graph = _Component[float]()
    success = _Component[float]()
    length = _Component[float]()
    total = _Component[float]()

    def __getitem__(self, component: str) -> float:
        return float(self.components[_column(component)])

    @property
    def repair_names(self) -> tuple[str, ...]:
        """The repairs by name."""
        return repair_names(self.repairs)

    def to_dict(self) -> dict[str, Any]:
        """Plain values fit for JSON: components (None where undefined), names of statuses and repairs."""
        return {
            "components": {
                name: _plain(value) for name, value in zip(COMPONENTS, self.components, strict=True)
            },
            "graph_status": GRAPH_STATUS[self.graph_status],
            "answer_status": ANSWER_STATUS[self.answer_status],
            "repairs": list(self.repair_names),
        }

    def explanation(self) -> dict[str, Any]:
        """The score taken apart, as plain values: frames, matched pairs, edges, chirality, motion, repairs.

        Computed anew at each call; a batch keeps none of it. Of a row of a batch with groups, ``length`` and
        ``total`` are shown as the row has them.
        """
        explained = self.scorer._explain(self.text, self.reference, self.tokens)
        own = self.to_dict()
        return {**own, **{part: value for part, value in explained.items() if part != "row"}}

    def explain(self) -> str:
        """The score taken apart, in words: pairs, unmatched nodes, edge by edge, each repair in its place."""
        return explanation_in_words(self.explanation(), self.text)


@dataclasses.dataclass(frozen=True, eq=False)
class BatchReport:
    """The scores of B replies, as arrays.

    ``batch["edge"]`` and ``batch.edge`` are columns, ``batch[i]`` is the `Report` of row i.

    Attributes:
        components: float64 (B, 13), columns in the order of `COMPONENTS`, NaN where not defined.
        graph_status, answer_status: uint8 (B,), codes.
        repairs: uint32 (B,), one bit for each kind of repair.
        scorer, texts, references, tokens: What was scored; one reference stands for all rows.
    """

    components: Floats
    graph_status: npt.NDArray[np.uint8]
    answer_status: npt.NDArray[np.uint8]
    repairs: npt.NDArray[np.uint32]
    scorer: Scorer = dataclasses.field(repr=False)
    texts: Sequence[str] = dataclasses.field(repr=False)
    references: Reference | Sequence[Reference] = dataclasses.field(repr=False)
    tokens: Floats | None = dataclasses.field(default=None, repr=False)

    format = _Component[Floats]()
    answer = _Component[Floats]()
    node = _Component[Floats]()
    edge = _Component[Floats]()
    chirality = _Component[Floats]()
    motion = _Component[Floats]()
    consistency = _Component[Floats]()
    precision = _Component[Floats]()
    recall = _Component[Floats]()
    graph = _Component[Floats]()
    success = _Component[Floats]()
    length = _Component[Floats]()
    total = _Component[Floats]()

    def __len__(self) -> int:
        return len(self.components)

    def __iter__(self) -> Iterator[Report]:
        return (self[row] for row in range(len(self)))

    @overload
    def __getitem__(self, key: str) -> Floats: ...
    @overload
    def __getitem__(self, key: int) -> Report: ...
    def __getitem__(self, key: str | int) -> Floats | Report:
        if isinstance(key, str):
            return self.components[:, _column(key)]
        row = range(len(self))[operator.index(key)]
        tokens = None if self.tokens is None or np.isnan(self.tokens[row]) else float(self.tokens[row])
        return Report(
            components=self.components[row],
            graph_status=int(self.graph_status[row]),
            answer_status=int(self.answer_status[row]),
            repairs=int(self.repairs[row]),
            scorer=self.scorer,
            text=self.texts[row],
            reference=self._reference(row),
            tokens=tokens,
        )

    def _reference(self, row: int) -> Reference:
        return self.references[row] if isinstance(self.references, Sequence) else self.references

    def to_dict(self) -> dict[str, Any]:
        """Plain values fit for JSON: `Report.to_dict` column by column, and the fingerprint of the spec."""
        return {
            "fingerprint": self.scorer.spec.fingerprint,
            "components": {name: [_plain(value) for value in self[name]] for name in COMPONENTS},
            "graph_status": [GRAPH_STATUS[code] for code in self.graph_status],
            "answer_status": [ANSWER_STATUS[code] for code in self.answer_status],
            "repairs": [list(repair_names(int(bits))) for bits in self.repairs],
        }

    def describe(self, *, chance: bool = True) -> dict[str, Any]:
        """The batch in numbers, fit for JSON.

        Args:
            chance: Also estimate what right labels at random places earn (`Reference.describe`), as the mean
                over the distinct references of the batch (the first 16 at most), 32 draws for each.

        Returns:
            ``rows``; ``fingerprint``; ``components``: for each its ``defined`` count and over those rows
            ``mean``, ``std``, ``min``, ``q10`` ... ``q90``, ``max`` and ``chance``, None where there is no
            such value; ``graph_status``, ``answer_status`` and ``repairs``: rows by name;
            ``chance_references``: how many references the chance level is the mean of.
        """
        references = self._distinct_references() if chance else []
        levels = [reference.describe(draws=CHANCE_DRAWS) for reference in references]
        return {
            "rows": len(self),
            "fingerprint": self.scorer.spec.fingerprint,
            "components": {
                name: {
                    **_summary(self[name]),
                    "chance": _mean([level["components"][name]["mean"] for level in levels]),
                }
                for name in COMPONENTS
            },
            "graph_status": _histogram(self.graph_status, GRAPH_STATUS),
            "answer_status": _histogram(self.answer_status, ANSWER_STATUS),
            "repairs": {
                name: int(np.count_nonzero(self.repairs >> np.uint32(bit) & np.uint32(1)))
                for bit, name in enumerate(REPAIRS)
            },
            "chance_references": len(references),
        }

    def _distinct_references(self) -> list[Reference]:
        if not len(self):
            return []
        every = self.references if isinstance(self.references, Sequence) else [self.references]
        distinct = {reference.json: reference for reference in every}
        return list(distinct.values())[:CHANCE_REFERENCES]


def _summary(values: Floats) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    if not known.size:
        names = ("mean", "std", "min", *(f"q{round(100 * q)}" for q in QUANTILES), "max")
        return {"defined": 0, **dict.fromkeys(names)}
    return {
        "defined": int(known.size),
        "mean": float(known.mean()),
        "std": float(known.std()),
        "min": float(known.min()),
        **{f"q{round(100 * q)}": float(np.quantile(known, q)) for q in QUANTILES},
        "max": float(known.max()),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _histogram(codes: npt.NDArray[np.uint8], names: Sequence[str]) -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True)}
