"""What videostr raises: a caller's mistake, named by row and field. A model's reply never raises."""

from __future__ import annotations

__all__ = ["GroundTruthError", "InternalError", "SpecError", "TermError", "VideostrError"]


class VideostrError(Exception):
    """Base of every error that videostr raises on purpose."""


class _LocatedError(VideostrError, ValueError):
    """A wrong value at a known place.

    Attributes:
        message: What is wrong and what would be right.
        field: Path of the field, e.g. ``graph.frames[0].nodes[2].center[1]``; empty when the whole is meant.
        row: Index of the row in the batch, or None outside a batch.
    """

    def __init__(self, message: str, field: str = "", row: int | None = None) -> None:
        super().__init__(message, field, row)
        self.message = message
        self.field = field
        self.row = row

    def __str__(self) -> str:
        row = "" if self.row is None else f"row {self.row}: "
        field = f"{self.field}: " if self.field else ""
        return f"{row}{field}{self.message}"


class SpecError(_LocatedError):
    """A reward spec that names an unknown field or holds a value outside its list or range."""


class GroundTruthError(_LocatedError):
    """A ground truth that breaks the rules of references, found before training."""


class TermError(_LocatedError):
    """A reward term of the user's own that cannot be used: a name that cannot be imported, a wrong weight."""


class InternalError(VideostrError):
    """A bug of videostr itself, caught before it could end the process. Please report it with
    ``build_info()``.
    """
