"""Reward terms of your own: Python functions whose numbers are added to videostr's total.

A term is a function that takes a sequence of :class:`Sample` and gives back one number for each, in order::

    def brevity(samples):
        return [max(0.0, 1.0 - len(sample.text) / 4000) for sample in samples]

A number may depend on its own sample alone: which samples come together is the trainer's choice. A term that
fails (raises, gives another count of numbers, or what is no finite number) is worth 0 for the samples that it
failed for, and nothing for the others changes.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import logging
import math
import numbers
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from videostr import _json
from videostr.errors import TermError
from videostr.graph import Reply, parse
from videostr.report import Report
from videostr.scoring import Reference

__all__ = ["LARGEST", "Sample", "Term", "TermError", "load_terms", "total_with_terms"]

#: The largest magnitude of a term's number; trainers keep rewards in single precision.
LARGEST = 1e9
#: The largest magnitude of a weight.
LARGEST_WEIGHT = 1e6

_FIELDS = ("function", "weight", "name")
_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_log = logging.getLogger(__name__)
_said: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class Sample:
    """One reply, as a term sees it.

    Attributes:
        text: The reply.
        reference: What it is held against; `reference.ground_truth` has it as plain values.
        report: videostr's own scores of it, ``sample.report["node"]``; NaN where undefined. Without what only
            the whole group decides (the length rule's condition on it).
        tokens: Its length in tokens; None when the trainer does not tell.
        truncated: Whether the trainer cut it at its longest length; None when it does not tell.
        data_source: Of its row; empty when the trainer does not tell.
        extra_info: Of its row.
    """

    text: str
    reference: Reference
    report: Report
    tokens: float | None = None
    truncated: bool | None = None
    data_source: str = ""
    extra_info: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def reply(self) -> Reply:
        """The reply, read: its answer, its graph, what was repaired."""
        return parse(self.text, think_prefilled=self.report.scorer.spec.think_prefilled)


@dataclass(frozen=True)
class Term:
    """A function with its weight.

    Attributes:
        name: It is reported as ``term_<name>`` and ``term_<name>_failed``.
        weight: What its number is multiplied with before it is added.
        path: Where the function was found, ``pkg.module:function``.
        function: Samples in, one number each out.

    Example:
        >>> import videostr
        >>> from videostr.terms import Sample, Term
        >>> term = Term("words", 0.1, "example:words", lambda samples: [len(s.text.split()) for s in samples])
        >>> scorer = videostr.Scorer()
        >>> truth = {"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}
        >>> reply = "<think>so it is</think> <answer>B</answer>"
        >>> report = scorer.score(reply, truth)
        >>> term.evaluate([Sample(reply, report.reference, report)])
        [4.0]
    """

    name: str
    weight: float
    path: str
    function: Callable[[Sequence[Sample]], Sequence[float]]

    def evaluate(self, samples: Sequence[Sample]) -> list[float | None]:
        """The numbers of B samples; None for each sample that the term failed for.

        When the function fails for several samples at once, each is tried alone. The first failure in this
        process is logged with its traceback.
        """
        if not samples:
            return []
        try:
            values = _sequence(self.function(tuple(samples)), len(samples))
        except Exception as error:
            if len(samples) > 1:
                return [self.evaluate((sample,))[0] for sample in samples]
            self._say(error)
            return [None]
        return [self._number(value) for value in values]

    def _number(self, value: Any) -> float | None:
        try:
            return _finite(value)
        except Exception as error:  # a number of the user's own type may do anything
            self._say(error)
            return None

    def _say(self, error: Exception) -> None:
        if (self.name, self.path) not in _said:
            _said.add((self.name, self.path))
            _log.warning(
                "the term %s (%s) failed for a reply and is worth 0 for it; further failures are only counted",
                self.name,
                self.path,
                exc_info=error,
            )


def load_terms(entries: Any) -> tuple[Term, ...]:
    """The terms that a recipe names.

    Args:
        entries: A sequence of mappings with ``function`` (``pkg.module:function``, importable in every
            process that scores), ``weight`` (a finite number, default 1; with 0 it is only reported) and
            ``name`` (letters, digits and ``_``; default the function's own). None: no terms.

    Raises:
        TermError: For an unknown key, a function that cannot be imported, cannot be called with one argument
            or is async, a weight that is no finite number, or a name that is not one or comes twice. Its
            field says which, ``[0].weight``.

    Example:
        >>> from videostr.terms import load_terms
        >>> load_terms([{"function": "math:fsum", "weight": 0.5}])[0].name
        'fsum'
    """
    if entries is None:
        return ()
    try:
        entries = json.loads(_json.dumps(entries))
    except _json.NotJsonError as error:
        raise TermError(error.message, error.field) from None
    if not isinstance(entries, list):
        raise TermError("terms are a list of mappings: [{function: 'pkg.module:function', weight: 0.2}]")
    terms = tuple(_term(entry, f"[{place}]") for place, entry in enumerate(entries))
    keys: set[str] = set()
    for place, term in enumerate(terms):
        own = {term.name, f"{term.name}_failed"}
        if own & keys:
            raise TermError(
                f"the name {term.name!r} is taken by another term: give each its own", f"[{place}].name"
            )
        keys |= own
    return terms


def total_with_terms(total: float, terms: Sequence[Term], values: Sequence[float | None]) -> float:
    """``total`` plus each term's weight times its number, added in order; a failed one adds nothing.

    Example:
        >>> from videostr.terms import load_terms, total_with_terms
        >>> total_with_terms(2.0, load_terms([{"function": "math:fsum", "weight": 0.5}]), [3.0])
        3.5
    """
    for term, value in zip(terms, values, strict=True):
        if value is not None:
            total += term.weight * value
    return total


def _term(entry: Any, place: str) -> Term:
    if not isinstance(entry, dict):
        raise TermError("a term is a mapping: {function: 'pkg.module:function', weight: 0.2}", place)
    for key in entry:
        if key not in _FIELDS:
            near = get_close_matches(key, _FIELDS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TermError(f"unknown key {key!r}{hint}", place)
    path = entry.get("function")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise TermError(f"is {path!r}, expected 'pkg.module:function'", f"{place}.function")
    weight = entry.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or abs(weight) > LARGEST_WEIGHT:
        raise TermError(f"is {weight!r}, expected a number of at most {LARGEST_WEIGHT:g}", f"{place}.weight")
    name = entry.get("name", path.rpartition(":")[2].rpartition(".")[2])
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise TermError(f"is {name!r}, expected letters, digits and _, a letter first", f"{place}.name")
    return Term(name, float(weight), path, _function(path, f"{place}.function"))


def _function(path: str, place: str) -> Callable[[Sequence[Sample]], Sequence[float]]:
    module, _, names = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:  # a module of the user's own may raise anything
        raise TermError(
            f"{module!r} cannot be imported ({type(error).__name__}: {error}): it must be installed, or lie "
            "where Python looks, in every process of the run",
            place,
        ) from error
    for name in names.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            near = get_close_matches(name, dir(found), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TermError(f"{path}: there is no {name!r}{hint}", place) from None
    if not callable(found):
        raise TermError(f"{path} is {type(found).__name__}, not a function", place)
    if inspect.iscoroutinefunction(found):
        raise TermError(f"{path} is an async function; a term is a plain one", place)
    try:
        inspect.signature(found).bind(())
    except ValueError:
        pass  # some builtins have no signature
    except TypeError as error:
        raise TermError(f"{path} cannot be called with one argument, the samples: {error}", place) from None
    function: Callable[[Sequence[Sample]], Sequence[float]] = found
    return function


def _sequence(result: Any, count: int) -> list[Any]:
    result = result.tolist() if hasattr(result, "tolist") else result
    if not isinstance(result, Sequence) or isinstance(result, (str, bytes)):
        raise TypeError(f"it gave {type(result).__name__}, expected a sequence of {count} numbers")
    if len(result) != count:
        raise ValueError(f"it gave {len(result)} numbers for {count} samples")
    return list(result)


def _finite(value: Any) -> float:
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, numbers.Real):
        raise TypeError(f"it gave {type(value).__name__}, expected a number")
    number = float(value)
    if not math.isfinite(number) or abs(number) > LARGEST:
        raise ValueError(f"it gave {number}, expected a finite number of at most {LARGEST:g}")
    return number
