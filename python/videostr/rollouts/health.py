"""Running counts over scored rollouts, and the alarms that they ring."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from videostr.report import (
    ANSWER_STATUS,
    CHANCE_DRAWS,
    CHANCE_REFERENCES,
    COMPONENTS,
    GRAPH_STATUS,
    REPAIRS,
    BatchReport,
    Report,
)
from videostr.rollouts import alarms
from videostr.rollouts.ranks import best
from videostr.rollouts.repeats import Remembered, near_identical, sketch
from videostr.rollouts.rollout import Rollout, groups
from videostr.scoring import Reference, Scorer
from videostr.spec import RewardSpec

#: Rows that an alarm names.
EXAMPLES = 5
#: An alarm is looked at in the whole, and in each part (a data source, the last steps) of at least this many
#: rows: of fewer, one reply is more than a rate.
FEWEST_ROWS = 32
QUANTILES = (0.1, 0.5, 0.9)

_FORMAT, _ANSWER, _GRAPH = (COMPONENTS.index(name) for name in ("format", "answer", "graph"))

Chance = Mapping[str, float | None]


class Health:
    """What a set of scored rollouts looks like, as a whole, by data source, and over the steps of a run.

    Counts and sums for each of these, the last 4,096 different texts as sketches, and 16 references for each data
    source are kept; memory does not grow with the rows.

    Args:
        spec: What the rows are judged by.
        first, last: Names of the files (``1.jsonl``) of the first and of the last steps, where a run is
            compared with itself; empty without.

    Example:
        >>> from videostr import RewardSpec
        >>> from videostr.rollouts import Health, Rollout
        >>> health = Health(RewardSpec.preset("answer-only"))
        >>> truth = {"version": 1, "answer": {"kind": "number", "value": 10}}
        >>> ref = health.scorer.prepare(truth)
        >>> texts = ["<think></think><answer></answer>", "<think></think><answer>10</answer>"]
        >>> rollouts = [Rollout(row, text, ref) for row, text in enumerate(texts)]
        >>> health.add(rollouts, health.scorer.score_batch(texts, ref))
        >>> [(alarm["name"], alarm["rate"]) for alarm in health.to_dict()["alarms"] if alarm["rings"]]
        [('empty_answer', 0.5)]
    """

    def __init__(self, spec: RewardSpec, *, first: Sequence[str] = (), last: Sequence[str] = ()) -> None:
        self.spec = spec
        self.scorer = Scorer(spec.replace(report="all"))
        """Scores the rows: every component is looked at, whatever the spec reports."""
        self.all = Tally()
        self.sources: dict[str, Tally] = defaultdict(Tally)
        self.first = Tally() if first else None
        self.last = Tally() if last else None
        self._first, self._last = frozenset(first), frozenset(last)
        self._texts = Remembered()

    def add(self, rollouts: Sequence[Rollout], batch: BatchReport) -> None:
        """Counts a chunk; `batch` is what `scorer` gives for its rollouts. Groups must be whole."""
        for run in groups(rollouts):
            sketches = [sketch(rollouts[position].text) for position in run]
            for offset, position in enumerate(run):
                rollout, report = rollouts[position], batch[position]
                said = alarms.said_in(rollout.text, think_prefilled=self.spec.think_prefilled)
                found = alarms.faults(rollout, report, said, self.spec)
                facts = alarms.facts_of(rollout.reference.json)
                if len(run) > 1:
                    earlier = sketches[:offset]
                    found["repeated_in_group"] = bool(
                        earlier and near_identical(np.stack(earlier), sketches[offset]).any()
                    )
                if facts.has_graph or len(rollout.text.split()) >= alarms.FEW_WORDS:
                    found["repeated_across_groups"] = self._texts.elsewhere(sketches[offset], facts.scene)
                for tally in self._tallies(rollout):
                    tally.add(rollout, report, said, facts, found)
            if len(run) > 1:
                totals = batch.total[run.start : run.stop]
                constant = len(best(totals)) == len(run)
                for tally in self._tallies(rollouts[run.start]):
                    tally.add_group(rollouts[run.start], constant=constant)

    def _tallies(self, rollout: Rollout) -> list[Tally]:
        found = [self.all, self.sources[rollout.data_source]]
        for tally, names in ((self.first, self._first), (self.last, self._last)):
            if tally is not None and rollout.path.name in names:
                found.append(tally)
        return found

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values fit for JSON.

        ``all`` and each of ``data_sources`` have counts, rates, lengths, nodes and components with their
        chance level; ``steps`` has ``first`` and ``last`` where there are steps; ``alarms`` is one entry
        a kind and scope, those that ring first.
        """
        chances = {name: tally.chance() for name, tally in self.sources.items()}
        chance = _mean_chance([(self.sources[name].rows, level) for name, level in chances.items()])
        rung = self._alarms(self.all, "all", chance)
        for name, tally in self.sources.items():
            if len(self.sources) > 1 and tally.rows >= FEWEST_ROWS:
                rung += self._alarms(tally, name, chances[name])
        if self.last is not None and self.last.rows >= FEWEST_ROWS:
            rung += self._alarms(self.last, "last steps", chance)
        steps = {
            name: tally.to_dict(chance)
            for name, tally in (("first", self.first), ("last", self.last))
            if tally is not None
        }
        order = [kind.name for kind in alarms.KINDS]
        return {
            "fingerprint": self.spec.fingerprint,
            "all": self.all.to_dict(chance),
            "data_sources": {name: tally.to_dict(chances[name]) for name, tally in self.sources.items()},
            "steps": steps or None,
            "alarms": sorted(rung, key=lambda alarm: (not alarm["rings"], order.index(alarm["name"]))),
        }

    @staticmethod
    def _alarms(tally: Tally, scope: str, chance: Chance) -> list[dict[str, Any]]:
        return [tally.alarm(kind, scope, chance) for kind in alarms.KINDS]


def _mean_chance(levels: Sequence[tuple[int, Chance]]) -> Chance:
    """By component the mean over the data sources that define it, weighted by their rows."""
    mean: dict[str, float | None] = {}
    for name in COMPONENTS:
        known = [(rows, level[name]) for rows, level in levels]
        known = [(rows, value) for rows, value in known if value is not None]
        rows_in_all = sum(rows for rows, _ in known)
        mean[name] = (
            sum(rows * value for rows, value in known if value is not None) / rows_in_all if known else None
        )
    return mean


class Tally:
    """Counts over some rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.groups = 0
        width = len(COMPONENTS)
        self._graph: Counter[str] = Counter()
        self._answer: Counter[str] = Counter()
        self._repairs: Counter[str] = Counter()
        self._repaired = 0
        self._tokens: Counter[int] = Counter()
        self._characters: Counter[int] = Counter()
        self._nodes: Counter[int] = Counter()
        self._due: Counter[int] = Counter()
        self._defined = np.zeros(width, dtype=np.int64)
        self._sum = np.zeros(width)
        self._formatted_defined = np.zeros(width, dtype=np.int64)
        self._formatted_sum = np.zeros(width)
        self._applies: Counter[str] = Counter()
        self._hits: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = defaultdict(list)
        self._references: dict[str, Reference] = {}

    def add(
        self,
        rollout: Rollout,
        report: Report,
        said: alarms.Said,
        facts: alarms.Facts,
        found: Mapping[str, bool],
    ) -> None:
        """Counts a reply; `found` tells the alarms that apply to it and whether it is at fault."""
        self.rows += 1
        told = report.to_dict()
        self._graph[told["graph_status"]] += 1
        self._answer[told["answer_status"]] += 1
        self._repairs.update(told["repairs"])
        self._repaired += bool(told["repairs"])
        if rollout.tokens is not None:
            self._tokens[int(rollout.tokens)] += 1
        self._characters[len(rollout.text)] += 1
        if facts.has_graph:
            self._nodes[said.nodes] += 1
            self._due[facts.nodes] += 1
        values = report.components
        known = ~np.isnan(values)
        self._defined += known
        self._sum += np.nan_to_num(values)
        if values[_FORMAT] == 1:
            self._formatted_defined += known
            self._formatted_sum += np.nan_to_num(values)
            self._example("format_without_content", rollout)
        if len(self._references) < CHANCE_REFERENCES:
            self._references.setdefault(rollout.reference.json, rollout.reference)
        for name, hit in found.items():
            self._applies[name] += 1
            if hit:
                self._hits[name] += 1
                self._example(name, rollout)

    def add_group(self, first: Rollout, *, constant: bool) -> None:
        """Counts a group by its first reply."""
        self.groups += 1
        self._applies["no_variance"] += 1
        if constant:
            self._hits["no_variance"] += 1
            self._example("no_variance", first)

    def _example(self, name: str, rollout: Rollout) -> None:
        if len(self._examples[name]) < EXAMPLES:
            self._examples[name].append(rollout.place)

    def chance(self) -> Chance:
        """What right labels at random places earn, the mean over the first 16 different references."""
        levels = [
            reference.describe(draws=CHANCE_DRAWS, seed=seed)
            for seed, reference in enumerate(self._references.values())
        ]
        mean: dict[str, float | None] = {}
        for name in COMPONENTS:
            values = [level["components"][name]["mean"] for level in levels]
            known = [value for value in values if value is not None]
            mean[name] = float(np.mean(known)) if known else None
        return mean

    def alarm(self, kind: alarms.AlarmKind, scope: str, chance: Chance) -> dict[str, Any]:
        """One alarm; ``rate`` is None where nothing applies."""
        hits, of = self._hits[kind.name], self._applies[kind.name]
        if kind.name == "format_without_content":
            hits, of = (int(self._formatted_defined[_FORMAT]) if self._at_chance(chance) else 0), self.rows
        rate = hits / of if of else None
        return {
            "name": kind.name,
            "scope": scope,
            "rings": rate is not None and rate > kind.threshold,
            "rate": rate,
            "threshold": kind.threshold,
            "hits": hits,
            "of": of,
            "of_what": kind.of,
            "says": kind.says,
            "rows": self._examples.get(kind.name, []) if hits else [],
        }

    def _at_chance(self, chance: Chance) -> bool:
        """Whether answer and graph of the replies with format 1, each where it is defined, are at chance."""
        judged = False
        for name, column in (("answer", _ANSWER), ("graph", _GRAPH)):
            count, level = int(self._formatted_defined[column]), chance[name]
            if count and level is not None:
                judged = True
                if self._formatted_sum[column] / count > level + alarms.CHANCE_MARGIN:
                    return False
        return judged

    def to_dict(self, chance: Chance) -> dict[str, Any]:
        """Counts, rates, lengths, nodes and components as plain values fit for JSON."""
        return {
            "rows": self.rows,
            "groups": self.groups,
            "graph_status": {name: self._graph[name] for name in GRAPH_STATUS},
            "answer_status": {name: self._answer[name] for name in ANSWER_STATUS},
            "repairs": {name: self._repairs[name] for name in REPAIRS},
            "repaired": self._repaired,
            "length": {"tokens": _spread(self._tokens), "characters": _spread(self._characters)},
            "nodes": {"said": _spread(self._nodes), "reference": _spread(self._due)},
            "components": {
                name: {
                    "defined": int(self._defined[column]),
                    "mean": float(self._sum[column] / self._defined[column])
                    if self._defined[column]
                    else None,
                    "chance": chance[name],
                }
                for column, name in enumerate(COMPONENTS)
            },
            "rates": {
                kind.name: self._hits[kind.name] / self._applies[kind.name]
                if self._applies[kind.name]
                else None
                for kind in alarms.KINDS
                if kind.name != "format_without_content"
            },
        }


def _spread(counts: Counter[int]) -> dict[str, Any] | None:
    """Mean, quantiles (the smallest value that this share does not exceed) and maximum; None of nothing."""
    total = counts.total()
    if not total:
        return None
    values = sorted(counts)
    reached = np.cumsum([counts[value] for value in values])
    quantiles = {
        f"q{round(100 * share)}": values[int(np.searchsorted(reached, math.ceil(share * total)))]
        for share in QUANTILES
    }
    mean = sum(value * count for value, count in counts.items()) / total
    return {"mean": mean, **quantiles, "max": values[-1]}
