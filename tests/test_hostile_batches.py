"""Millions of hostile replies in one process: no crash, no `internal`, no growth of memory."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from typing import Any

import pytest

import hostile_run
import videostr
from videostr import _core

pytestmark = pytest.mark.alone
GROWTH = 2**20
"""Bytes that the process may grow by after its warm-up: about one a reply where there are a million."""


glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc and /proc for memory")


def account_of(count: int) -> dict[str, Any]:
    """What a fresh process says that scores `count` hostile replies."""
    command = [sys.executable, str(hostile_run.__file__), str(count)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    account: dict[str, Any] = json.loads(run.stdout)
    return account


@pytest.mark.timeout(3600)
@glibc
@pytest.mark.parametrize(
    "count", [pytest.param(10**6, marks=pytest.mark.full), pytest.param(10**7, marks=pytest.mark.long)]
)
def test_hostile_replies(count: int) -> None:
    account = account_of(count)
    print(json.dumps(account))
    assert account["replies"] >= count
    grown = account["resident_at_the_end"] - account["resident_after_warm_up"]
    assert grown <= GROWTH, f"{grown} bytes more after {count} replies"
    for name, known in (
        ("graph_status", videostr.GRAPH_STATUS),
        ("answer_status", videostr.ANSWER_STATUS),
        ("repairs", set(videostr.REPAIRS) - {"internal"}),
    ):
        rare = {code for code in known if account[name][code] < 20}
        assert not rare, f"{name}: the replies hardly reach {rare}"


def test_a_caught_bug_is_seen() -> None:
    with pytest.raises(AssertionError, match="a caught bug of ours"):
        hostile_run.run(20_000, after=_core._panic_once)


@glibc
def test_a_leak_is_seen() -> None:
    """One of 40 bytes a reply, in a twentieth of the replies that `make test` scores."""
    kept: list[bytes] = []
    account = hostile_run.run(
        50_000 + 20_000, warm_up=20_000, after=lambda: kept.append(os.urandom(40 * 20 * hostile_run.BATCH))
    )
    assert account["resident_at_the_end"] - account["resident_after_warm_up"] > GROWTH
