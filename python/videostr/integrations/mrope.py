"""The rotary positions that vLLM gives a prompt of Qwen2.5-VL: three a token (time, height, width).

The rule, as vllm/model_executor/models/qwen2_5_vl.py:1296 has it: text counts up by one on all three axes; an
image or a clip spans its grid, its time axis `step` apart and cut to whole numbers; what follows continues
after the largest position so far. transformers 5.9.0 (``Qwen2_5_VLModel.get_rope_index``) differs for clips in
two ways: it cuts the seconds of a grid to whole numbers before it multiplies, and it continues after the
larger side of the grid even where the time axis is longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from videostr.errors import VideostrError


class PositionsError(VideostrError, ValueError):
    """Token ids and grids do not belong together, or positions cannot be the rollout's."""


@dataclass(frozen=True)
class Medium:
    """One image or clip in a prompt.

    Attributes:
        grid: Its tokens along time, height and width, after merging.
        step: Temporal positions between two grids of a clip: seconds of a grid times the model's
            `tokens_per_second`. Without meaning for an image.
    """

    grid: tuple[int, int, int]
    step: float = 1.0


def mrope_positions(tokens: npt.ArrayLike, media: Mapping[int, Sequence[Medium]]) -> npt.NDArray[np.int64]:
    """Positions of all tokens of a prompt and its reply.

    Args:
        tokens: Token ids, shape (L,), with every placeholder repeated to its full length.
        media: Placeholder id (image, video) -> its media in the order of the prompt. A placeholder after the
            last of them, which only a reply could hold, is text.

    Returns:
        Shape (3, L): time, height, width, from 0.

    Raises:
        PositionsError: A grid has another number of tokens than its run of placeholders, or no placeholder.

    Source: Qwen2.5-VL, arXiv 2502.13923, section 2.1.2; the rounding is vLLM's.

    Example:
        >>> clip = Medium(grid=(2, 1, 1), step=2.0)
        >>> mrope_positions([5, 9, 9, 5], {9: [clip]}).tolist()
        [[0, 1, 3, 4], [0, 1, 1, 4], [0, 1, 1, 4]]
    """
    ids = np.asarray(tokens, dtype=np.int64)
    positions = np.empty((3, len(ids)), dtype=np.int64)
    waiting = {token: iter(items) for token, items in media.items()}
    done = following = 0  # tokens that have a position, and the position that comes next
    for start in np.flatnonzero(np.isin(ids, list(media))).tolist():
        medium = next(waiting[int(ids[start])], None) if start >= done else None
        if medium is None:
            continue
        end = start + int(np.prod(medium.grid))
        if end > len(ids) or (ids[start:end] != ids[start]).any():
            raise PositionsError(
                f"tokens: the grid {medium.grid} at token {start} has {end - start} tokens, its placeholders "
                f"are fewer; the processor that made the tokens must make the grids"
            )
        positions[:, done:start] = np.arange(start - done) + following
        following += start - done
        block = np.indices(medium.grid).reshape(3, -1)
        block[0] = (block[0] * medium.step).astype(np.int64)
        positions[:, start:end] = block + following
        following = int(positions[:, start:end].max()) + 1
        done = end
    left = sum(len(list(items)) for items in waiting.values())
    if left:
        raise PositionsError(f"tokens: {left} images or clips have no placeholder")
    positions[:, done:] = np.arange(len(ids) - done) + following
    return positions
