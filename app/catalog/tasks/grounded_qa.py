"""Questions and answers that one context supports, evolved with Evol-Instruct, each with its source."""

from pydantic import Field

from app.catalog.evolving import EvolvingOptions, evolve_calls
from app.catalog.kinds import DatasetTask


class GroundedQaOptions(EvolvingOptions):
    """How many questions, and how far they are evolved."""

    questions_per_context: int = Field(default=3, ge=1, le=20, description="questions asked about each context")


def _rows(options: GroundedQaOptions) -> int:
    return options.questions_per_context * (1 + options.evolve_rounds)


def _cost(options: GroundedQaOptions) -> int:
    return 1 + options.questions_per_context * evolve_calls(options) + _rows(options)


GROUNDED_QA = DatasetTask(
    summary="Question and answer rows that one context supports, each with the exact text it rests on.",
    options=GroundedQaOptions,
    gates={
        "source": 90.0,
        "numbers": 1.0,
        "standalone": 1.0,
        "agreement": 60.0,
        "faithfulness": 4.0,
        "answerability": 4.0,
        "usefulness": 3.0,
    },
    cost=_cost,
    rows=_rows,
    prompts=("ask/grounded@1", "answer/grounded@1", "judge/grounded@1", "judge/gain@1"),
    example={
        "question": "At what time does the ferry Aurora leave Norvik on weekdays?",
        "answer": "The ferry Aurora leaves Norvik at 07:40 on weekdays.",
    },
)
