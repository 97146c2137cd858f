"""How the camera moves."""

from __future__ import annotations

import math

import numpy as np

from videostr.data.facts import Eye
from videostr.data.questions.base import Answer, Dropped, Kind, Question, Sight, pick
from videostr.data.questions.options import number_answer

TASK = "ego_motion"


def ego_motion(sight: Sight, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    """Its way, its turn, or the direction in which it goes."""
    eye = sight.eye
    if eye is None:
        return Dropped(TASK, "no_camera")
    variants = [_way, _turn] if kind == "number" else [_way, _turn, _direction]
    return variants[pick(rng, len(variants))](sight, eye, rng, kind)


def _way(sight: Sight, eye: Eye, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    length = float(np.linalg.norm(eye.positions[-1] - eye.positions[0]))
    low, high = sight.filters.moved
    if not low <= length <= high:
        return Dropped(TASK, "moved")
    answer = number_answer(TASK, length, "m", kind, filters=sight.filters, rng=rng, decimals=1)
    if isinstance(answer, Dropped):
        return answer
    text = "How far in a straight line is the camera at the end of the clip from its place at the start, in metres?"
    return Question(TASK, "spatio-temporal", text, answer)


def _turn(sight: Sight, eye: Eye, rng: np.random.Generator, kind: Kind) -> Question | Dropped:
    turn = math.degrees(float(eye.yaws[-1] - eye.yaws[0]))
    steps = np.diff(eye.yaws)
    if (steps > 0.0).any() and (steps < 0.0).any():
        return Dropped(TASK, "turns_back")
    low, high = sight.filters.turn
    if not low <= abs(turn) <= high:
        return Dropped(TASK, "turn")
    if kind == "choice" and rng.random() < 0.5:
        side, other = ("left", "right") if turn > 0.0 else ("right", "left")
        text = "Does the camera turn to the left or to the right?"
        return Question(TASK, "spatio-temporal", text, Answer("choice", side, wrong=(other,)))
    answer = number_answer(TASK, abs(turn), "deg", kind, filters=sight.filters, rng=rng, decimals=0)
    if isinstance(answer, Dropped):
        return answer
    text = (
        "By how many degrees does the camera turn about the vertical from the start of the clip to its end?"
    )
    return Question(TASK, "spatio-temporal", text, answer)


def _direction(sight: Sight, eye: Eye, _rng: np.random.Generator, _kind: Kind) -> Question | Dropped:
    yaw = float(eye.yaws[0])
    step = eye.positions[-1] - eye.positions[0]
    ahead = float(step[0] * math.cos(yaw) + step[1] * math.sin(yaw))
    left = float(step[1] * math.cos(yaw) - step[0] * math.sin(yaw))
    most, least = max(abs(ahead), abs(left)), min(abs(ahead), abs(left))
    if most < sight.filters.camera_step:
        return Dropped(TASK, "camera_step")
    if least > sight.filters.camera_side * most:
        return Dropped(TASK, "camera_side")
    sides = ("forwards", "backwards") if abs(ahead) == most else ("left", "right")
    right = sides[0] if (ahead if abs(ahead) == most else left) > 0.0 else sides[1]
    wrong = tuple(name for name in ("forwards", "backwards", "left", "right") if name != right)
    text = "Seen from where the camera looks at the start of the clip, which way does it move until the end?"
    return Question(TASK, "spatio-temporal", text, Answer("choice", right, wrong=wrong))
