"""Hostile replies by the million: made in bulk, varied, and the same from the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from case_files import attacks, golden, text_of

LONGEST = 600
SEEDS = tuple(text for case in (*golden(), *attacks()) if len(text := text_of(case)) <= LONGEST)
"""What is torn and joined: the replies of the golden and attack lines."""

TAGS = ("<think>", "</think>", "<graph>", "</graph>", "<answer>", "</answer>")
SCRAPS = (
    *(*TAGS, "[", "]", "{", "}", "(", ")", ",", ":", ";", '"', "'", "\\", "\\u", "\\ud800", "\0", "\n", " "),
    *("//", "/*", "*/", "#", "```", "```json\n", "@", "@0\n", "@-1e9", "-", " - ", "_", "'chair'", "chair.1"),
    *(
        '"nodes":[',
        '"frames":[',
        '"edges":',
        '"t":',
        '"t":0',
        '["chair.1",[',
        "]]",
        "id:",
        "center",
        '"pos":',
    ),
    *(
        "chair.1 1 2\n",
        "chair.1 1 2 3\n",
        "table 1 2\n",
        "chair.1 - table 1 30\n",
        "a - b",
        "1,2,3,4",
        "B",
        "(B)",
    ),
    *(
        "nan",
        "NaN",
        "-Infinity",
        "inf",
        "None",
        "True",
        "null",
        " cm",
        "m",
        "px",
        "°",
        "seven",
        "\u2212",
        "é",
        "ß",
    ),
    *("\u0130", "\u00a0", "\u202e", "\u0301", "\ud800", "\udfff", "\U0001f600", "車", "\ufeff"),
)
NUMBERS = (
    *(
        "0",
        "-0",
        "1",
        "-1",
        "0.5",
        "1.5e0",
        "1e9",
        "-1e9",
        "1.0000001e9",
        "1e-9",
        "1e308",
        "-1e309",
        "1e999999999",
    ),
    *("5e-324", "00", "+1", ".5", "1.", "0x1", "1_000", "1,234", "nan", "inf", "-inf", "9" * 40, "9" * 400),
    *(
        "0." + "0" * 300 + "1",
        "1e-999",
        "3.141592653589793238462643383279",
        "12345678901234567890",
        "--1",
        "1e",
        "1e+",
    ),
)
UNITS = (
    *SCRAPS,
    *NUMBERS,
    "[]",
    "{}",
    "[[",
    "{'a':",
    '[["a",[1,2]],',
    "a 1 2\n",
    "a.1 1 2 3\n",
    "@1\n",
    "x y\n",
)

Maker = Callable[[np.random.Generator, int], list[str]]


def _pick(rng: np.random.Generator, words: tuple[str, ...], count: int) -> list[str]:
    return [words[k] for k in rng.integers(len(words), size=count).tolist()]


def _places(rng: np.random.Generator, texts: list[str]) -> list[int]:
    return [
        int(share * (len(text) + 1))
        for share, text in zip(rng.random(len(texts)).tolist(), texts, strict=True)
    ]


def _cut(rng: np.random.Generator, count: int) -> list[str]:
    texts = _pick(rng, SEEDS, count)
    return [text[:at] for text, at in zip(texts, _places(rng, texts), strict=True)]


def _spliced(rng: np.random.Generator, count: int) -> list[str]:
    heads, tails = _pick(rng, SEEDS, count), _pick(rng, SEEDS, count)
    pieces = _pick(rng, UNITS, count)
    places = zip(_places(rng, heads), _places(rng, tails), strict=True)
    return [
        head[:i] + piece + tail[j:]
        for head, piece, tail, (i, j) in zip(heads, pieces, tails, places, strict=True)
    ]


def _mutated(rng: np.random.Generator, count: int) -> list[str]:
    """Some bytes lost and a scrap put in, twice."""
    texts = _pick(rng, SEEDS, count)
    for _ in range(2):
        lost = rng.integers(12, size=count).tolist()
        changes = zip(texts, _places(rng, texts), lost, _pick(rng, UNITS, count), strict=True)
        texts = [text[:at] + scrap + text[at + gone :] for text, at, gone, scrap in changes]
    return texts


def _repeated(rng: np.random.Generator, count: int) -> list[str]:
    texts, times = _pick(rng, SEEDS, count), (2 ** rng.uniform(1, 9, count)).astype(int).tolist()
    changes = zip(texts, _places(rng, texts), _pick(rng, UNITS, count), times, strict=True)
    return [text[:at] + (unit * n)[:LONGEST] + text[at:] for text, at, unit, n in changes]


def _nested(rng: np.random.Generator, count: int) -> list[str]:
    openers = _pick(rng, ("[", "{", "(", '{"a":', '[["a",', '{"nodes":', '{"frames":[', "[{'t':"), count)
    closers = _pick(rng, ("]", "}", ")", "", "]}", "</graph>"), count)
    depths = (2 ** rng.uniform(0, 8, (count, 2))).astype(int).tolist()
    return [f"<think><graph>{a * n}1{b * m}" for a, b, (n, m) in zip(openers, closers, depths, strict=True)]


def _soup(rng: np.random.Generator, count: int) -> list[str]:
    scraps, lengths = _pick(rng, (*SCRAPS, *NUMBERS), 24 * count), rng.integers(24, size=count).tolist()
    joined = ["".join(scraps[24 * k : 24 * k + length]) for k, length in enumerate(lengths)]
    return [
        text if k % 2 else f"<think><graph>{text}</graph></think><answer>{text}</answer>"
        for k, text in enumerate(joined)
    ]


def _numbers(rng: np.random.Generator, count: int) -> list[str]:
    """Both forms with numbers that hurt, in the graph and in the answer."""
    n = iter(_pick(rng, NUMBERS, 13 * count))
    lines = (
        "<think><graph>@{}\nchair.1 {} {} {}\ntable.1 {} {} {}\n"
        "chair.1 - table.1 {} {}</graph></think><answer>{},{} {} to {}</answer>"
    )
    written = (
        '<think><graph>{{"t":{},"nodes":[["chair.1",[{},{},{}]],["table.1",[{},{},{}]]],'
        '"edges":[["chair.1","table.1",{},{}]]}}</graph></think><answer>[{},{},{},{}]</answer>'
    )
    return [(lines if k % 2 else written).format(*(next(n) for _ in range(13))) for k in range(count)]


def _bytes(rng: np.random.Generator, count: int) -> list[str]:
    size = 200
    data, lengths = rng.bytes(size * count), rng.integers(size, size=count).tolist()
    raw = [data[size * k : size * k + length] for k, length in enumerate(lengths)]
    return [r.decode("utf-8", "surrogateescape") if k % 2 else r.decode("latin-1") for k, r in enumerate(raw)]


def _unicode(rng: np.random.Generator, count: int) -> list[str]:
    """Any code points, lone surrogates too, some of them as labels."""
    size = 40
    points = rng.choice([0x80, 0x3000, 0xE000, 0x110000], size=size * count)
    text = (rng.random(size * count) * points).astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    parts = [text[size * k : size * (k + 1)] for k in range(count)]
    return [
        part if k % 2 else f"<graph>@\n{part} 1 2 3\n{part}.1 1 2</graph><answer>{part}"
        for k, part in enumerate(parts)
    ]


MAKERS: tuple[Maker, ...] = (
    *(_cut, _spliced, _mutated, _repeated, _nested, _soup, _numbers, _bytes, _unicode),
    lambda rng, count: _pick(rng, SEEDS, count),
)


def batches(seed: int, size: int) -> Iterator[list[str]]:
    """Endless batches of `size` replies, of every sort in equal parts, mixed."""
    rng = np.random.default_rng(seed)
    while True:
        made = [text for maker in MAKERS for text in maker(rng, -(-size // len(MAKERS)))]
        yield [made[k] for k in rng.permutation(len(made))[:size].tolist()]
