"""Which frame of the reply stands for which frame of the reference (scoring.md section 2)."""

from __future__ import annotations

from itertools import pairwise

from .graph import Frame


def pair_frames(reference: list[Frame], reply: list[Frame]) -> list[Frame | None]:
    """For each reference frame its partner, or None."""
    if reply and all(frame.t is not None for frame in reference + reply):
        return _by_time(reference, reply)
    if all(frame.t is not None for frame in reply):
        reply = sorted(reply, key=lambda frame: frame.t or 0.0)
    return [reply[index] if index < len(reply) else None for index in range(len(reference))]


def _by_time(reference: list[Frame], reply: list[Frame]) -> list[Frame | None]:
    """Nearest first, one to one; of equals the earlier reference frame, then the earlier of the reply."""
    times = [frame.t or 0.0 for frame in reference]
    replied = sorted(reply, key=lambda frame: frame.t or 0.0)
    reach = min((later - earlier for earlier, later in pairwise(times)), default=float("inf")) / 2
    pairs = sorted(
        (abs((frame.t or 0.0) - t), i, j) for i, t in enumerate(times) for j, frame in enumerate(replied)
    )
    partner: list[Frame | None] = [None] * len(reference)
    taken: set[int] = set()
    for distance, i, j in pairs:
        if distance <= reach and partner[i] is None and j not in taken:
            partner[i] = replied[j]
            taken.add(j)
    return partner
