"""The synthetic world: pictures, references and answers agree with each other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import videostr
from videostr.data.synth import Scene, Solid, SynthConfig, reference_graph, render, sample_scene
from videostr.data.synth.camera import Camera, Lens
from videostr.data.synth.questions import ChoiceAnswer, Dropped, NumberAnswer, Question, ask
from videostr.data.synth.raycast import hit
from videostr.data.synth.render import visible_pixels
from videostr.data.synth.scene import SHAPES
from videostr.prompts import render_reply

CONFIG = SynthConfig()


def solid(label: str, x: float, y: float, *, velocity: tuple[float, float] = (0.0, 0.0)) -> Solid:
    colour, shape = label.split()
    return Solid(colour, shape, 0.5, (x, y), velocity, 0.3)  # type: ignore[arg-type]


def scene_of(*solids: Solid, turn: float = 0.0, drive: tuple[float, float] = (0.0, 0.0)) -> Scene:
    return Scene(0, 0, solids, CONFIG.camera_height, math.radians(CONFIG.camera_pitch), drive, turn)


def pixels_like(picture: np.ndarray, channel: int) -> np.ndarray:
    """Pixels (x, y) in which one colour channel stands out."""
    values = picture.astype(int)
    rest = [other for other in range(3) if other != channel]
    rows, columns = np.nonzero((values[..., channel] - values[..., rest].max(-1)) > 40)
    return np.stack([columns + 0.5, rows + 0.5], axis=1)


@pytest.mark.parametrize("time", [0.0, 0.7, 1.5])
def test_a_ball_is_drawn_where_the_reference_says(time: float) -> None:
    scene = scene_of(solid("red ball", -1.0, 5.0, velocity=(0.8, 0.4)), turn=0.1, drive=(0.2, -0.1))
    lens = Lens(224, math.radians(60))
    drawn = pixels_like(render(scene, time, lens, 1), 0)
    camera = scene.camera(time).to_camera(scene.centres(time))[0]
    # A ball's outline is an ellipse stretched away from the middle of the picture by sec of the angle to it:
    # its centroid lies within a small share of its radius from the projected centre.
    radius = lens.focal * 0.5 / camera[2]
    assert np.linalg.norm(drawn.mean(0) - lens.project(camera)) < 0.1 * radius
    assert math.sqrt(len(drawn) / math.pi) == pytest.approx(radius, rel=0.08)


def test_the_nearer_solid_hides_the_farther_one() -> None:
    lens = CONFIG.lens
    near, far = solid("red cube", 0.0, 4.0), solid("blue ball", 0.0, 7.0)
    seen_both, alone = visible_pixels(scene_of(near, far), 0.0, lens)
    assert seen_both[0] == alone[0]
    assert 0 < seen_both[1] < alone[1]
    assert (render(scene_of(near, far), 0.0, lens) == render(scene_of(far, near), 0.0, lens)).all()
    assert len(pixels_like(render(scene_of(far), 0.0, lens), 2)) > len(
        pixels_like(render(scene_of(near, far), 0.0, lens), 2)
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_rays_hit_the_surface_and_normals_point_out(shape: Any) -> None:
    rng = np.random.default_rng(3)
    item = Solid("red", shape, 0.6, (0.3, 4.0), (0.0, 0.0), 0.4)
    origin = np.array([0.5, 0.0, 2.5])
    target = item.centre(0.0) + rng.uniform(-0.8, 0.8, (4000, 3))
    rays = (target - origin) * rng.uniform(0.5, 2.0, (4000, 1))
    depth, normal = hit(item, 0.0, origin, rays)
    met = np.isfinite(depth)
    assert 0.2 < met.mean() < 0.95
    local = (origin + rays * np.where(met, depth, 0.0)[:, None] - item.centre(0.0))[met]
    assert distance_to_surface(local, shape, 0.6, 0.4) == pytest.approx(np.zeros(met.sum()), abs=1e-9)
    assert np.linalg.norm(normal[met], axis=1) == pytest.approx(np.ones(met.sum()))
    assert ((normal[met] * rays[met]).sum(1) <= 1e-9).all()
    # A ray that misses never enters: no point of it lies inside.
    for share in np.linspace(0.0, 2.0, 60):
        points = origin + rays[~met] * share - item.centre(0.0)
        assert not inside(points, shape, 0.6, 0.4).any()


def inside(points: np.ndarray, shape: str, radius: float, yaw: float) -> np.ndarray:
    edge = radius - 1e-6
    if shape == "ball":
        return np.linalg.norm(points, axis=1) < edge
    wide = np.hypot(points[:, 0], points[:, 1])
    tall = np.abs(points[:, 2]) < edge
    if shape == "cylinder":
        return (wide < edge) & tall
    if shape == "cone":
        return (wide < (radius - points[:, 2]) / 2 - 1e-6) & tall
    cos, sin = math.cos(yaw), math.sin(yaw)
    x, y = cos * points[:, 0] + sin * points[:, 1], cos * points[:, 1] - sin * points[:, 0]
    return (np.abs(x) < edge) & (np.abs(y) < edge) & tall


def distance_to_surface(points: np.ndarray, shape: str, radius: float, yaw: float) -> np.ndarray:
    wide = np.hypot(points[:, 0], points[:, 1])
    if shape == "ball":
        return np.linalg.norm(points, axis=1) - radius
    if shape == "cylinder":
        return np.maximum(wide, np.abs(points[:, 2])) - radius
    if shape == "cone":
        return wide - (radius - points[:, 2]) / 2
    cos, sin = math.cos(yaw), math.sin(yaw)
    x, y = cos * points[:, 0] + sin * points[:, 1], cos * points[:, 1] - sin * points[:, 0]
    return np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(points[:, 2])) - radius


def test_camera_axes_are_right_handed_and_keep_up() -> None:
    for yaw in (-1.0, 0.0, 2.5):
        camera = Camera((1.0, 2.0, 3.0), yaw, 0.3)
        axes = camera.axes()
        assert axes @ axes.T == pytest.approx(np.eye(3))
        assert np.linalg.det(axes) == pytest.approx(1.0)
        assert axes @ [0.0, 0.0, 1.0] == pytest.approx(camera.up())
    ahead = Camera((0.0, 0.0, 0.0), 0.0, 0.0)
    assert ahead.to_camera(np.array([1.0, 5.0, 2.0])) == pytest.approx([1.0, -2.0, 5.0])
    turned_left = Camera((0.0, 0.0, 0.0), math.pi / 2, 0.0)
    assert turned_left.to_camera(np.array([-5.0, 0.0, 0.0])) == pytest.approx([0.0, 0.0, 5.0])


def centers(graph: dict[str, Any], frame: int) -> np.ndarray:
    return np.array([node["center"] for node in graph["frames"][frame]["nodes"]])


def test_camera_and_world_references_are_one_scene() -> None:
    from dataclasses import replace

    for index in range(4):
        scene = sample_scene(CONFIG, 5, index)
        camera = reference_graph(scene, replace(CONFIG, decimals=9))
        world = reference_graph(scene, replace(CONFIG, decimals=9, space="world"))
        assert world["up"] == [0.0, 0.0, 1.0]
        for frame, time in enumerate(CONFIG.graph_times):
            in_camera, in_world = centers(camera, frame), centers(world, frame)
            observer = np.array(world["frames"][frame]["observer"])
            assert in_camera @ camera["up"] == pytest.approx(in_world[:, 2] - observer[2], abs=1e-6)
            assert np.linalg.norm(in_camera, axis=1) == pytest.approx(
                np.linalg.norm(in_world - observer, axis=1), abs=1e-6
            )
            pairs = np.linalg.norm(in_camera[:, None] - in_camera[None], axis=-1)
            assert pairs == pytest.approx(
                np.linalg.norm(in_world[:, None] - in_world[None], axis=-1), abs=1e-6
            )
            assert camera["frames"][frame]["t"] == time


@pytest.mark.parametrize("space", ["camera", "world"])
def test_references_are_valid_and_their_rendering_earns_everything(space: Any) -> None:
    config = SynthConfig(space=space, graph_frames=None, objects=(3, 4), shapes=SHAPES)
    scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free"))
    for index in range(5):
        graph = reference_graph(sample_scene(config, 2, index), config)
        assert [frame["t"] for frame in graph["frames"]] == config.reader_times
        reference = {"version": 1, "graph": graph}
        report = scorer.score(render_reply(reference, form="lines"), scorer.prepare(reference))
        for name in ("format", "node", "edge", "chirality", "motion"):
            assert report[name] == pytest.approx(1.0, abs=1e-9), name


def test_scenes_depend_on_seed_and_index_alone() -> None:
    first = [sample_scene(CONFIG, 3, index) for index in range(6)]
    assert [sample_scene(CONFIG, 3, index) for index in reversed(range(6))] == first[::-1]
    assert len({scene.solids for scene in first}) == 6
    assert sample_scene(CONFIG, 4, 0).solids != first[0].solids


def test_every_object_is_told_apart_and_seen_in_every_frame() -> None:
    config = SynthConfig(frames=8, fps=4)
    for index in range(6):
        scene = sample_scene(config, 9, index)
        labels = [item.label for item in scene.solids]
        assert len(set(labels)) == len(labels)
        for time in config.reader_times:
            seen, alone = visible_pixels(scene, time, config.lens)
            assert (seen >= config.min_visible_pixels).all()
            assert (seen >= config.min_visible_share * alone).all()


def test_a_world_without_room_says_so() -> None:
    with pytest.raises(ValueError, match="no scene of 6 objects"):
        sample_scene(SynthConfig(objects=(6, 6), radius=(1.5, 1.6), depth=(4.0, 5.0)), 0, 0)


def test_pictures_change_with_time_and_are_the_same_again() -> None:
    scene = scene_of(solid("red ball", 0.0, 5.0, velocity=(0.8, 0.0)))
    first, later = render(scene, 0.0, CONFIG.lens), render(scene, 1.5, CONFIG.lens)
    assert first.shape == (112, 112, 3)
    assert (first != later).any()
    assert (render(scene, 0.0, CONFIG.lens) == first).all()
    assert pixels_like(later, 0)[:, 0].mean() > pixels_like(first, 0)[:, 0].mean()


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_counting_counts_what_moves() -> None:
    scene = scene_of(
        solid("red ball", -1, 5, velocity=(0.5, 0)), solid("blue cube", 1, 5), solid("green cone", 0, 7)
    )
    question = ask("counting", scene, CONFIG, rng())
    assert isinstance(question, Question)
    assert question.answer == NumberAnswer(1, None)
    crawling = scene_of(solid("red ball", -1, 5, velocity=(0.05, 0)), solid("blue cube", 1, 5))
    assert ask("counting", crawling, CONFIG, rng()) == Dropped("counting", "motion_too_small")


def test_relative_distance_names_the_nearest_unless_two_are_alike() -> None:
    clear = scene_of(solid("red ball", -1, 4), solid("blue cube", 1, 7))
    for attempt in range(6):
        question = ask("relative_distance", clear, CONFIG, np.random.default_rng(attempt))
        assert isinstance(question, Question)
        assert question.answer == ChoiceAnswer("red ball", ("blue cube",))
    alike = scene_of(solid("red ball", -1, 5.0), solid("blue cube", 1, 5.1))
    assert ask("relative_distance", alike, CONFIG, rng()) == Dropped("relative_distance", "distance_gap")


@pytest.mark.parametrize("turn", [0.0, 0.25])
def test_left_and_right_are_those_of_the_picture(turn: float) -> None:
    scene = scene_of(solid("red ball", -1.2, 5), solid("blue cube", 1.2, 6), turn=turn)
    for attempt in range(8):
        question = ask("relative_direction", scene, CONFIG, np.random.default_rng(attempt))
        assert isinstance(question, Question)
        time = 0.0 if question.text.startswith("At the start") else CONFIG.reader_times[-1]
        picture = render(scene, time, CONFIG.lens)
        red, blue = (pixels_like(picture, channel)[:, 0].mean() for channel in (0, 2))
        first, second = (red, blue) if "is the red ball left" in question.text else (blue, red)
        assert isinstance(question.answer, ChoiceAnswer)
        assert question.answer.right == ("left" if first < second else "right")
    behind = scene_of(solid("red ball", 0.0, 4), solid("blue cube", 0.1, 7))
    assert ask("relative_direction", behind, CONFIG, rng()) == Dropped(
        "relative_direction", "direction_margin"
    )


def test_displacement_is_that_of_the_world_not_of_the_camera() -> None:
    scene = scene_of(
        solid("red ball", -1, 5, velocity=(0.6, 0.8)), solid("blue cube", 1, 6), drive=(0.4, 0.0), turn=0.1
    )
    question = ask("displacement", scene, CONFIG, rng())
    assert isinstance(question, Question)
    assert "red ball" in question.text
    assert question.answer == NumberAnswer(1.5, "m")
    still = scene_of(solid("red ball", -1, 5), solid("blue cube", 1, 6))
    assert ask("displacement", still, CONFIG, rng()) == Dropped("displacement", "nothing_moves")
    fast = scene_of(solid("red ball", -1, 5, velocity=(9.0, 0)), solid("blue cube", 1, 6))
    assert ask("displacement", fast, CONFIG, rng()) == Dropped("displacement", "displacement_range")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"nframes": 6}, "nframes"),
        ({"graph_frames": 5}, "graph_frames"),
        ({"size": 100}, "size"),
        ({"objects": (1, 2)}, "objects"),
        ({"objects": (4, 3)}, "objects"),
        ({"objects": (2, 3), "colours": ("red",)}, "objects"),
        ({"colours": ("red", "mauve")}, "colours"),
        ({"shapes": ("egg",)}, "shapes"),
        ({"space": "image"}, "space"),
        ({"tasks": ("speed",)}, "tasks"),
        ({"questions_per_clip": 0}, "questions_per_clip"),
        ({"choices": 1}, "choices"),
    ],
)
def test_a_bad_setting_is_named(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"SynthConfig.{name}"):
        SynthConfig(**changes)


def test_settings_survive_json() -> None:
    config = SynthConfig(objects=(3, 3), graph_frames=None, space="world")
    assert SynthConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError, match="colour"):
        SynthConfig.from_dict({"colour": "red"})


def test_graph_times_are_reader_times() -> None:
    config = SynthConfig(frames=16, fps=8, nframes=8, graph_frames=3)
    assert config.reader_times[0] == 0.0
    assert set(config.graph_times) <= set(config.reader_times)
    assert len(config.graph_times) == 3
    assert config.graph_times[-1] == config.reader_times[-1]
    assert SynthConfig(graph_frames=1).graph_times == [0.0]
    assert SynthConfig(graph_frames=None).graph_times == SynthConfig().reader_times
