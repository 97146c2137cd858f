"""Lines of a run's shards: what our trainer wrote, or verl's own dump, scored here."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from videostr.errors import GroundTruthError, SpecError
from videostr.report import ANSWER_STATUS, COMPONENTS, GRAPH_STATUS, REPAIRS
from videostr.scoring import Scorer

Floats = npt.NDArray[np.float64]

#: Lines that are scored at a time, where they hold no components.
BATCH = 512
NO_TASK = "-"
#: Characters of a task's or term's name.
NAME = 80
#: verl names a rollout ``{sample}_{rollout}_{output}`` (verl/trainer/ppo/v1/trainer_base.py:1316).
_UID = re.compile(r"(.+)_\d+_\d+")
_TOTAL = COMPONENTS.index("total")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a line stands.

    Attributes:
        number: From 1.
        offset, size: In bytes.
    """

    path: Path
    number: int
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.path.name}:{self.number}"


@dataclasses.dataclass(frozen=True)
class Line:
    """A rollout with its scores.

    Attributes:
        task: Its data source.
        group: Names the replies to one prompt, None where it is not known.
        components: float64 (13,), in the order of `COMPONENTS`, NaN where not defined.
        score: What training used; else the total.
        terms: Numbers of the recipe's own terms.
        graph_status, answer_status: None where the reference was not valid.
        ground_truth: As the line has it.
    """

    place: Place
    text: str
    task: str
    group: str | None
    tokens: float | None
    components: Floats
    score: float
    terms: Mapping[str, float]
    graph_status: str | None
    answer_status: str | None
    repairs: tuple[str, ...]
    ground_truth: Any

    def component(self, name: str) -> float:
        """A component, NaN where not defined."""
        return float(self.components[COMPONENTS.index(name)])


@dataclasses.dataclass
class Faults:
    """Lines that are no rollouts.

    Attributes:
        count: How many.
        first: The first one, in words.
        scored: How many lines held no components and were scored here.
    """

    count: int = 0
    first: str = ""
    scored: int = 0

    def add(self, place: Place, message: str) -> None:
        """Counts one."""
        self.count += 1
        self.first = self.first or f"{place}: {message}"


def read_lines(path: Path, scorer: Scorer, faults: Faults) -> Iterator[Line]:
    """The rollouts of a shard in their order; what is none is counted in `faults`."""
    waiting: list[tuple[Place, dict[str, Any]]] = []
    for place, raw in _raw(path):
        fields = _fields(place, raw, faults)
        if fields is None:
            continue
        waiting.append((place, fields))
        if len(waiting) == BATCH:
            yield from _lines(waiting, scorer, faults)
            waiting = []
    yield from _lines(waiting, scorer, faults)


def read_line(place: Place) -> dict[str, Any]:
    """The fields of one line again."""
    with place.path.open("rb") as file:
        file.seek(place.offset)
        fields: dict[str, Any] = json.loads(file.read(place.size))
    return fields


def text_of(fields: Mapping[str, Any]) -> str:
    """The reply of a line, ours or verl's."""
    return str(fields["text"] if "text" in fields else fields["output"])


def truth_of(fields: Mapping[str, Any]) -> Any:
    """The ground truth of a line, ours or verl's."""
    return fields["ground_truth"] if "ground_truth" in fields else fields["gts"]


def _raw(path: Path) -> Iterator[tuple[Place, bytes]]:
    offset = 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.isspace():
                yield Place(path, number, offset, len(raw)), raw
            offset += len(raw)


def _fields(place: Place, raw: bytes, faults: Faults) -> dict[str, Any] | None:
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError) as error:
        faults.add(place, f"is not JSON: {error}")
        return None
    if not isinstance(fields, dict):
        faults.add(place, "is no object")
        return None
    if not isinstance(fields.get("text", fields.get("output")), str):
        faults.add(place, "has no text")
        return None
    if "ground_truth" not in fields and "gts" not in fields:
        faults.add(place, "has no ground_truth")
        return None
    return fields


def _lines(waiting: Sequence[tuple[Place, dict[str, Any]]], scorer: Scorer, faults: Faults) -> Iterator[Line]:
    bare = [each for each in waiting if not isinstance(each[1].get("components"), dict)]
    scored = _scored(bare, scorer, faults) if bare else {}
    for place, fields in waiting:
        report = scored.get(place.number, fields if "components" in fields else None)
        if report is not None:
            yield _line(place, fields, report)


def _scored(
    bare: Sequence[tuple[Place, dict[str, Any]]], scorer: Scorer, faults: Faults
) -> dict[int, dict[str, Any]]:
    """What lines without components would hold, by their number."""
    sound = []
    for place, fields in bare:
        try:
            sound.append((place, fields, scorer.prepare(truth_of(fields))))
        except (GroundTruthError, SpecError) as error:
            faults.add(place, f"ground_truth: {error}")
    batch = scorer.score_batch(
        [text_of(fields) for _, fields, _ in sound],
        [reference for _, _, reference in sound],
        tokens=[tokens_of(fields) for _, fields, _ in sound],
        group_ids=[_group(fields) for _, fields, _ in sound],
    )
    faults.scored += len(sound)
    return {place.number: report.to_dict() for (place, _, _), report in zip(sound, batch, strict=True)}


def _line(place: Place, fields: Mapping[str, Any], report: Mapping[str, Any]) -> Line:
    components = np.array([_value(report["components"].get(name)) for name in COMPONENTS])
    score = finite(fields.get("score"))
    terms = {name: value for name, value in terms_of(fields).items() if value is not None}
    return Line(
        place=place,
        text=text_of(fields),
        task=task_name(fields.get("data_source")),
        group=_group(fields),
        tokens=tokens_of(fields),
        components=components,
        score=float(components[_TOTAL]) if score is None else score,
        terms=terms,
        graph_status=_one_of(GRAPH_STATUS, report.get("graph_status")),
        answer_status=_one_of(ANSWER_STATUS, report.get("answer_status")),
        repairs=_known_repairs(report.get("repairs")),
        ground_truth=truth_of(fields),
    )


def task_name(data_source: Any) -> str:
    """A data source as a page names it: without the ``videostr/`` of our builders, cut where it is long.

    >>> task_name("videostr/kitti/displacement"), task_name(None)
    ('kitti/displacement', '-')
    """
    return str(data_source).removeprefix("videostr/")[:NAME] if data_source else NO_TASK


def _group(fields: Mapping[str, Any]) -> str | None:
    group = fields.get("group")
    if group is None and isinstance(fields.get("uid"), str):
        found = _UID.fullmatch(fields["uid"])
        return found[1] if found else None
    return None if group is None else str(group)


def _one_of(names: Sequence[str], value: Any) -> str | None:
    return value if isinstance(value, str) and value in names else None


def _known_repairs(names: Any) -> tuple[str, ...]:
    return tuple(name for name in REPAIRS if name in names) if isinstance(names, list) else ()


def tokens_of(fields: Mapping[str, Any]) -> float | None:
    """The length of a line's reply in tokens; None where it is not known."""
    tokens = finite(fields.get("tokens"))
    return None if tokens is None or tokens < 0 else tokens


def terms_of(fields: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers of a line's own terms, None for one that failed."""
    terms = fields.get("terms")
    return {name[:NAME]: finite(value) for name, value in terms.items()} if isinstance(terms, dict) else {}


def components_of(fields: Mapping[str, Any]) -> dict[str, float | None] | None:
    """The components that a line holds, by the names that there are; None where it holds none."""
    components = fields.get("components")
    return (
        {name: finite(components.get(name)) for name in COMPONENTS} if isinstance(components, dict) else None
    )


def finite(value: Any) -> float | None:
    """A finite number that JSON has; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _value(value: Any) -> float:
    found = finite(value)
    return math.nan if found is None else found
