"""Hypothesis strategies for scenes, motions, replies and mutations (needs the `dev` extra's `hypothesis`).

Structure (how many objects, which labels, which fault) is drawn by hypothesis and shrinks; places and
rotations come from a drawn seed, because a rotation that shrinks is not uniform any more.

>>> from hypothesis import find
>>> scene = find(general_scenes(min_nodes=2), lambda scene: scene.group == "yaw")
>>> scene.dimension, scene.up is not None, len(scene.frames[0].nodes) >= 2
(3, True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from videostr import RewardSpec
from videostr.testing import motions as _motions
from videostr.testing import scenes as _scenes
from videostr.testing.answers import ANSWER_KINDS, random_answer, right_answer
from videostr.testing.mutations import MUTATIONS, mutate, shuffle, wander
from videostr.testing.replies import FAULTS, Form, reply
from videostr.testing.scenes import Frames, Labelling, Point, Scene, Space

__all__ = [
    "Mutation",
    "answers",
    "clips",
    "degenerate_scenes",
    "faults",
    "forms",
    "frames_of",
    "general_scenes",
    "generators",
    "hostile_texts",
    "labels",
    "lone_objects",
    "motions",
    "mutations",
    "relabelled",
    "replies",
    "rotations",
    "rotations_2d",
    "scenes",
    "specs",
    "symmetric_scenes",
    "translations",
    "ups",
    "wandering_replies",
    "yaw_rotations",
]

Array = NDArray[np.float64]

_LABELLINGS: tuple[Labelling, ...] = ("unique", "mixed", "equal")
_SPACES: dict[int, tuple[Space, ...]] = {2: ("world", "image"), 3: ("world", "camera")}

_PRESETS = ("pose-free", "so3", "video-str", "coordinates", "answer-only")
_KNOBS: dict[str, list[Any]] = {
    "group": ["auto", "so3", "none"],
    "angle": ["centroid"],
    "frame_of_reference": ["auto", "aligned", "given"],
    "align_scope": ["auto", "clip", "frame"],
    "free_scale": [False, True],
    "max_starts": [1, 16, 64],
    "assignment": ["optimal", "greedy", "id"],
    "node_kernel": ["exp", "linear"],
    "node_s": [0.15, 0.05],
    "per_class": [False, True],
    "edge_kernel": ["exp", "linear", "ratio", "relative", "mra"],
    "edge_s": [0.15, 0.3],
    "angle_weight": [0.0, 0.5, 1.0],
    "edges": ["derived", "stated"],
    "edge_norm": ["both", "reference"],
    "frame_norm": ["both", "reference"],
    "motion_s": [0.15, 0.5],
    "number": ["mra", "relative", "exact2"],
    "box": ["iou", "giou"],
    "gate": ["none", "answer", "format"],
    "weights": [{"motion": 0.4}, {"node": 0.0, "edge": 0.0, "chirality": 0.0}, {"answer": 0.1, "edge": 3.7}],
}


_PLACES, _TURNS, _AXES, _SHIFTS, _ANSWERS, _PATHS, _FAULTS, _ORDER = range(1, 9)
"""Streams of random numbers, one for each thing that is drawn."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A named fault and the frames that carry it."""

    name: str
    frames: Frames


def generators(stream: int = 0) -> st.SearchStrategy[np.random.Generator]:
    """Seeded numpy generators, for everything that has to be uniform rather than small.

    Generators of different streams are independent, also where hypothesis draws the same seed for both.
    """
    return st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng((stream, seed)))


def rotations() -> st.SearchStrategy[Array]:
    """Rotations uniform on SO(3), (3, 3)."""
    return generators(_TURNS).map(_motions.uniform_rotation)


def ups() -> st.SearchStrategy[Point]:
    """Directions of gravity: an axis, an axis pointing down, or any unit vector."""
    axes = st.sampled_from([(0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0)])
    return st.one_of(axes, generators(_AXES).map(_any_direction))


def yaw_rotations(up: Point | None = None) -> st.SearchStrategy[Array]:
    """Rotations by a uniform angle about `up` (None: any direction), (3, 3)."""
    axes = ups() if up is None else st.just(up)
    return st.builds(_motions.rotation_about, axes, _angles())


def rotations_2d() -> st.SearchStrategy[Array]:
    """Rotations of the plane by a uniform angle, (2, 2)."""
    return _angles().map(_motions.rotation_2d)


def translations(dimension: int, reach: float = 10.0) -> st.SearchStrategy[Array]:
    """Translations of up to `reach` scene units along each axis, (dimension,)."""
    return generators(_SHIFTS).map(lambda rng: rng.uniform(-reach, reach, dimension))


def motions(
    scene: Scene, *, group: str | None = None, reach: float = 10.0
) -> st.SearchStrategy[_motions.Motion]:
    """Motions of the scene's own group (or of the one named), with a translation of up to `reach` times D."""
    chosen: Any = group or scene.group
    span = reach * scene.diameter
    return generators(_TURNS).map(lambda rng: _motions.random_motion(rng, chosen, up=scene.up, reach=span))


def answers(kinds: Sequence[str] = ANSWER_KINDS) -> st.SearchStrategy[dict[str, Any]]:
    """Reference answers of these kinds."""
    return st.builds(random_answer, generators(_ANSWERS), st.sampled_from(list(kinds)))


@st.composite
def general_scenes(
    draw: st.DrawFn,
    *,
    min_nodes: int = 1,
    max_nodes: int = 8,
    dimension: Literal[2, 3] | None = None,
    labelling: Labelling | None = None,
    gravity: bool | None = None,
    space: Space | None = None,
) -> Scene:
    """One frame of objects in general position: no symmetry and no tie, almost surely.

    What is None is drawn: dimension 2 or 3, how labels are dealt, whether `up` is known, the space.
    """
    dim: int = draw(st.sampled_from([3, 2])) if dimension is None else dimension
    where: Space = draw(st.sampled_from(_SPACES[dim])) if space is None else space
    if where not in _SPACES[dim]:
        raise ValueError(f"space {where!r} does not go with dimension {dim}: take one of {_SPACES[dim]}")
    known = dim == 3 and (draw(st.booleans()) if gravity is None else gravity)
    up = draw(ups()) if known else None
    dealt: Labelling = draw(st.sampled_from(_LABELLINGS)) if labelling is None else labelling
    scene = _scenes.random_scene(
        draw(generators(_PLACES)),
        nodes=draw(st.integers(min_nodes, max_nodes)),
        dimension=dim,
        labelling=dealt,
        up=up,
        space=where,
        size=100.0 if where == "image" else 4.0,
    )
    scale = scene.diameter * draw(st.sampled_from([1.0, 1.25, 2.0])) if draw(st.booleans()) else None
    return replace(scene, scale=scale, answer=draw(st.one_of(answers(), st.none())))


@st.composite
def clips(
    draw: st.DrawFn,
    /,
    *,
    min_frames: int = 2,
    max_frames: int = 5,
    hidden: float | None = None,
    timed: bool | None = None,
    **scene_options: Any,
) -> Scene:
    """Clips of `general_scenes` (whose options are passed on): some objects move, some hide at times."""
    scene = draw(general_scenes(**scene_options))
    return _scenes.clip(
        draw(generators(_PATHS)),
        scene,
        frames=draw(st.integers(min_frames, max_frames)),
        speed=0.1 * scene.diameter,
        hidden=draw(st.sampled_from([0.0, 0.2])) if hidden is None else hidden,
        timed=draw(st.booleans()) if timed is None else timed,
    )


def lone_objects() -> st.SearchStrategy[Scene]:
    """Clips of one object alone, moving or standing still, with and without gravity."""
    return st.builds(
        _scenes.lone_object,
        st.integers(1, 6),
        dimension=st.just(3),
        up=st.one_of(st.none(), ups()),
        step=st.sampled_from([1.0, 0.25, 0.0]),
    )


def symmetric_scenes() -> st.SearchStrategy[Scene]:
    """Scenes with motions or mirrors onto themselves: rings, tables with chairs, tetrahedra, cubes, grids."""
    vertical = st.sampled_from([None, (0.0, 0.0, 1.0)])
    return st.one_of(
        st.builds(_scenes.regular_polygon, st.integers(3, 8), dimension=st.just(2), equal=st.booleans()),
        st.builds(
            _scenes.regular_polygon, st.integers(3, 8), dimension=st.just(3), up=vertical, equal=st.booleans()
        ),
        st.builds(_scenes.table_with_chairs, st.sampled_from([4, 2, 3, 6]), up=vertical),
        st.builds(_scenes.tetrahedron, mirrored=st.booleans(), equal=st.booleans(), up=vertical),
        st.builds(_scenes.cube, up=vertical),
        st.builds(
            _scenes.integer_grid,
            st.sampled_from([(3, 3), (2, 3), (4, 4), (2, 2, 2), (3, 2, 2), (3, 3, 1)]),
            labels=st.sampled_from([1, 2, 3, 5]),
        ),
    )


def degenerate_scenes() -> st.SearchStrategy[Scene]:
    """Scenes with too little shape: one place, one line, one plane, one node, two nodes."""
    dimensions = st.sampled_from([3, 2])
    gravity = st.sampled_from([None, (0.0, 0.0, 1.0)])
    return st.one_of(
        st.builds(_scenes.coincident, st.integers(1, 5), dimension=dimensions),
        st.builds(_scenes.collinear, st.integers(2, 5), dimension=dimensions, equal=st.booleans()),
        st.builds(
            _scenes.collinear,
            st.integers(2, 5),
            up=gravity,
            equal=st.booleans(),
            direction=st.sampled_from([(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1.0, 2.0, 0.5)]),
        ),
        st.builds(
            _scenes.planar,
            generators(_PLACES),
            st.integers(3, 7),
            labelling=st.sampled_from(["unique", "mixed"]),
            up=gravity,
        ),
        general_scenes(min_nodes=1, max_nodes=2),
    )


def scenes() -> st.SearchStrategy[Scene]:
    """Everything: general, symmetric and degenerate scenes, clips, clips of a lone object."""
    return st.one_of(general_scenes(), symmetric_scenes(), degenerate_scenes(), clips(), lone_objects())


_ODD_LABELS = (
    *("nan", "inf", "None", "true", "m", "cm", "deg", "e5 x", "3d printer", "no 5 sign", "T.V", "o'clock"),
    *(
        'say "hi"',
        "back\\slash",
        "50% off",
        "x/y",
        "traffic_light",
        "semi-trailer",
        "Straße",
        "İstanbul",
        "車",
    ),
)


def labels() -> st.SearchStrategy[str]:
    """Labels that a reference may have and a reader may trip over.

    Other scripts, quotes, inner digits, words that look like numbers, units or literals.
    """
    letters = st.text(st.characters(categories=["Ll", "Lu", "Lo"]), min_size=1, max_size=8)
    return st.one_of(st.sampled_from(_ODD_LABELS), letters)


@st.composite
def relabelled(draw: st.DrawFn, scene: Scene) -> Scene:
    """The scene with other labels (see `labels`), all numbered; nodes of one label stay of one label."""
    old = sorted({node.label for frame in scene.frames for node in frame.nodes})
    new = draw(st.lists(labels(), min_size=len(old), max_size=len(old), unique_by=_folded))
    names = dict(zip(old, new, strict=True))
    return replace(
        scene,
        frames=tuple(
            replace(f, nodes=tuple(replace(n, label=names[n.label], suffix=n.suffix or 1) for n in f.nodes))
            for f in scene.frames
        ),
    )


def mutations(scene: Scene, names: Sequence[str] = tuple(MUTATIONS)) -> st.SearchStrategy[Mutation]:
    """One of the named faults of `MUTATIONS` at a random node of the scene."""
    return st.builds(
        lambda rng, name: Mutation(name, mutate(rng, scene, name)),
        generators(_FAULTS),
        st.sampled_from(list(names)),
    )


def wandering_replies(scene: Scene, *, noise: float = 0.05, faults: int = 2) -> st.SearchStrategy[Frames]:
    """Plausible wrong replies: noise on every centre (deviation up to `noise` times D), then mutations."""
    levels = st.sampled_from([0.0, 0.2 * noise, noise])
    return st.builds(
        lambda rng, level: wander(rng, scene, noise=level, faults=faults), generators(_FAULTS), levels
    )


@st.composite
def frames_of(draw: st.DrawFn, scene: Scene) -> Frames:
    """What a model may say about the scene: from the truth to a few faults, in any order, frames lost."""
    frames = draw(
        st.one_of(st.just(scene.frames), wandering_replies(scene), wandering_replies(scene, noise=0.5))
    )
    if len(frames) > 1 and draw(st.booleans()):
        keep = draw(st.sets(st.integers(0, len(frames) - 1), min_size=1))
        frames = tuple(frames[k] for k in sorted(keep))
    return shuffle(draw(generators(_ORDER)), frames) if draw(st.booleans()) else frames


def forms() -> st.SearchStrategy[Form]:
    """The two surface forms."""
    return st.sampled_from(["json", "lines"])


@st.composite
def faults(draw: st.DrawFn, form: Form, frames: Frames) -> frozenset[str]:
    """Sets of faults that this form can carry together, for this graph (see `FAULTS`)."""
    names = list(FAULTS[form])
    if not any(node.suffix is not None for frame in frames for node in frame.nodes):
        names.remove("duplicate_id")
    chosen = draw(st.frozensets(st.sampled_from(names), max_size=4))
    return chosen - {"text_after"} if "truncation" in chosen else chosen


@st.composite
def replies(draw: st.DrawFn, scene: Scene, *, dirty: bool = True) -> str:
    """Whole replies about the scene: right or wrong, in either form, clean or (with `dirty`) with faults."""
    frames = draw(frames_of(scene))
    form = draw(forms())
    chosen = draw(faults(form, frames)) if dirty else frozenset[str]()
    answer = draw(st.sampled_from([right_answer(scene.answer), "B", "4.2 m", "[1, 2, 30, 40]", ""]))
    return reply(frames, answer, form=form, faults=chosen, unit="px" if scene.space == "image" else "m")


@st.composite
def specs(draw: st.DrawFn, /, **fixed: Any) -> RewardSpec:
    """Specs: a preset with a few fields changed; `fixed` fields are the same in all.

    Angle `view` is left out, because a reference without an observer refuses it: fix it where it is wanted.
    """
    changed = draw(
        st.fixed_dictionaries({}, optional={name: st.sampled_from(v) for name, v in _KNOBS.items()})
    )
    preset = RewardSpec.preset(draw(st.sampled_from(_PRESETS)))
    return preset.replace(**{**changed, **fixed})


def hostile_texts(scene: Scene) -> st.SearchStrategy[str]:
    """Replies that no parser likes: any text (lone surrogates too), torn tags, cut and spliced replies."""
    tags = ["<think>", "</think>", "<graph>", "</graph>", "<answer>", "</answer>"]
    starts = ['{"frames":[', '"nodes":', '["chair.1",[', "@0", "```"]
    pieces = ["]]", "}", "-", " - ", "nan", "1e999", "#", "\ud800", "\n"]
    scraps = [*tags, *starts, *pieces]
    anything = st.text(st.characters(exclude_categories=()), max_size=60)
    piece = st.one_of(st.sampled_from(scraps), anything, st.floats().map(repr))
    soup = st.lists(piece, max_size=25).map("".join)
    in_tags = soup.map(lambda text: f"<think><graph>{text}</graph></think><answer>1</answer>")
    return st.one_of(anything, soup, in_tags, _torn(scene))


@st.composite
def _torn(draw: st.DrawFn, scene: Scene) -> str:
    text = draw(replies(scene))
    for _ in range(draw(st.integers(1, 3))):
        i, j = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        piece = draw(
            st.one_of(st.just(""), st.just(text[i:j] * 2), st.text(max_size=3), st.just(text[i:j][::-1]))
        )
        text = text[:i] + piece + text[j:]
    return text


def _folded(label: str) -> str:
    return " ".join(label.casefold().replace("_", " ").replace("-", " ").split())


def _angles() -> st.SearchStrategy[float]:
    return generators(_TURNS).map(lambda rng: float(rng.uniform(-np.pi, np.pi)))


def _any_direction(rng: np.random.Generator) -> Point:
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    return tuple(float(value) for value in direction)
