"""The rotary positions of one sequence, on prompts that are worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from videostr.integrations.mrope import Medium, PositionsError, mrope_positions

IMAGE, VIDEO = 1, 2


def test_text_counts_up_on_all_axes() -> None:
    assert mrope_positions([7, 7, 7], {}).tolist() == [[0, 1, 2]] * 3


def test_nothing_has_no_positions() -> None:
    assert mrope_positions([], {VIDEO: []}).shape == (3, 0)


def test_an_image_is_one_moment_and_text_goes_on_after_its_larger_side() -> None:
    got = mrope_positions([7, *[IMAGE] * 6, 7], {IMAGE: [Medium((1, 2, 3))]})
    assert got.tolist() == [[0, 1, 1, 1, 1, 1, 1, 4], [0, 1, 1, 1, 2, 2, 2, 4], [0, 1, 2, 3, 1, 2, 3, 4]]


def test_a_long_clip_pushes_the_text_behind_its_last_grid() -> None:
    """Grids at 0, 4, 8: the text follows at 9 after the start, not at the larger side, 2."""
    got = mrope_positions([7, *[VIDEO] * 6, 7, 7], {VIDEO: [Medium((3, 1, 2), 4.0)]})
    assert got[0].tolist() == [0, 1, 1, 5, 5, 9, 9, 10, 11]
    assert got[1].tolist() == [0, 1, 1, 1, 1, 1, 1, 10, 11]
    assert got[2].tolist() == [0, 1, 2, 1, 2, 1, 2, 10, 11]


@pytest.mark.parametrize(
    ("step", "axis"),
    [(4 / 3, [0, 1, 2, 4, 5]), (0.5, [0, 0, 1, 1, 2]), (1 / 6, [0, 0, 0, 0, 0]), (2.9, [0, 2, 5, 8, 11])],
)
def test_a_step_is_cut_after_it_is_multiplied(step: float, axis: list[int]) -> None:
    got = mrope_positions([VIDEO] * 5, {VIDEO: [Medium((5, 1, 1), step)]})
    assert got[0].tolist() == axis


def test_media_are_taken_in_the_order_of_their_kind() -> None:
    """Clip (2 grids, 3 apart), image (1 x 2), clip (2 grids, 1 apart), side by side."""
    tokens = [VIDEO, VIDEO, IMAGE, IMAGE, VIDEO, VIDEO, 7]
    media = {IMAGE: [Medium((1, 1, 2))], VIDEO: [Medium((2, 1, 1), 3.0), Medium((2, 1, 1), 1.0)]}
    assert mrope_positions(tokens, media).tolist() == [
        [0, 3, 4, 4, 6, 7, 8],
        [0, 0, 4, 4, 6, 6, 8],
        [0, 0, 4, 5, 6, 6, 8],
    ]


def test_two_clips_whose_placeholders_touch() -> None:
    media = {VIDEO: [Medium((1, 1, 2), 1.0), Medium((2, 1, 1), 1.0)]}
    assert mrope_positions([VIDEO] * 4, media)[0].tolist() == [0, 0, 2, 3]


def test_a_placeholder_in_a_reply_is_text() -> None:
    got = mrope_positions([VIDEO, 7, VIDEO, IMAGE], {VIDEO: [Medium((1, 1, 1))], IMAGE: []})
    assert got.tolist() == [[0, 1, 2, 3]] * 3


@pytest.mark.parametrize(
    "tokens", [[VIDEO, VIDEO, 7, VIDEO], [7, VIDEO, VIDEO, VIDEO], [VIDEO, VIDEO, IMAGE, VIDEO]]
)
def test_a_grid_that_its_placeholders_do_not_fill(tokens: list[int]) -> None:
    with pytest.raises(PositionsError, match=r"the grid \(2, 1, 2\) at token [01] has 4 tokens"):
        mrope_positions(tokens, {VIDEO: [Medium((2, 1, 2))], IMAGE: []})


def test_a_clip_without_a_placeholder() -> None:
    with pytest.raises(PositionsError, match="1 images or clips have no placeholder"):
        mrope_positions([7, VIDEO], {VIDEO: [Medium((1, 1, 1)), Medium((1, 1, 1))]})


def test_tokens_are_left_as_they_are() -> None:
    tokens = np.array([7, VIDEO, 7])
    mrope_positions(tokens, {VIDEO: [Medium((1, 1, 1))]})
    assert tokens.tolist() == [7, VIDEO, 7]
