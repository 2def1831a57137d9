"""Questions and answers that one context supports, evolved with Evol-Instruct, each with its source."""

import math

from pydantic import Field, field_validator

from app.catalog.asking import AskingOptions, shares, something
from app.catalog.evolving import EvolvingOptions, evolve_calls
from app.catalog.kinds import DatasetTask
from app.catalog.questions import (
    OPEN_TYPES,
    QUESTION_TYPES,
    Difficulty,
    QuestionType,
    SeedQuestion,
    Weight,
)

# What is measured of an answer in words: a letter, a label or a gap is none, and a refusal claims nothing.
_OF_ANSWERS = frozenset(
    {"agreement", "faithfulness", "answerability", "usefulness", "nli", "round_trip", "self_consistency"}
)


class GroundedQaOptions(AskingOptions, EvolvingOptions):
    """How many questions of which types, who asks them and how, and how far they are evolved."""

    questions_per_context: int = Field(default=3, ge=1, le=20, description="questions asked about each context")
    question_types: dict[QuestionType, Weight] = Field(
        default={"single_hop": 1.0},
        description="type -> weight; each gets its share of all the dataset's questions. multi_hop needs "
        "grouping.chunks_per_context of 2 or more",
    )
    difficulty: dict[Difficulty, Weight] = Field(
        default={"easy": 1.0}, description="how hard single_hop, multiple_choice and true_false are: level -> weight"
    )
    check_hops: bool = Field(
        default=False,
        description="the judge must fail to answer a multi_hop question from one chunk alone (one call more a row)",
    )
    seed_questions: list[SeedQuestion] = Field(
        default=[],
        max_length=1000,
        description="your own questions; each is answered once, from the context that matches it best",
    )

    @field_validator("question_types", "difficulty")
    @classmethod
    def _something_to_ask(cls, chosen: dict[str, float]) -> list[str] | dict[str, float]:
        return something(chosen)

    def shares(self) -> dict[QuestionType, float]:
        """Type -> its share of the questions, in a fixed order; shares add up to 1."""
        return shares(self.question_types, QUESTION_TYPES)


def _kinds(options: GroundedQaOptions) -> dict[str, float]:
    """Kind -> rows of it that one context gives on average."""
    found: dict[str, float] = {}
    for name, share in options.shares().items():
        count = options.questions_per_context * share
        if name in OPEN_TYPES:
            found["original"] = found.get("original", 0.0) + count
            found["evolved"] = found.get("evolved", 0.0) + count * options.evolve_rounds
        else:
            found[name] = count
    return found


def _rows(options: GroundedQaOptions) -> int:
    return max(1, round(sum(_kinds(options).values())))


def _cost(options: GroundedQaOptions) -> int:
    """Asking, evolving, answering, and the checks that belong to a type; on average, rounded up."""
    calls = 0.0
    for name, share in options.shares().items():
        count = options.questions_per_context * share
        asks = min(1.0, count)  # one for each type that a context has
        if name in OPEN_TYPES:
            answers = count * (1 + options.evolve_rounds)
            hops = answers if name == "multi_hop" and options.check_hops else 0.0
            calls += asks + count * evolve_calls(options) + answers + hops
        elif name == "unanswerable":
            calls += asks + 2 * count  # the try to answer it, and the refusal
        elif name != "cloze":
            calls += asks + count  # the judge's own choice
    return math.ceil(round(calls, 6))


def _chunks(options: GroundedQaOptions) -> int:
    return 2 if options.question_types.get("multi_hop") else 1


GROUNDED_QA = DatasetTask(
    categories=("question-answering", "text-generation"),
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
    kinds=_kinds,
    chunks=_chunks,
    # A refusal rests on nothing; the others are judged by a call of their own type, and a cloze is its text.
    skips={
        "unanswerable": _OF_ANSWERS | {"source", "refusal"},
        "multiple_choice": _OF_ANSWERS,
        "true_false": _OF_ANSWERS,
        "cloze": _OF_ANSWERS,
    },
    prompts=(
        "ask/grounded@1",
        "ask/grounded@2",
        "ask/multi_hop@1",
        "ask/unanswerable@1",
        "ask/multiple_choice@1",
        "ask/true_false@1",
        "answer/grounded@1",
        "answer/grounded@2",
        "answer/multi_hop@1",
        "answer/unanswerable@1",
        "judge/grounded@1",
        "judge/own_answer@1",
        "judge/gain@1",
        "judge/choose@1",
        "judge/true_false@1",
    ),
    example={
        "question": "At what time does the ferry Aurora leave Norvik on weekdays?",
        "answer": "The ferry Aurora leaves Norvik at 07:40 on weekdays.",
    },
)
