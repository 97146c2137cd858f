"""What a set of rollouts shows: the same replies under two specs, and signs of reward hacking or collapse.

Pure functions and running counts over scored replies; `videostr replay` and `videostr health` read files and
print.
"""

from videostr.rollouts.health import Health
from videostr.rollouts.replay import Comparison
from videostr.rollouts.rollout import Rollout

__all__ = ["Comparison", "Health", "Rollout"]
