"""Real flat street layouts, mirrored: group yaw must see it, so3 cannot.

Reads KITTI tracking labels where they are at hand: in `kitti/label_02` under VIDEOSTR_TEST_DATA where that is set,
else beside the checkout, in `../shared/data/kitti/label_02`. They are not part of the project; without them these
tests are skipped by name.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from videostr.testing import Frame, Motion, Node, Scene, mirror, move, reply, uniform_rotation

from .harness import scorer, values

_DATA = Path(os.environ.get("VIDEOSTR_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
_LABELS = sorted((_DATA / "kitti" / "label_02").glob("*.txt"))
UP = (0.0, -1.0, 0.0)
"""KITTI's camera has x to the right, y down, z ahead."""

needs_kitti = pytest.mark.skipif(
    not _LABELS,
    reason="needs KITTI tracking labels in kitti/label_02 under VIDEOSTR_TEST_DATA or ../shared/data",
)


def streets(path: Path, *, every: int = 10, least: int = 4) -> Iterator[Scene]:
    """Frames of a sequence with at least `least` objects, on the ground (height 0), ids by track."""
    frames: dict[int, list[Node]] = {}
    for line in path.read_text().splitlines():
        field = line.split()
        if field[2] != "DontCare":
            x, _, z = (float(value) for value in field[13:16])
            frames.setdefault(int(field[0]), []).append(
                Node(field[2].lower(), int(field[1]) + 1, (x, 0.0, z))
            )
    for k in sorted(frames):
        if k % every == 0 and len(frames[k]) >= least:
            yield Scene((Frame(tuple(frames[k])),), space="world", up=UP)


@needs_kitti
@pytest.mark.parametrize("path", _LABELS, ids=lambda path: path.stem)
def test_yaw_sees_the_mirror(path: Path) -> None:
    """Matched by id, every street with a clear left and right loses all chirality and some of its node."""
    real = scorer(assignment="id")
    seen = 0
    for scene in streets(path):
        ref = real.prepare(scene.reference())
        image = values(real, reply(mirror(scene.frames, (1.0, 0.0, 0.0))), ref)
        right = values(real, reply(scene.frames), ref)
        assert abs(image["edge"] - right["edge"]) <= 1e-9
        if not math.isnan(right["chirality"]):
            assert (right["chirality"], image["chirality"]) == (1.0, 0.0)
            assert image["node"] < right["node"] - 1e-3
            seen += 1
    assert seen, "no street with a clear left and right"


@needs_kitti
@pytest.mark.parametrize("path", _LABELS, ids=lambda path: path.stem)
def test_yaw_sees_the_mirror_whatever_the_ids(path: Path) -> None:
    """With optimal matching cars may change places, yet the score falls in every street of five or more."""
    real = scorer()
    falls = []
    for scene in streets(path, least=5):
        ref = real.prepare(scene.reference())
        image = values(real, reply(mirror(scene.frames, (1.0, 0.0, 0.0))), ref)
        if not math.isnan(image["chirality"]):
            assert image["graph"] < 1.0 - 1e-6
            falls.append(1.0 - image["graph"])
    assert not falls or np.mean(falls) > 0.1


@needs_kitti
@pytest.mark.parametrize("path", _LABELS, ids=lambda path: path.stem)
def test_so3_cannot_see_it(path: Path) -> None:
    """Documented: a flat layout's mirror image is a rotation, so so3 gives it full marks."""
    real = scorer("so3")
    for scene in streets(path):
        ref = real.prepare(scene.reference())
        image = values(real, reply(mirror(scene.frames, (1.0, 0.0, 0.0))), ref)
        assert math.isnan(image["chirality"])
        assert abs(image["graph"] - 1.0) <= 1e-9


@needs_kitti
@pytest.mark.parametrize("path", _LABELS, ids=lambda path: path.stem)
def test_real_streets_keep_their_score_when_turned(path: Path) -> None:
    """Promise 7 on real layouts: any turn under so3, whatever the labels repeat."""
    real = scorer("so3")
    for k, scene in enumerate(streets(path, every=25)):
        turn = uniform_rotation(np.random.default_rng(k))
        got = values(
            real, reply(move(scene.frames, Motion(turn, np.full(3, 7.0)))), real.prepare(scene.reference())
        )
        assert abs(got["graph"] - 1.0) <= 1e-9
