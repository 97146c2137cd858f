"""What is drawn is what the references say: places, depths, outlines, occlusion."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from videostr.data.world import Room, Scene, Street, observe, render
from videostr.data.world.camera import Camera, Lens
from videostr.data.world.cast import View, count, meet
from videostr.data.world.motion import Leg, Motion
from videostr.data.world.solids import SHAPES, Shape, Solid

LENS = Lens(224, 168, math.radians(64))
ROOM = Room(12.0, 10.0, 3.0, 0)


def solid(shape: Shape, x: float, y: float, *, colour: str | None = "red", **motion: float) -> Solid:
    size = {"box": (0.8, 0.5, 1.1), "ball": (0.9, 0.9, 0.9)}.get(shape, (0.9, 0.9, 1.2))
    legs = (Leg(9.0, motion["speed"], motion.get("turn", 0.0)),) if motion else ()
    return Solid(shape, colour, size, Motion((x, y), motion.get("heading", 0.4), legs))


def camera(x: float = -4.0, y: float = 0.0, *, roll: float = 0.0, **move: float) -> Camera:
    legs = (Leg(9.0, move["speed"], move.get("turn", 0.0)),) if move else ()
    return Camera(Motion((x, y), 0.1, legs), 0.0, 1.7, math.radians(12), roll)


def scene_of(*solids: Solid, sight: Camera | None = None, place: Room | Street = ROOM) -> Scene:
    return Scene("test", place, solids, sight or camera(), 0.7)


def by_hand(
    point: tuple[float, float, float], eye: tuple[float, float, float], yaw: float, pitch: float
) -> tuple[float, float, float]:
    """Pixel and depth of a point, by turning the world instead of the camera: no matrix of the package is used."""
    x, y, z = (p - e for p, e in zip(point, eye, strict=True))
    ahead, left = x * math.cos(yaw) + y * math.sin(yaw), y * math.cos(yaw) - x * math.sin(yaw)
    depth, up = ahead * math.cos(pitch) - z * math.sin(pitch), z * math.cos(pitch) + ahead * math.sin(pitch)
    focal = 112.0 / math.tan(math.radians(32))
    return 112.0 - focal * left / depth, 84.0 - focal * up / depth, depth


def reds(picture: np.ndarray) -> np.ndarray:
    """Pixel middles (x, y) that are red."""
    values = picture.astype(int)
    rows, columns = np.nonzero(values[..., 0] - values[..., 1:].max(-1) > 40)
    return np.stack([columns + 0.5, rows + 0.5], axis=1)


@pytest.mark.parametrize("time", [0.0, 2.5, 5.0])
def test_a_ball_is_drawn_where_hand_arithmetic_puts_it(time: float) -> None:
    """The camera and the ball both go straight on, so that their places can be written down."""
    scene = scene_of(
        solid("ball", 0.5, -1.0, speed=0.3, heading=1.2), sight=camera(speed=0.2), place=Street(4.0, 8.0, 1)
    )
    eye = (-4.0 + 0.2 * time * math.cos(0.1), 0.2 * time * math.sin(0.1), 1.7)
    ball = (0.5 + 0.3 * time * math.cos(1.2), -1.0 + 0.3 * time * math.sin(1.2), 0.45)
    x, y, depth = by_hand(ball, eye, 0.1, math.radians(12))
    drawn = reds(render(scene, time, LENS))
    radius = LENS.focal * 0.45 / depth
    # The outline is an ellipse, stretched outwards: its middle is off the projected centre by a small share.
    assert drawn.mean(0) == pytest.approx([x, y], abs=0.08 * radius)
    assert math.sqrt(len(drawn) / math.pi) == pytest.approx(radius, rel=0.06)
    facts = observe(scene, [time], LENS)
    assert facts.eye is not None
    placed = facts.eye.to_camera(facts.things[0].places[0], 0)
    assert placed[2] == pytest.approx(depth, abs=1e-9)
    assert LENS.pixels(placed[None] / placed[2])[0] == pytest.approx([x, y], abs=1e-9)
    # The nearest of the mask's depths is that of the ball's front.
    view = View(LENS, 1, facts.eye.positions[0], facts.eye.axes[0])
    meeting = meet(scene.solids[0], scene.solids[0].motion.poses([time])[0], view)
    assert meeting is not None
    assert meeting.depth.min() == pytest.approx(depth - 0.45, abs=0.01)


def test_left_is_left_and_up_is_up() -> None:
    facts = observe(scene_of(solid("ball", 0.0, 1.5), solid("ball", 0.0, -1.5, colour="blue")), [0.0], LENS)
    left, right = (thing.boxes[0] for thing in facts.things)
    assert left[2] < right[0]
    assert facts.eye is not None
    ahead, above = np.array([0.0, 0.0, 1.7]), np.array([0.0, 0.0, 2.7])
    assert facts.eye.to_camera(above, 0)[1] < facts.eye.to_camera(ahead, 0)[1]
    for roll in (0.0, 0.6, 2.0):
        axes = camera(roll=roll).eye([0.0, 3.0]).axes
        assert axes @ axes.transpose(0, 2, 1) == pytest.approx(np.stack([np.eye(3)] * 2))
        assert np.linalg.det(axes) == pytest.approx([1.0, 1.0])


def test_a_rolled_camera_turns_the_picture() -> None:
    """A quarter turn clockwise of the camera turns the picture a quarter turn the other way."""
    square = Lens(168, 168, math.radians(60))
    solids = (solid("ball", 0.0, 1.0), solid("box", -0.5, -0.8, colour="blue"))
    upright = render(scene_of(*solids), 0.0, square)
    turned = render(scene_of(*solids, sight=camera(roll=math.pi / 2)), 0.0, square)
    assert (np.abs(np.rot90(upright).astype(int) - turned) <= 1).mean() > 0.999


def inside(points: np.ndarray, item: Solid, pose: np.ndarray) -> np.ndarray:
    """Which world points lie in a solid."""
    x, y = points[..., 0] - pose[0], points[..., 1] - pose[1]
    z = points[..., 2] / item.size[2]  # from 0 at the floor to 1
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    along, across = (cos * x + sin * y) / item.size[0], (cos * y - sin * x) / item.size[1]
    tall = (z > 0) & (z < 1)
    if item.shape == "box":
        return tall & (np.abs(along) < 0.5) & (np.abs(across) < 0.5)
    if item.shape == "pyramid":
        return tall & (np.maximum(np.abs(along), np.abs(across)) < 0.5 * (1 - z))
    if item.shape == "ball":
        return along**2 + across**2 + (z - 0.5) ** 2 < 0.25
    wide = 0.5 if item.shape == "cylinder" else 0.5 * (1 - z)
    return tall & (np.hypot(along, across) < wide)


def test_visibility_agrees_with_walking_along_every_ray() -> None:
    """Brute force: step along each pixel's ray and ask in which solid it is first."""
    lens = Lens(56, 56, math.radians(64))
    places = itertools.product((-2.0, -0.6, 1.2), (-1.2, 0.0, 1.3))
    solids = [
        solid(shape, x, y, colour="red" if index < 6 else None)
        for index, (shape, (x, y)) in enumerate(zip(itertools.cycle(SHAPES), places, strict=False))
    ]
    poses = np.stack([item.motion.poses([0.0])[0] for item in solids])
    eye = camera().eye([0.0])
    x, y = lens.rays(1)
    rays = np.stack(np.broadcast_arrays(x[None, :], y[:, None], 1.0), axis=-1) @ eye.axes[0]
    nobody = len(solids)
    first = np.full((56, 56), nobody)
    alone = np.zeros((len(solids), 56, 56), dtype=bool)
    for depth in np.arange(0.3, 9.0, 0.01):
        points = eye.positions[0] + depth * rays
        for index, item in enumerate(solids):
            within = inside(points, item, poses[index])
            alone[index] |= within
            first[within & (first == nobody)] = index
    counted = count(solids, poses, View(lens, 1, eye.positions[0], eye.axes[0]))
    walked = np.array([(first == index).sum() for index in range(len(solids))])
    assert (walked < alone.sum(axis=(1, 2))).sum() >= 3, "the scene has to hide something"
    # A step of a centimetre misses a sliver at an edge now and then, and never more than one pixel in forty.
    assert np.abs(counted.seen - walked).max() <= 2
    assert np.abs(counted.alone - alone.sum(axis=(1, 2))).max() <= 2
    assert (counted.alone - alone.sum(axis=(1, 2)) >= 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_boxes_hug_the_drawn_outline(shape: Shape) -> None:
    """The exact box against the mask of a picture of four rays a pixel side, from many sides."""
    rng = np.random.default_rng(4)
    samples = 4
    for _ in range(12):
        item = solid(
            shape,
            float(rng.uniform(-2.0, 2.0)),
            float(rng.uniform(-1.2, 1.2)),
            speed=0.1,
            heading=float(rng.uniform(0, 6)),
        )
        sight = camera(roll=float(rng.uniform(-1.0, 1.0)))
        eye = sight.eye([0.0])
        view = View(LENS, samples, eye.positions[0], eye.axes[0])
        meeting = meet(item, item.motion.poses([0.0])[0], view)
        assert meeting is not None
        assert meeting.bounds is not None
        full = replace_window(item, view)
        rows, columns = np.nonzero(np.isfinite(full))
        box = LENS.pixels(meeting.bounds.reshape(2, 2)).reshape(-1)
        if box[0] < 0 or box[1] < 0 or box[2] > LENS.width or box[3] > LENS.height:
            continue
        mask = (np.array([columns.min(), rows.min(), columns.max(), rows.max()]) + 0.5) / samples
        assert (mask[:2] >= box[:2] - 1e-9).all()
        assert (mask[2:] <= box[2:] + 1e-9).all()
        # A cone's or pyramid's tip is thinner than a sample.
        assert np.abs(mask - box).max() < (1.5 if shape in ("cone", "pyramid") else 0.5)


def replace_window(item: Solid, view: View) -> np.ndarray:
    """Depths over the whole picture, without the window that the box gives."""
    from videostr.data.world.solids import hit, unit_frame

    pose = item.motion.poses([0.0])[0]
    frame = unit_frame(item, float(pose[2]))
    origin = frame @ (view.position - np.array([pose[0], pose[1], item.size[2] / 2]))
    ray = view.directions(frame @ view.axes.T, slice(0, view.shape[0]), slice(0, view.shape[1]))
    return hit(item.shape, tuple(np.asarray(value) for value in origin), ray)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("heading", [0.9, 2.5, 4.1, 5.6])
def test_rays_end_on_the_surface(shape: Shape, heading: float) -> None:
    rng = np.random.default_rng(3)
    item = solid(shape, 0.3, 0.2, speed=0.1, heading=heading)
    pose = item.motion.poses([1.5])[0]
    eye = camera().eye([1.5])
    view = View(LENS, 1, eye.positions[0], eye.axes[0])
    meeting = meet(item, pose, view)
    assert meeting is not None
    x, y = view.rays
    rays = (
        np.stack(np.broadcast_arrays(x[meeting.columns][None, :], y[meeting.rows][:, None], 1.0), axis=-1)
        @ eye.axes[0]
    )
    met = np.isfinite(meeting.depth)
    assert 0.3 < met.mean() <= 1.0
    depth = meeting.depth[met][:, None]
    for step, within in ((-1e-4, False), (1e-4, True)):
        points = eye.positions[0] + rays[met] * (depth + step)
        share = inside(points, item, pose).mean()
        assert share > 0.99 if within else share == 0.0
    if (~met).any():
        for far in rng.uniform(1.0, 9.0, 50):
            assert not inside(eye.positions[0] + rays[~met] * far, item, pose).any()


def test_the_nearer_solid_hides_the_farther_one_whatever_their_order() -> None:
    near, far = solid("box", -1.5, -0.1, colour="blue"), solid("ball", 1.0, 0.2)
    facts = observe(scene_of(near, far), [0.0], LENS)
    assert facts.things[0].share[0] == 1.0
    assert 0.0 < facts.things[1].share[0] < 1.0
    assert (render(scene_of(near, far), 0.0, LENS) == render(scene_of(far, near), 0.0, LENS)).all()


def test_a_solid_that_leaves_the_picture_is_cut_and_then_gone() -> None:
    scene = scene_of(solid("ball", -1.0, 0.0, speed=0.5, heading=math.pi / 2 + 0.1))
    thing = observe(scene, [0.0, 3.6, 8.0], LENS).things[0]
    assert thing.inside[0] == 1.0
    assert 0.0 < thing.inside[1] < 1.0
    assert thing.boxes[1, 0] == 0.0
    assert thing.pixels[2] == 0.0
    assert np.isnan(thing.boxes[2]).all()


@pytest.mark.parametrize("place", [ROOM, Street(4.0, 8.0, 2)])
def test_solids_throw_a_shadow_on_the_floor_and_faces_differ(place: Room | Street) -> None:
    empty = scene_of(solid("ball", 60.0, 60.0), place=place)
    with_box = scene_of(solid("box", 0.0, 0.0), place=place)
    before, after = (render(scene, 0.0, LENS).astype(int) for scene in (empty, with_box))
    mask = np.zeros(before.shape[:2], dtype=bool)
    for x, y in reds(after.astype(np.uint8)):
        mask[int(y), int(x)] = True
    darker = (after - before).max(-1) < -20
    assert (darker & ~mask).sum() > 50
    brightness = after[mask].max(axis=-1)
    assert np.unique(brightness // 12).size >= 2


def test_the_same_motion_in_small_steps_is_the_same_way() -> None:
    motion = Motion((1.0, 2.0), 0.3, (Leg(1.0, 0.5), Leg(2.0, 0.8, 0.9), Leg(1.0, 0.0), Leg(1.0, 0.4, -0.5)))
    times = np.linspace(0.0, 6.0, 6001)
    poses = motion.poses(times)
    steps = np.linalg.norm(np.diff(poses[:, :2], axis=0), axis=1)
    assert np.concatenate([[0.0], steps.cumsum()]) == pytest.approx(motion.travelled(times), abs=1e-5)
    assert motion.travelled(times)[-1] == pytest.approx(0.5 + 1.6 + 0.4)
    assert poses[-1, 2] == pytest.approx(0.3 + 1.8 - 0.5)
    shifted = motion.through((5.0, 5.0), 2.2)
    assert shifted.poses([2.2])[0, :2] == pytest.approx([5.0, 5.0])
    turned = motion.turned(0.7, (0.0, 0.0))
    assert turned.poses(times)[:, :2] @ np.array(
        [[math.cos(0.7), -math.sin(0.7)], [math.sin(0.7), math.cos(0.7)]]
    ) == pytest.approx(poses[:, :2])
    assert replace(motion, legs=()).moves is False
