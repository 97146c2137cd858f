"""Texts that are alike: MinHash over runs of three words, and which scenes a text was said about."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict, deque

import numpy as np
import numpy.typing as npt

Sketch = npt.NDArray[np.uint64]

#: Two texts are near identical when they share this part of their runs of three words (Jaccard index, as
#: estimated from the sketches): one word changed of a hundred leaves 0.94.
NEAR_IDENTICAL = 0.9
#: Texts that are remembered; the oldest goes first. Each takes about 3 KiB.
REMEMBERED = 4096

_WORD = re.compile(r"[^\W\d_]+|-?\d+(?:\.\d+)?")
_HASHES = 64
_BANDS = 16
_WORDS = 3
_PRIME = np.uint64(2**31 - 1)
_RANDOM = np.random.default_rng(0)
_FACTORS = _RANDOM.integers(1, 2**31 - 1, _HASHES, dtype=np.uint64)
_SHIFTS = _RANDOM.integers(0, 2**31 - 1, _HASHES, dtype=np.uint64)


def sketch(text: str) -> Sketch:
    """A MinHash signature of words and numbers, uint64 (64,); letter case and all other signs do not count."""
    words = _WORD.findall(text.casefold())
    runs = {" ".join(words[at : at + _WORDS]) for at in range(max(1, len(words) - _WORDS + 1))}
    hashes = np.array([zlib.crc32(run.encode(errors="surrogatepass")) >> 1 for run in runs], dtype=np.uint64)
    return np.asarray(((hashes[:, None] * _FACTORS + _SHIFTS) % _PRIME).min(axis=0), dtype=np.uint64)


def near_identical(a: npt.NDArray[np.uint64], b: Sketch) -> npt.NDArray[np.bool_]:
    """Whether sketches are of near identical texts; (..., 64) against (64,), bool (...)."""
    return np.asarray((a == b).mean(axis=-1) >= NEAR_IDENTICAL)


class Remembered:
    """Texts said so far and the scene of each, in bounded memory."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._order: deque[int] = deque()
        self._texts: dict[int, tuple[Sketch, int]] = {}
        self._bands: dict[tuple[int, bytes], set[int]] = defaultdict(set)
        self._next = 0

    def elsewhere(self, text: Sketch, scene: int) -> bool:
        """Whether a near identical text was said about another scene; else it is remembered with this one."""
        keys = [(band, part.tobytes()) for band, part in enumerate(text.reshape(_BANDS, -1))]
        alike = set().union(*(self._bands[key] for key in keys if key in self._bands))
        if alike:
            numbers = sorted(alike)
            same = near_identical(np.stack([self._texts[number][0] for number in numbers]), text)
            scenes = {self._texts[number][1] for number, hit in zip(numbers, same, strict=True) if hit}
            if scenes:
                return bool(scenes - {scene})
        self._remember(text, scene, keys)
        return False

    def _remember(self, text: Sketch, scene: int, keys: list[tuple[int, bytes]]) -> None:
        if len(self._order) == self._size:
            self._forget(self._order.popleft())
        self._order.append(self._next)
        self._texts[self._next] = (text, scene)
        for key in keys:
            self._bands[key].add(self._next)
        self._next += 1

    def _forget(self, number: int) -> None:
        text, _ = self._texts.pop(number)
        for band, part in enumerate(text.reshape(_BANDS, -1)):
            key = (band, part.tobytes())
            self._bands[key].discard(number)
            if not self._bands[key]:
                del self._bands[key]
