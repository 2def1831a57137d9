"""Conversations of several turns about a context: each answer with its source, each follow-up bound to the history."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from app.catalog.asking import AskingOptions
from app.catalog.kinds import DatasetTask, Options

FEWEST, MOST = 2, 10
_OF_ANSWERS = frozenset(
    {"agreement", "faithfulness", "answerability", "usefulness", "nli", "round_trip", "self_consistency"}
)


class TurnRange(Options):
    """From `min` to `max` turns; a turn is a question and its answer."""

    min: int = Field(default=2, ge=FEWEST, le=MOST)
    max: int = Field(default=4, ge=FEWEST, le=MOST)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError("min must not be above max")
        return self


class ConversationOptions(AskingOptions):
    """How many conversations, how long they are, who asks in them, and what becomes of one whose turn fails."""

    conversations_per_context: int = Field(default=1, ge=1, le=5, description="conversations about each context")
    turns: Annotated[int, Field(ge=FEWEST, le=MOST)] | TurnRange = Field(
        default=TurnRange(), description='turns of a conversation: a number, or drawn from `{"min": 2, "max": 4}`'
    )
    failed_turn: Literal["cut", "drop"] = Field(
        default="cut",
        description="a turn that fails a gate ends its conversation before it, if the fewest turns are left (`cut`), "
        "or drops all of it (`drop`)",
    )
    unanswerable_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the conversations that have one turn which the context does not answer, with a refusal",
    )
    system_prompt: str | None = Field(
        default=None, min_length=1, max_length=4000, description="what every conversation begins with, as `system`"
    )

    @property
    def sizes(self) -> tuple[int, int]:
        """The fewest and the most turns."""
        return (self.turns, self.turns) if isinstance(self.turns, int) else (self.turns.min, self.turns.max)


def _kinds(options: ConversationOptions) -> dict[str, float]:
    """What the gates measure are turns: kind -> turns of it in one context, on average."""
    count, refusing = options.conversations_per_context, options.unanswerable_share
    found = {
        "opening": float(count),
        "follow_up": count * (sum(options.sizes) / 2 - 1 - refusing),
        "unanswerable": count * refusing,
    }
    return {kind: turns for kind, turns in found.items() if turns}


def _cost(options: ConversationOptions) -> int:
    """The openings in one call; a call to ask each further turn; one to answer, and two for a refusal."""
    count, turns = options.conversations_per_context, sum(options.sizes) / 2
    return math.ceil(round(1 + count * (turns - 1) + count * (turns + options.unanswerable_share), 6))


_EXAMPLE: list[dict[str, Any]] = [
    {"role": "user", "content": "At what time does the ferry Aurora leave Norvik on weekdays?"},
    {"role": "assistant", "content": "The ferry Aurora leaves Norvik at 07:40 on weekdays."},
    {"role": "user", "content": "And how much is a ticket for it?"},
    {"role": "assistant", "content": "A single ticket for the Aurora costs 12 euros."},
]

CONVERSATION = DatasetTask(
    summary="Conversations of several turns, each answer with its source and judged, follow-ups bound to the history.",
    options=ConversationOptions,
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
        "follows": 4.0,
    },
    cost=_cost,
    rows=lambda options: options.conversations_per_context,
    kinds=_kinds,
    skips={"opening": frozenset({"follows"}), "unanswerable": _OF_ANSWERS | {"source", "refusal"}},
    repairable=False,
    prompts=(
        "ask/grounded@1",
        "ask/grounded@2",
        "ask/follow_up@1",
        "ask/follow_up_missing@1",
        "answer/turn@1",
        "answer/grounded@1",
        "answer/unanswerable@1",
        "judge/grounded@1",
        "judge/follow_up@1",
    ),
    example={
        "question": _EXAMPLE[0]["content"],
        "answer": _EXAMPLE[-1]["content"],
        "attributes": {
            "messages": _EXAMPLE,
            "turns": [
                {"standalone": _EXAMPLE[0]["content"], "answerable": True, "sources": [0]},
                {"standalone": "How much is a ticket for the ferry Aurora?", "answerable": True, "sources": [1]},
            ],
        },
    },
)
