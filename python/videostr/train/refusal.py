"""What the launcher raises."""

from __future__ import annotations

from videostr.errors import VideostrError


class LaunchError(VideostrError, ValueError):
    """A recipe that cannot be trained with as it is; the message names the key or file and what to do."""
