"""Questions and answers that one context supports, evolved with Evol-Instruct, each with its source."""

from typing import Annotated

from pydantic import Field

from app.catalog.kinds import DatasetTask, Options

EvolutionName = Annotated[str, Field(max_length=60)]


class GroundedQaOptions(Options):
    """How many questions, and how far they are evolved."""

    questions_per_context: int = Field(default=3, ge=1, le=20, description="questions asked about each context")
    evolve_rounds: int = Field(default=1, ge=0, le=4, description="0: no evolution; each round evolves the last one's")
    evolutions: list[EvolutionName] = Field(
        default=["add_constraint", "deepen", "concretise", "reasoning_steps", "complicate_input", "in_breadth"],
        min_length=1,
        max_length=20,
        description="operators to draw from, by catalogue name",
    )


def _rows(options: GroundedQaOptions) -> int:
    return options.questions_per_context * (1 + options.evolve_rounds)


def _cost(options: GroundedQaOptions) -> int:
    return 1 + options.questions_per_context * options.evolve_rounds + _rows(options)


GROUNDED_QA = DatasetTask(
    summary="Question and answer rows that one context supports, each with the exact text it rests on.",
    options=GroundedQaOptions,
    gates={
        "stop_words": 1.0,
        "refusal": 1.0,
        "echo": 1.0,
        "length": 300.0,
        "question_length": 2.0,
        "language": 0.1,
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
    prompts=("ask/grounded@1", "answer/grounded@1", "judge/grounded@1"),
    example={
        "question": "At what time does the ferry Aurora leave Norvik on weekdays?",
        "answer": "The ferry Aurora leaves Norvik at 07:40 on weekdays.",
    },
)
