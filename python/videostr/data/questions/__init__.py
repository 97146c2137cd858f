"""Questions about a clip, each with the filter that drops it where its answer would be ambiguous.

from videostr.data.questions import Filters, Sight, ask
question = ask("displacement", Sight(facts, Filters()), rng, "number")
"""

from videostr.data.questions.askers import ANYWHERE, TASKS, ask
from videostr.data.questions.base import Answer, Dropped, Kind, Question, Sight
from videostr.data.questions.filters import Filters
from videostr.data.questions.rounds import ask_in_turn, reference_answer

__all__ = [
    "ANYWHERE",
    "TASKS",
    "Answer",
    "Dropped",
    "Filters",
    "Kind",
    "Question",
    "Sight",
    "ask",
    "ask_in_turn",
    "reference_answer",
]
