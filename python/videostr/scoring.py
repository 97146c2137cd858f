"""`Scorer` and `Reference`: replies and ground truths in, reports out."""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from videostr import _core, _json
from videostr._chance import chance_level
from videostr.errors import GroundTruthError, SpecError
from videostr.report import BatchReport, Report
from videostr.spec import RewardSpec

__all__ = ["GroundTruth", "Reference", "Scorer"]

#: A ground truth as it is written down: a JSON object as text, or the same as plain Python values.
GroundTruth = str | Mapping[str, Any]

#: Raw ground truths that a scorer keeps prepared: characters of its JSON, and how many of up to that size.
#: The one used longest ago goes first. All together are at most 8 MiB of JSON. Prepared, a reference was
#: measured at 6 to 16 times its JSON, and at up to 45 times with hundreds of nodes a frame: 360 MiB at worst.
REMEMBERED = ((4 * 2**10, 512), (32 * 2**10, 128), (2**20, 2))

_GROUP_UNKNOWN = np.iinfo(np.uint32).max
_log = logging.getLogger("videostr")


class Reference(_core.Reference):
    """A ground truth, validated once and prepared for the spec of one scorer. `Scorer.prepare` makes it.

    Immutable, picklable by its JSON, shareable between threads.
    """

    @property
    def ground_truth(self) -> dict[str, Any]:
        """The ground truth as plain values."""
        truth: dict[str, Any] = json.loads(self.json)
        return truth

    @property
    def spec(self) -> RewardSpec:
        """The spec that it is prepared for."""
        return RewardSpec(**json.loads(self.spec_json))

    def describe(self, *, draws: int = 200, seed: int = 0) -> dict[str, Any]:
        """The chance level of each component: what right labels at random places earn.

        Monte Carlo: `draws` replies state the reference's own frames, ids and labels, each centre drawn
        uniformly from the box around all reference centres (an axis without extent stays; a box without any
        becomes one of the reference's scale); a choice is answered by a random letter. Other answers, and
        the token count, are not guessed: ``answer`` then earns 0 and ``length`` is None.

        Args:
            draws: How many replies; the standard error of a mean is ``std / sqrt(draws)``.
            seed: Of numpy's default generator; the same seed gives the same numbers.

        Returns:
            ``draws``, ``seed``, ``fingerprint`` of the spec and ``components``: for each its ``mean`` and
            ``std``, None where the reference does not define it.
        """
        if draws < 1:
            raise ValueError(f"draws is {draws}: expected at least 1")
        return chance_level(self, Scorer(self.spec), draws=draws, seed=seed)

    def __repr__(self) -> str:
        truth = self.ground_truth
        frames = (truth.get("graph") or {}).get("frames", [])
        kind = (truth.get("answer") or {}).get("kind", "none")
        return f"Reference(answer={kind!r}, frames={len(frames)})"

    def __reduce__(self) -> tuple[Callable[[str, str], Reference], tuple[str, str]]:
        return (_restore_reference, (self.spec_json, self.json))


def _read_reference(core: _core.Scorer, truth: str) -> Reference:
    """A ground truth from outside, refused also for repeated keys, which the core's parser passes over."""
    try:
        _json.loads(truth)
    except _json.NotJsonError as error:
        raise GroundTruthError(error.message, error.field) from None
    except (ValueError, RecursionError):
        pass  # no JSON: the core says where
    try:
        return Reference(core, truth)
    except GroundTruthError as error:
        fault = None if error.field else _json.fault_in_text(truth)
        if fault is None:
            raise
        raise GroundTruthError(fault.message, fault.field) from None


@functools.lru_cache(maxsize=64)
def _core_scorer(spec_json: str) -> _core.Scorer:
    return _core.Scorer(spec_json)


def _restore_reference(spec_json: str, truth_json: str) -> Reference:
    return Reference(_core_scorer(spec_json), truth_json)


@dataclasses.dataclass(frozen=True)
class Scorer:
    """Scores replies under one spec.

    Immutable, picklable, shareable between threads; a forked child may go on with it.

    Attributes:
        spec: What is rewarded and how.

    Example:
        >>> import videostr
        >>> scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free"))
        >>> chair = {"id": "chair.1", "label": "chair", "center": [0, 0, 0]}
        >>> table = {"id": "table.1", "label": "table", "center": [3, 4, 0]}
        >>> graph = {"space": "camera", "unit": "m", "frames": [{"nodes": [chair, table]}]}
        >>> ref = scorer.prepare({"version": 1, "graph": graph})
        >>> reply = "<think><graph>chair.1 0 0 0\\ntable.1 3 4 0</graph></think><answer></answer>"
        >>> scorer.score_batch([reply, "nothing"], ref).node.tolist()
        [1.0, 0.0]
    """

    spec: RewardSpec = dataclasses.field(default_factory=RewardSpec)

    def __post_init__(self) -> None:
        if not isinstance(self.spec, RewardSpec):
            raise TypeError(
                f"spec is {type(self.spec).__name__}, not RewardSpec: see RewardSpec.preset, from_dict"
            )
        core = _core_scorer(self.spec.to_json())
        object.__setattr__(self, "_core", core)
        prepare = functools.partial(_read_reference, core)
        # lru_cache needs no lock of ours, which a forked child might inherit locked
        kept = [(size, functools.lru_cache(maxsize=count)(prepare)) for size, count in REMEMBERED]
        object.__setattr__(self, "_prepare", (*kept, (sys.maxsize, prepare)))

    def __reduce__(self) -> tuple[type[Scorer], tuple[RewardSpec]]:
        return (Scorer, (self.spec,))

    def prepare(self, ground_truth: GroundTruth | Reference) -> Reference:
        """Validates a ground truth and computes once what depends on it and the spec alone.

        The last 512 of up to 4 KiB of JSON are remembered, the last 128 of up to 32 KiB and the last 2 of up
        to 1 MiB.

        Args:
            ground_truth: A JSON object as text or as plain values, or a `Reference` of another scorer.

        Raises:
            GroundTruthError: Naming the field, e.g. ``graph.frames[0].nodes[2].center[1]``; also for a key
                that an object of the JSON text has twice.
            SpecError: When the spec asks for what the ground truth does not have (angle ``view`` without an
                observer).
        """
        if isinstance(ground_truth, Reference):
            return ground_truth if self._owns(ground_truth) else self._prepare_json(ground_truth.json)
        if isinstance(ground_truth, str):
            return self._prepare_json(ground_truth)
        if not isinstance(ground_truth, Mapping):
            found = type(ground_truth).__name__
            raise GroundTruthError(f"a ground truth is a JSON object, as str or dict, not {found}")
        try:
            return self._prepare_json(_json.dumps(ground_truth))
        except _json.NotJsonError as error:
            raise GroundTruthError(error.message, error.field) from None

    def score(self, text: str, ref: Reference | GroundTruth, tokens: float | None = None) -> Report:
        """Scores one reply; the same numbers as its row of a batch without groups.

        Args:
            text: The reply. Lone surrogates count as U+FFFD.
            ref: What it is held against; a raw ground truth is prepared and remembered.
            tokens: Its length in tokens; None or NaN when not known.

        Raises:
            GroundTruthError, SpecError: As `prepare`. A reply never raises.
        """
        if not isinstance(text, str):
            raise TypeError(f"text is {type(text).__name__}, not str")
        return self.score_batch((text,), ref, None if tokens is None else (tokens,))[0]

    def score_batch(
        self,
        texts: Sequence[str],
        refs: Reference | GroundTruth | Sequence[Reference | GroundTruth],
        tokens: Sequence[float | None] | npt.ArrayLike | None = None,
        group_ids: Sequence[Hashable] | npt.NDArray[Any] | None = None,
        num_threads: int | None = None,
    ) -> BatchReport:
        """Scores B replies; the GIL is released once for all of them.

        Args:
            texts: B replies.
            refs: One reference for each, or one for all; raw ground truths are prepared and remembered.
            tokens: B lengths in tokens, None or NaN where not known.
            group_ids: B hashable names of the groups (replies to one prompt), None or NaN where not known;
                with them the length rule's condition on the group applies.
            num_threads: 1..1024; None means the cores that this process may use, capped by
                VIDEOSTR_NUM_THREADS. Small batches are scored on the calling thread. The result does not
                depend on it.

        Raises:
            GroundTruthError, SpecError: Naming the row and the field.
            TypeError, ValueError: When B differs between the arguments, or one is of another type.
        """
        if isinstance(texts, str):
            raise TypeError("texts is one str: pass a list, [text], or call score()")
        texts = tuple(texts)
        references = self._references(refs)
        counts = None if tokens is None else _token_counts(tokens)
        groups = None if group_ids is None else _dense_groups(group_ids)
        components, graph_status, answer_status, repairs, fault = self._core_scorer.score_batch(
            texts, references, counts, groups, num_threads
        )
        if fault is not None:
            _log.error("a bug in videostr was caught, please report it: row %d: %s", *fault)
        return BatchReport(components, graph_status, answer_status, repairs, self, texts, references, counts)

    @property
    def _core_scorer(self) -> _core.Scorer:
        core: _core.Scorer = self.__dict__["_core"]
        return core

    def _owns(self, reference: Reference) -> bool:
        return self._core_scorer.owns(reference)

    def _prepare_json(self, truth: str) -> Reference:
        by_size: tuple[tuple[int, Callable[[str], Reference]], ...] = self.__dict__["_prepare"]
        prepare = next(prepare for size, prepare in by_size if len(truth) <= size)
        try:
            return prepare(truth)
        except UnicodeEncodeError:
            raise GroundTruthError(_json.LONE_SURROGATE) from None

    def _references(
        self, refs: Reference | GroundTruth | Sequence[Reference | GroundTruth]
    ) -> Reference | Sequence[Reference]:
        if isinstance(refs, (Reference, str, Mapping)):
            return self.prepare(refs) if not isinstance(refs, Reference) else refs
        try:
            rows = tuple(refs)
        except TypeError:
            found = type(refs).__name__
            raise TypeError(
                f"refs is {found}: expected a Reference, a ground truth, or a sequence of them"
            ) from None
        # type by type, as a loop over the rows would cost more than scoring some of them
        if set(map(type, rows)) <= {Reference}:
            return cast(tuple[Reference, ...], rows)
        return tuple(self._prepare_row(row, ref) for row, ref in enumerate(rows))

    def _prepare_row(self, row: int, ref: Reference | GroundTruth) -> Reference:
        if isinstance(ref, Reference):
            return ref
        try:
            return self.prepare(ref)
        except (GroundTruthError, SpecError) as error:
            raise type(error)(error.message, error.field, row) from None

    def _explain(self, text: str, reference: Reference, tokens: float | None) -> dict[str, Any]:
        explained: dict[str, Any] = json.loads(self._core_scorer.explain(text, reference, tokens))
        return explained


def _token_counts(tokens: Sequence[float | None] | npt.ArrayLike) -> npt.NDArray[np.float64]:
    try:
        counts = np.asarray(tokens, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError("tokens: expected one number (or None) for each text") from None
    if counts.ndim != 1:
        raise ValueError(f"tokens has shape {counts.shape}: expected one number (or None) for each text")
    wrong = np.flatnonzero((counts < 0) | np.isinf(counts))
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(f"row {row}: tokens[{row}] is {counts[row]:g}: expected a count, None or NaN")
    return counts


def _dense_groups(group_ids: Sequence[Hashable] | npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    names = group_ids.tolist() if isinstance(group_ids, np.ndarray) else group_ids
    numbers: dict[Hashable, int] = {None: int(_GROUP_UNKNOWN)}
    dense = []
    for row, name in enumerate(names):
        try:
            unknown = isinstance(name, (float, np.floating)) and np.isnan(name)
            dense.append(numbers.setdefault(None if unknown else name, len(numbers) - 1))
        except TypeError:
            raise TypeError(f"row {row}: group_ids[{row}] is {type(name).__name__}, not hashable") from None
    return np.array(dense, dtype=np.uint32)
