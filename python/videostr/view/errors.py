"""What the pictures cannot be made of."""

from __future__ import annotations

from videostr.errors import VideostrError


class ViewError(VideostrError, ValueError):
    """A folder that is no run, a row that is not there, a file name that says no kind of picture."""
