"""A file for one process at a time."""

from __future__ import annotations

from typing import BinaryIO


def lock(file: BinaryIO) -> bool:
    """Takes the file for this process; false when another has it. Where the system has no such lock, true."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
