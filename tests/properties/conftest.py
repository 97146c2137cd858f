"""How long hypothesis looks, by VIDEOSTR_PROPERTIES.

`ci`, the default: a minute for all promises. `full`: many more examples, the same ones each time. `hunt`: other
examples each time, to look for what the two do not meet.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_COMMON = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}

settings.register_profile("ci", max_examples=60, derandomize=True, database=None, **_COMMON)
settings.register_profile("full", max_examples=1000, derandomize=True, database=None, **_COMMON)
settings.register_profile("hunt", max_examples=3000, **_COMMON)
settings.load_profile(os.environ.get("VIDEOSTR_PROPERTIES", "ci"))
