"""Questions that take thinking, answered step by step: the answer voted on by several attempts, the steps judged."""

from typing import Literal, Self

from pydantic import Field, model_validator

from app.catalog.asking import AskingOptions
from app.catalog.kinds import DatasetTask, Options

MOST_STEPS = 10


class StepRange(Options):
    """From `min` to `max` steps of thought."""

    min: int = Field(default=2, ge=1, le=MOST_STEPS)
    max: int = Field(default=6, ge=1, le=MOST_STEPS)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError("min must not be above max")
        return self


class ReasoningOptions(AskingOptions):
    """How many questions, how long the thoughts are and how they are written, and when attempts agree."""

    questions_per_context: int = Field(default=2, ge=1, le=10, description="questions asked about each context")
    steps: StepRange = Field(
        default=StepRange(), description="steps that lead to an answer; attempts with fewer or more are not used"
    )
    samples: int = Field(
        default=3, ge=1, le=20, description="attempts at each question, that vote on its answer (arXiv 2203.11171)"
    )
    min_agreeing: float = Field(
        default=0.6, gt=0, le=1, description="share of the attempts that must come to the answer most of them come to"
    )
    grounded_share: float = Field(
        default=0.5, ge=0, le=1, description="share of the steps that must rest on a quote; the others draw conclusions"
    )
    thoughts: Literal["think", "plain"] = Field(
        default="think",
        description="how the answer is written: steps between `<think>` tags and then the answer, or steps that are "
        "numbered and then the answer",
    )


REASONING = DatasetTask(
    summary="Questions that take thinking, with steps that rest on quotes and an answer that attempts agree on.",
    options=ReasoningOptions,
    gates={
        "stop_words": 1.0,
        "refusal": 1.0,
        "echo": 1.0,
        "length": 300.0,
        "question_length": 4.0,
        "language": 0.1,
        "source": 90.0,
        "standalone": 1.0,
        "same_conclusion": 60.0,
        "conclusion": 4.0,
        "soundness": 4.0,
        "thought_needed": 3.0,
    },
    cost=lambda options: 1 + options.questions_per_context * options.samples,
    rows=lambda options: options.questions_per_context,
    repairable=False,
    prompts=("ask/reasoning@1", "answer/reasoning@1", "judge/reasoning@1"),
    example={
        "question": "How long before the departure of the ferry Aurora from Norvik does the gate close?",
        "answer": "<think>\nThe ferry Aurora leaves at 07:40.\nThe gate closes at 07:25.\nFrom 07:25 to 07:40 are 15 "
        "minutes.\n</think>\n\nThe gate closes 15 minutes before the departure.",
        "attributes": {
            "steps": [
                {"quote": "The ferry Aurora leaves Norvik at 07:40.", "thought": "The ferry Aurora leaves at 07:40."},
                {"quote": "The gate closes at 07:25.", "thought": "The gate closes at 07:25."},
                {"quote": "", "thought": "From 07:25 to 07:40 are 15 minutes."},
            ],
            "final_answer": "The gate closes 15 minutes before the departure.",
            "votes": {"samples": 3, "agreeing": 3},
        },
    },
)
