"""The instruction gate: what callgrind counts for parse, assign and score, against benches/instructions.json.

A count more than 3 % above the file's ends with status 1; `--write` moves the file to what was counted. Counts hold
for one compiler and one kind of processor, which the file names: elsewhere, and without valgrind, the gate says so and
is skipped.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
GATE = ROOT / "benches" / "instructions.json"
PARTS = ["parse", "assign-3-16", "assign-30-128", "score-given", "score-aligned"]
MORE = 0.03


def build() -> Path:
    """The counted program, with the optimisation of the wheel."""
    # --workspace: features are resolved as for the extension, whose objects are then reused; only linking is left
    command = ["cargo", "bench", "--locked", "--workspace", "--bench", "instructions", "--no-run"]
    done = subprocess.run(
        [*command, "--quiet", "--message-format=json"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return next(Path(m["executable"]) for m in messages if m.get("executable"))


def count(program: Path, part: str) -> int:
    """Instructions of the program's function `measured`, and of all that it calls."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        command = [
            "valgrind",
            "--tool=callgrind",
            "--toggle-collect=*measured*",
            f"--callgrind-out-file={out}",
        ]
        done = subprocess.run([*command, program, part], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"callgrind on {part} ended with status {done.returncode}:\n{done.stderr}")
        found = re.search(r"^totals: (\d+)$", out.read_text(), re.MULTILINE)
    if found is None or found[1] == "0":
        raise SystemExit(f"callgrind counted nothing for {part}: is `measured` still a function of its own?")
    return int(found[1])


def here() -> dict[str, str]:
    """What counts depend on beside the code.

    Valgrind shows every program the same processor, which has AVX2 if the real one has it; and never AVX-512.
    """
    rustc = subprocess.run(
        ["rustc", "--version"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    cpu = Path("/proc/cpuinfo")
    flags = set(cpu.read_text().split()) if cpu.exists() else set()
    return {"rustc": rustc.strip(), "simd": "avx2" if "avx2" in flags else "none"}


def verdict(counted: dict[str, int], gate: dict[str, int]) -> list[str]:
    """What is wrong, in words; nothing when the gate holds."""
    if counted.keys() != gate.keys():
        return [f"the file counts {sorted(gate)}, this program {sorted(counted)}"]
    return [
        f"{part}: {counted[part]:,} instructions, {counted[part] / gate[part] - 1:+.1%} over {gate[part]:,}"
        for part in counted
        if counted[part] > gate[part] * (1 + MORE)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="move the gate file to what is counted now")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("instruction gate: skipped, valgrind is not installed")
        return
    gate: dict[str, Any] = json.loads(GATE.read_text())
    machine = here()
    stated = {key: gate[key] for key in machine}
    if machine != stated and not args.write:
        print(f"instruction gate: skipped, the file is for {stated}, this is {machine}")
        return
    program = build()
    counted = {part: count(program, part) for part in PARTS}
    for part, instructions in counted.items():
        before = gate["counts"].get(part)
        print(f"{part:14} {instructions:12,}" + (f" {instructions / before - 1:+7.1%}" if before else ""))
    if args.write:
        GATE.write_text(json.dumps({**machine, "counts": counted}, indent=2) + "\n")
        return
    wrong = verdict(counted, gate["counts"])
    for line in wrong:
        print(f"instruction gate: {line}", file=sys.stderr)
    if wrong:
        print(
            "Where that is meant: `python benches/instructions.py --write`, and say why in the commit",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
