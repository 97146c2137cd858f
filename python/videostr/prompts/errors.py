"""The error of a prompt that cannot be written."""

from videostr.errors import VideostrError


class PromptError(VideostrError, ValueError):
    """A reference or an option from which no prompt can be written; the message names the field."""
