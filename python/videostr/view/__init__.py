"""Pictures of rollouts and runs: one page of a whole run, one rollout beside its reference, graphs.

Pages are single HTML files that need no network. They need numpy alone; frames of clips need PyAV, Pillow and
pyarrow, drawings with matplotlib need it (extra `view` has all of them). Graphs are drawn by
`videostr.Graph.plot`.
"""

from videostr.view.errors import ViewError
from videostr.view.one import view_rollout
from videostr.view.report import Written, write_report

__all__ = ["ViewError", "Written", "view_rollout", "write_report"]
