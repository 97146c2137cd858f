"""Signs of reward hacking and of collapse: what is counted, and from which rate on it is an alarm.

The thresholds are ours and rules of thumb: no paper states them. An alarm is a reason to look at replies, not
a proof.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

from videostr import _core
from videostr.report import GRAPH_STATUS, Report
from videostr.rollouts.rollout import Rollout
from videostr.spec import RewardSpec

#: A policy that knows the format answers nearly always; one reply in four that says nothing learns nothing
#: from its answer.
EMPTY_ANSWER = 0.25
#: The same for graphs: one in four without a node earns nothing of the graph's terms, or lives without them.
EMPTY_GRAPH = 0.25
#: A cut reply is scored on what was cut: over one in ten, the response length is too short for the task.
TRUNCATED = 0.1
#: Over `length_max` tokens nothing pays for length: one reply in four there means that replies only grow.
OVER_LENGTH = 0.25
#: Copies carry no second gradient: over half, a group is worth less than half of its replies.
REPEATED_IN_GROUP = 0.5
#: Replies about different scenes cannot be alike: over one in ten, they are no longer about the scene.
REPEATED_ACROSS_GROUPS = 0.1
#: Objects do not share a place: one reply in ten that piles them up is a habit.
REPEATED_NODES = 0.1
#: Precision falls under a half there: one reply in ten that sprays is a habit that some reward pays for.
SPRAYED_NODES = 0.1
#: Over half of the replies have the format, and what stands in it is no better than chance.
FORMAT_WITHOUT_CONTENT = 0.5
#: A group of equal totals has no advantages: over half, most of the compute teaches nothing.
NO_VARIANCE = 0.5
#: Scores of one fingerprint are the same everywhere; a single line that differs was changed or scored wrongly.
RECORDED_DIFFERS = 0.0
#: A caught bug of ours must never be seen.
INTERNAL = 0.0

#: A reply sprays with more than this many times the reference's nodes, and at least `SPRAY_MORE` more.
SPRAY_FACTOR = 2.0
SPRAY_MORE = 3
#: A reply piles up when at least this share of the nodes of its frames stands where an earlier one does, or
#: has an id that an earlier one has.
PILE_SHARE = 0.5
#: Content is at chance when its mean is at most this much over the chance level (1 is a perfect reply).
CHANCE_MARGIN = 0.05
#: A reply without a graph needs this many words to be compared with other groups': "B" may be right twice.
FEW_WORDS = 20
#: Recorded components may differ by this much from those of a re-scoring.
RECORDED_TOLERANCE = 1e-9


@dataclasses.dataclass(frozen=True)
class AlarmKind:
    """An alarm: it rings when `rate`, hits over `of`, exceeds `threshold`."""

    name: str
    threshold: float
    of: str
    says: str


KINDS = (
    AlarmKind("empty_answer", EMPTY_ANSWER, "replies to a question", "no answer block, or nothing in it"),
    AlarmKind("empty_graph", EMPTY_GRAPH, "replies that should have a graph", "no node was read"),
    AlarmKind("truncated", TRUNCATED, "replies", "cut before the end of think, graph or answer"),
    AlarmKind(
        "over_length",
        OVER_LENGTH,
        "replies of known token count, where length has weight",
        "longer than length_max",
    ),
    AlarmKind(
        "repeated_in_group",
        REPEATED_IN_GROUP,
        "replies in groups",
        "near identical to an earlier one of the group",
    ),
    AlarmKind(
        "repeated_across_groups",
        REPEATED_ACROSS_GROUPS,
        "replies with something to say",
        "near identical to one about another scene",
    ),
    AlarmKind("repeated_nodes", REPEATED_NODES, "replies with a frame of several nodes", "nodes piled up"),
    AlarmKind(
        "sprayed_nodes",
        SPRAYED_NODES,
        "replies that should have a graph",
        "many more nodes than the reference",
    ),
    AlarmKind(
        "format_without_content",
        FORMAT_WITHOUT_CONTENT,
        "replies",
        "the format is right, answers and graphs are at chance",
    ),
    AlarmKind("no_variance", NO_VARIANCE, "groups", "all replies have the same total"),
    AlarmKind(
        "recorded_differs",
        RECORDED_DIFFERS,
        "lines recorded under this spec",
        "recorded components are not those of a re-scoring",
    ),
    AlarmKind("internal", INTERNAL, "replies", "a bug of videostr was caught; please report it"),
)


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a reference asks for.

    Attributes:
        scene: Names its graph, or where it has none the whole reference.
        nodes: In all its frames.
    """

    asks: bool
    has_graph: bool
    nodes: int
    scene: int


@functools.lru_cache(maxsize=512)
def facts_of(reference_json: str) -> Facts:
    """The facts of a reference, from its JSON."""
    truth: dict[str, Any] = json.loads(reference_json)
    graph = truth.get("graph")
    scene = json.dumps(graph or truth, sort_keys=True)
    return Facts(
        asks="answer" in truth,
        has_graph=graph is not None,
        nodes=sum(len(frame["nodes"]) for frame in graph["frames"]) if graph else 0,
        scene=zlib.crc32(scene.encode()),
    )


@dataclasses.dataclass(frozen=True)
class Said:
    """What a reply says.

    Attributes:
        nodes: In all frames, those of a repeated id counted too.
        repeated: Of them, those that stand where an earlier one of the frame does or have its id.
        comparable: Nodes that could be repeated: those of frames with more than one, and repeated ids.
    """

    answer: str | None
    nodes: int
    repeated: int
    comparable: int


def said_in(text: str, *, think_prefilled: bool) -> Said:
    """Reads a reply."""
    _, answer, _, _, repairs, frames = _core.parse(text, think_prefilled)
    dropped = sum(_core.REPAIRS[bit] == "duplicate_id" for bit, _ in repairs)
    nodes = piled = comparable = dropped
    for _, found, _ in frames:
        nodes += len(found)
        if len(found) > 1 or dropped:
            comparable += len(found)
            piled += len(found) - len({tuple(center) for _, _, center in found})
    return Said(answer, nodes, piled, comparable)


def is_cut(text: str, report: Report) -> bool:
    """Whether the reply ends before its graph, its think or its answer does."""
    if GRAPH_STATUS[report.graph_status] == "truncated":
        return True
    return any(text.rfind(f"<{tag}>") > text.rfind(f"</{tag}>") for tag in ("think", "answer"))


def faults(rollout: Rollout, report: Report, said: Said, spec: RewardSpec) -> dict[str, bool]:
    """Of the alarms that look at one reply alone, those that apply to this one, and whether it is at fault.

    Args:
        report: Its scores under `spec`, every component computed.
    """
    facts = facts_of(rollout.reference.json)
    found = {"truncated": is_cut(rollout.text, report), "internal": "internal" in report.repair_names}
    if facts.asks:
        found["empty_answer"] = not (said.answer or "").strip()
    if facts.has_graph:
        found["empty_graph"] = said.nodes == 0
        found["sprayed_nodes"] = (
            said.nodes > SPRAY_FACTOR * facts.nodes and said.nodes - facts.nodes >= SPRAY_MORE
        )
    if rollout.tokens is not None and spec.weights["length"]:
        found["over_length"] = rollout.tokens > spec.length_max
    if said.comparable > 1:
        found["repeated_nodes"] = said.repeated >= PILE_SHARE * said.comparable
    if "components" in rollout.fields and rollout.fields.get("fingerprint") == spec.fingerprint:
        partial = spec.report == "weighted"
        found["recorded_differs"] = bool(differing(rollout.fields["components"], report, partial=partial))
    return found


def differing(recorded: Mapping[str, float | None], report: Report, *, partial: bool = False) -> list[str]:
    """The recorded components that a re-scoring does not give; `partial`: null may stand for any value."""
    due = report.to_dict()["components"]
    return [
        name
        for name, value in recorded.items()
        if name in due and not (partial and value is None) and not _same(value, due[name])
    ]


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=0.0, abs_tol=RECORDED_TOLERANCE)
