"""Golden replies with a few bytes changed: what no generator would think of writing."""

from __future__ import annotations

import random

from case_files import Case, golden

PIECES = (
    *(
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        ":",
        ";",
        '"',
        "'",
        "\\",
        "/",
        "//",
        "/*",
        "*/",
        "#",
        "```",
        "```json\n",
    ),
    *(
        " ",
        "\n",
        "\t",
        "\r",
        "\u00a0",
        "@",
        "@ ",
        "@0.5 s\n",
        " - ",
        "-",
        "+",
        ".",
        "_",
        "0",
        "1",
        "7",
        "e",
        "x",
    ),
    *(
        "1e400",
        "nan",
        "inf",
        "null",
        "True",
        "None",
        " m",
        "cm",
        " s",
        "m^2",
        " to ",
        "\u2212",
        "\uff11",
        "\u00b0",
    ),
    *("chair.1 ", "table", "<graph>", "</graph>", "<think>", "</think>", "<answer>", "</answer>", "é", "😀"),
)


def replies() -> list[Case]:
    """Golden lines that are short and have no group."""
    return [case for case in golden() if "group" not in case and len(case["text"]) < 600]


def mutated(rng: random.Random, text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randint(0, len(data))
        length = rng.choice((0, 1, 1, 2, 8))
        match rng.randrange(6):
            case 0:
                data = data[:at] + data[at + length :]
            case 1:
                data = data[:at] + data[at : at + length] * 2 + data[at + length :]
            case 2:
                data = data[:at] + bytes([rng.randrange(32, 127)]) + data[at + length :]
            case 3:
                data = data[:at] if rng.random() < 0.3 else data[:at] + b"\n" + data[at:]
            case _:
                data = data[:at] + rng.choice(PIECES).encode() + data[at + length :]
    return data.decode("utf-8", "replace")


def mutation(seed: int, index: int, cases: list[Case]) -> Case:
    """Case `index` of a seed, scored under the quickest preset, so that reading is what costs."""
    rng = random.Random(f"{seed}:{index}")
    case = rng.choice(cases)
    prefilled = bool(case["spec"].get("think_prefilled", False))
    return {
        "seed": seed,
        "index": index,
        "where": case["where"],
        "spec": {"preset": "coordinates", "think_prefilled": prefilled},
        "reference": case["reference"],
        "text": mutated(rng, case["text"]),
        "tokens": None,
    }
