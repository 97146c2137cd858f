"""`RewardSpec`: every choice that scoring leaves open, as a frozen, printable record."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from videostr import _core, _json
from videostr.errors import SpecError

__all__ = ["PRESETS", "SCORING_VERSION", "RewardSpec", "Weights"]

#: Moves whenever a score of some reply under some spec moves; it is part of every fingerprint.
SCORING_VERSION = 5

#: Names of the presets, the default first.
PRESETS: tuple[str, ...] = tuple(_core.PRESETS)

_PRESET_IS_NO_FIELD = "is where a spec starts, not a field; use RewardSpec.preset(name).replace(...)"


class Weights(Mapping[str, float]):
    """Weight of each component in ``total``: an immutable mapping, hashable and picklable."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, float]) -> None:
        self._items = dict(items)

    def __getitem__(self, component: str) -> float:
        return self._items[component]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RewardSpec:
    """A reward, fully written down. The defaults are the preset ``pose-free``.

    Attributes:
        group: Motions that must not change the score: rotations about ``up`` where the reference has it,
            else all (``auto``); all rotations (``so3``); rotations about ``up`` (``yaw``); none (``none``).
        angle: Where edge angles are measured: at the mean of the matched nodes (``centroid``), at the
            observer (``view``), or at the observer in camera space and at the mean elsewhere (``auto``).
        frame_of_reference: Coordinates compared as written (``given``), after the best proper motion
            (``aligned``), or aligned in world space and as written elsewhere (``auto``).
        align_scope: One motion a reply (``clip``), a frame (``frame``), or by space (``auto``).
        free_scale: The best motion may scale too.
        max_starts: Starts of the search for the best motion.
        assignment: How nodes of one label are matched: ``optimal``, ``greedy`` or by ``id``.
        node_kernel, node_s: Credit of a distance between matched nodes, as a share of the reference's scale.
        per_class: Node score averaged by label.
        edge_kernel, edge_s: Credit of a difference between edge lengths.
        angle_weight: Share of the angle in an edge's credit, 0..1.
        edges: Edges computed from the reply's centres (``derived``) or read from it (``stated``).
        edge_norm, frame_norm: Whether what the reply adds counts in the denominator (``both``) or not
            (``reference``).
        motion_s: Width of the motion kernel.
        number, box, box_space: Rules of number and box answers.
        gate: What must hold for the graph's terms to count in ``total``: nothing, the answer, or the format.
        think_prefilled: The chat template has already written ``<think>``.
        length_min, length_max: Reply length in tokens that earns ``length``, both included.
        length_answer_over: The answer score that ``length`` needs more than.
        weights: Weight of each component; those not named keep the default.
        report: Compute every component (``all``) or only those with weight (``weighted``); no value changes.
        max_bytes, max_frames, max_nodes, max_edges: Caps on a reply: bytes, frames, nodes a frame, stated
            edges.

    Raises:
        SpecError: For an unknown field or a value outside its list or range, naming the nearest right one.

    Example:
        >>> spec = RewardSpec.preset("pose-free").replace(max_starts=32, weights={"motion": 0.4})
        >>> spec.max_starts, spec.weights["motion"], spec.weights["node"]
        (32, 0.4, 0.8)
    """

    group: Literal["auto", "so3", "yaw", "none"] = "auto"
    angle: Literal["centroid", "view", "auto"] = "centroid"
    frame_of_reference: Literal["auto", "aligned", "given"] = "auto"
    align_scope: Literal["auto", "clip", "frame"] = "auto"
    free_scale: bool = False
    max_starts: int = 16
    assignment: Literal["optimal", "greedy", "id"] = "optimal"
    node_kernel: Literal["exp", "linear"] = "exp"
    node_s: float = 0.15
    per_class: bool = False
    edge_kernel: Literal["exp", "linear", "ratio", "relative", "mra"] = "exp"
    edge_s: float = 0.15
    angle_weight: float = 0.5
    edges: Literal["derived", "stated"] = "derived"
    edge_norm: Literal["both", "reference"] = "both"
    frame_norm: Literal["both", "reference"] = "both"
    motion_s: float = 0.15
    number: Literal["mra", "relative", "exact2"] = "mra"
    box: Literal["iou", "giou"] = "iou"
    box_space: Literal["reference", "pixel", "norm1", "norm1000"] = "reference"
    gate: Literal["none", "answer", "format"] = "none"
    think_prefilled: bool = False
    length_min: int = 320
    length_max: int = 512
    length_answer_over: float = 0.1
    weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    report: Literal["all", "weighted"] = "all"
    max_bytes: int = 262_144
    max_frames: int = 128
    max_nodes: int = 512
    max_edges: int = 65_536

    def __new__(cls, **fields: Any) -> RewardSpec:
        """Checks the names first, so that a wrong one is a `SpecError` with the nearest right one."""
        unknown = fields.keys() - {field.name for field in dataclasses.fields(cls)}
        if "preset" in unknown:
            raise SpecError(_PRESET_IS_NO_FIELD, "preset")
        if unknown:
            _canonical({name: fields[name] for name in sorted(unknown)})
        return super().__new__(cls)

    def __post_init__(self) -> None:
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        canonical = _canonical(given)
        for name, value in json.loads(canonical).items():
            object.__setattr__(self, name, Weights(value) if name == "weights" else value)
        object.__setattr__(self, "_canonical", canonical)

    @classmethod
    def preset(cls, name: str) -> RewardSpec:
        """The preset of that name; `PRESETS` lists them."""
        return cls.from_dict({"preset": name})

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> RewardSpec:
        """A spec from plain values: any fields, and a ``preset`` to start from (default ``pose-free``).

        Raises:
            SpecError: For what is no mapping, an unknown field or a value outside its list or range.
        """
        if not isinstance(fields, Mapping):
            raise SpecError(f"a spec is a mapping of fields, not {type(fields).__name__}")
        return cls(**json.loads(_canonical(fields)))

    @classmethod
    def from_yaml(cls, path: str | Path) -> RewardSpec:
        """A spec from a file that holds what `from_dict` takes: YAML, or by its ending JSON or TOML.

        YAML needs PyYAML, TOML Python 3.11.

        Raises:
            SpecError: When the file is not such a mapping, naming the file.
        """
        path = Path(path)
        try:
            fields = _load(path)
        except SpecError:
            raise
        except (ValueError, RecursionError) as error:
            raise SpecError(f"{path}: cannot be read: {error}") from None
        if not isinstance(fields, dict):
            raise SpecError(f"{path}: holds {type(fields).__name__}, expected a mapping of spec fields")
        try:
            return cls.from_dict(fields)
        except SpecError as error:
            raise SpecError(f"{error.message} (in {path})", error.field) from None

    def replace(self, **changes: Any) -> RewardSpec:
        """A copy with some fields changed; ``weights`` changes only the components that it names."""
        if "preset" in changes:
            raise SpecError(_PRESET_IS_NO_FIELD, "preset")
        fields = {**self.to_dict(), **changes}
        if isinstance(changes.get("weights"), Mapping):
            fields["weights"] = {**self.weights, **changes["weights"]}
        return self.from_dict(fields)

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain values; `from_dict` gives the spec back."""
        fields: dict[str, Any] = json.loads(self.to_json())
        return fields

    def to_json(self) -> str:
        """Every field as canonical JSON: fixed order, no blanks."""
        canonical: str = self.__dict__["_canonical"]
        return canonical

    @property
    def fingerprint(self) -> str:
        """16 hex digits that stand for this spec and this version of scoring; equal specs have equal ones."""
        stated = f"scoring {SCORING_VERSION}\n{self.to_json()}"
        return hashlib.sha256(stated.encode()).hexdigest()[:16]

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __reduce__(self) -> tuple[Any, ...]:
        return (RewardSpec.from_dict, (self.to_dict(),))


def _canonical(fields: Mapping[str, Any]) -> str:
    try:
        return _core.canonical_spec(_json.dumps(fields))
    except _json.NotJsonError as error:
        raise SpecError(error.message, error.field) from None


def _load(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        try:
            return _json.loads(text)
        except _json.NotJsonError as error:
            raise SpecError(f"{error.message} (in {path})", error.field) from None
    if path.suffix == ".toml":
        if sys.version_info < (3, 11):
            raise SpecError(f"{path}: TOML needs Python 3.11; write the spec as YAML or JSON")
        return importlib.import_module("tomllib").loads(text)
    try:
        import yaml
    except ImportError:
        raise SpecError(
            f"{path}: YAML needs PyYAML: pip install pyyaml, or write the spec as .json"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
