"""What the launcher left of a run's start, as a page tells it; the files may be edited or of another version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from videostr.view.folder import RunFolder, without_secrets

#: Characters of a command line and of other texts; entries of a list.
COMMAND, TEXT, ENTRIES = 4000, 300, 40


def told_start(run: RunFolder) -> dict[str, Any] | None:
    """When, how and from where the run was started, and what changed since the start before; None when not known."""
    start = run.start
    if not start:
        return None
    resumed, changed = start.get("resumed_from"), start.get("changed")
    return {
        "started": _text(start.get("started") or "at a time that is not known"),
        "command": without_secrets(str(start.get("command") or "")[:COMMAND]),
        "resumed_from": resumed if isinstance(resumed, int) else None,
        "changed": list(map(_text, changed[:ENTRIES])) if isinstance(changed, list) else [],
        "starts": run.starts,
    }


def told_versions(run: RunFolder) -> list[str]:
    """Packages, Python, GPUs or processor, and the commit, each in words; empty when not known."""
    made = run.versions
    packages, gpus, git = made.get("packages"), made.get("gpus"), made.get("git")
    told = (
        [f"{name} {version}" for name, version in packages.items()] if isinstance(packages, Mapping) else []
    )
    if made.get("python"):
        told.append(f"Python {made['python']}")
    if isinstance(gpus, list) and gpus:
        told += [f"{count} × {name}" for name, count in Counter(map(str, gpus)).items()]
    elif made.get("processor"):
        told.append(f"{made.get('cores', '?')} cores of {made['processor']}")
    commit = git.get("videostr") if isinstance(git, Mapping) else None
    if isinstance(commit, Mapping) and commit.get("commit"):
        told.append(f"commit {str(commit['commit'])[:12]}{', changed' if commit.get('changed') else ''}")
    return list(map(_text, told[:ENTRIES]))


def _text(value: Any) -> str:
    return str(value)[:TEXT]
