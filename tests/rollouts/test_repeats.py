"""Which texts count as alike, and that what is remembered is bounded."""

from __future__ import annotations

import numpy as np
import pytest

from videostr.rollouts.repeats import Remembered, near_identical, sketch

WORDS = [f"w{k}" for k in range(200)]
TEXT = " ".join(WORDS)


def changed(count: int) -> str:
    """`count` words of 200 replaced, far from each other."""
    words = list(WORDS)
    for k in range(count):
        words[200 // count * k] = f"other{k}"
    return " ".join(words)


def alike(a: str, b: str) -> bool:
    return bool(near_identical(sketch(a), sketch(b)))


@pytest.mark.parametrize("other", [TEXT.upper(), TEXT.replace(" ", "\n\t"), f"<think>{TEXT}, {{", changed(1)])
def test_what_is_alike(other: str) -> None:
    assert alike(TEXT, other)


@pytest.mark.parametrize("other", [changed(25), "", " ".join(reversed(WORDS)), TEXT[: len(TEXT) // 2]])
def test_what_is_not(other: str) -> None:
    assert not alike(TEXT, other)


def test_numbers_count_and_brackets_hide_no_difference() -> None:
    """A graph without blanks is not one long word: other places are another reply, so is another sign."""
    rng = np.random.default_rng(0)

    def graph() -> str:
        nodes = ",".join(
            f'["chair.{k}",[{x:.1f},{y:.1f}]]' for k, (x, y) in enumerate(rng.normal(0, 3, (9, 2)))
        )
        return f"{TEXT[:120]} [{nodes}]"

    assert not alike(graph(), graph())
    numbers = [f"{value:.2f}" for value in rng.uniform(1, 9, 60)]
    assert not alike(" ".join(numbers), " ".join(f"-{number}" for number in numbers))


def test_texts_without_a_word() -> None:
    assert alike("", "...")
    assert alike("\ud800", "\ud800")


def test_the_estimate_is_near_the_true_share() -> None:
    shares = []
    for count in (1, 5, 10, 20):
        runs = [{tuple(text.split()[k : k + 3]) for k in range(198)} for text in (TEXT, changed(count))]
        true = len(runs[0] & runs[1]) / len(runs[0] | runs[1])
        shares.append(abs(true - float((sketch(TEXT) == sketch(changed(count))).mean())))
    assert max(shares) < 0.15


def test_elsewhere_means_another_scene() -> None:
    remembered = Remembered()
    assert not remembered.elsewhere(sketch(TEXT), 1)
    assert not remembered.elsewhere(sketch(TEXT), 1)
    assert remembered.elsewhere(sketch(changed(1)), 2)
    assert not remembered.elsewhere(sketch(changed(50)), 2)


def test_the_oldest_is_forgotten() -> None:
    remembered = Remembered(3)
    for k in range(4):
        assert not remembered.elsewhere(sketch(f"{k} " * 30), k)
    assert remembered.elsewhere(sketch("1 " * 30), 9)
    assert not remembered.elsewhere(sketch("0 " * 30), 9), "three later ones came"
    assert len(remembered._texts) == 3
    assert sum(map(len, remembered._bands.values())) == 3 * 16
