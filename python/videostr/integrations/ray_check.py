"""Whether a Ray worker finds videostr's plug-in for verl: ``python -m videostr.integrations.ray_check``.

Starts a Ray of its own with one worker, ends it again, and prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

#: What the worker runs: verl finds the plug-in through its entry point, or not at all.
_IN_WORKER = """
import importlib.metadata, os
import verl
from verl.experimental.reward_loop.reward_manager.registry import REWARD_MANAGER
found = REWARD_MANAGER.get("videostr")
answer = {
    "pid": os.getpid(),
    "verl": importlib.metadata.version("verl"),
    "manager": f"{found.__module__}.{found.__name__}" if found else None,
}
"""


def check() -> dict[str, Any]:
    """What a worker answers: its ``pid``, the version of ``verl``, and ``manager``, the class that is
    registered as ``videostr`` there, or None.
    """
    import ray

    # external modules would import the plug-in by another way than the one that is looked at
    environment = {"VERL_USE_EXTERNAL_MODULES": "", "CUDA_VISIBLE_DEVICES": ""}
    ray.init(
        address="local",
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        _node_ip_address="127.0.0.1",
        object_store_memory=80_000_000,
        runtime_env={"env_vars": environment},
    )
    try:

        def look() -> dict[str, Any]:
            scope: dict[str, Any] = {}
            exec(_IN_WORKER, scope)
            answer: dict[str, Any] = scope["answer"]
            return answer

        found: dict[str, Any] = ray.get(ray.remote(look).remote())
        return found
    finally:
        ray.shutdown()


def main() -> int:
    """0 when the worker found the plug-in, else 1."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    found = check()
    sys.stdout.write(json.dumps({**found, "driver_pid": os.getpid()}) + "\n")
    return 0 if found["manager"] else 1


if __name__ == "__main__":
    sys.exit(main())
