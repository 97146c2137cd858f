"""How long hypothesis looks, by VIDEOSTR_PROPERTIES.

`ci`, the default: a minute for all promises. `full`, as in `make test`: many more examples, the same ones each
time. `hunt`: other examples each time, to look for what the two do not meet.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("VIDEOSTR_PROPERTIES", "ci")

_COMMON = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}

settings.register_profile("ci", max_examples=60, derandomize=True, database=None, **_COMMON)
settings.register_profile("full", max_examples=1000, derandomize=True, database=None, **_COMMON)
settings.register_profile("hunt", max_examples=3000, **_COMMON)
settings.load_profile(PROFILE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The other profiles have more time."""
    for item in items:
        if PROFILE != "ci" and item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(3600))
