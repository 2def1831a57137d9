"""Preference pairs: several answers to a prompt, ranked by the judge in both orders; the better and the worse one."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from app.catalog.asking import AskingOptions, something
from app.catalog.kinds import DatasetTask, Shape
from app.catalog.questions import Difficulty, SeedQuestion, Weight

Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
Answerer = Literal["generator", "trainee", "judge"]


class PreferencesOptions(AskingOptions):
    """Where prompts come from, who answers them how often, and which pairs become rows."""

    prompts_from: Literal["documents", "uploaded"] = Field(
        default="documents",
        description="`documents`: questions are made about each context; `uploaded`: the corpus holds files of "
        "instructions (as for task instruct), answered without documents",
    )
    questions_per_context: int = Field(default=2, ge=1, le=20, description="questions asked about each context")
    difficulty: dict[Difficulty, Weight] = Field(default={"easy": 1.0}, description="level -> weight")
    seed_questions: list[SeedQuestion] = Field(
        default=[],
        max_length=1000,
        description="your own questions about the documents; each goes to the context that matches it best",
    )
    answers: int = Field(default=4, ge=2, le=9, description="answers to each prompt, ranked together")
    temperatures: list[Temperature] = Field(
        default=[0.3, 0.7, 1.0], min_length=1, max_length=9, description="answers are sampled at these in turn"
    )
    roles: list[Answerer] = Field(
        default=["generator"], max_length=3, description="who answers, in turn: models that the service is set up with"
    )
    models: list[ModelName] = Field(
        default=[],
        max_length=8,
        description="who answers as well: other models of the generator's server by name, such as your own adapter",
    )
    turns: int = Field(
        default=1,
        ge=1,
        le=6,
        description="2 and more: whole conversations of so many exchanges are compared (arXiv 2405.14655)",
    )
    shared_turns: int = Field(
        default=0, ge=0, le=5, description="so many first exchanges of a conversation are the same on both sides"
    )
    pairs: Literal["best_worst", "all"] = Field(
        default="best_worst", description="of a ranking, the best and the worst answer, or every pair (InstructGPT)"
    )
    perturbed: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the questions that also give a pair of a faithful answer and the same with one fact "
        "changed; the change is recorded",
    )

    @field_validator("difficulty")
    @classmethod
    def _some_difficulty(cls, chosen: Any) -> Any:
        return something(chosen)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not (self.roles or self.models):
            raise ValueError("somebody must answer: roles and models are both empty")
        if self.shared_turns >= self.turns:
            raise ValueError("shared_turns must be below turns")
        if self.prompts_from == "uploaded" and (self.turns > 1 or self.perturbed or self.seed_questions):
            raise ValueError("turns, perturbed and seed_questions need prompts_from: documents")
        return self

    @property
    def prompts(self) -> int:
        """Prompts of one context."""
        return 1 if self.prompts_from == "uploaded" else self.questions_per_context

    @property
    def kind(self) -> str:
        """What rows are called that come of a ranking."""
        return "uploaded" if self.prompts_from == "uploaded" else "conversation" if self.turns > 1 else "ranked"


def _pairs(options: PreferencesOptions) -> int:
    return 1 if options.pairs == "best_worst" else math.comb(options.answers, 2)


def _kinds(options: PreferencesOptions) -> dict[str, float]:
    """Kind -> rows of it that one context gives on average."""
    found = {options.kind: float(options.prompts * _pairs(options))}
    return found | ({"perturbed": options.prompts * options.perturbed} if options.perturbed else {})


def _rows(options: PreferencesOptions) -> int:
    return max(1, round(sum(_kinds(options).values())))


def _cost(options: PreferencesOptions) -> int:
    """Asking, answering, both rankings, the changed fact and both rankings of that; on average, rounded up.

    An exchange of a conversation is an answer and, but for the last one, what the user says next.
    """
    own = options.turns - options.shared_turns
    each = 2 * options.shared_turns + options.answers * (2 * own - 1) + 2 + 3 * options.perturbed
    asks = options.prompts_from == "documents"
    return math.ceil(round(asks + options.prompts * each, 6))


def _needs(options: PreferencesOptions) -> list[str]:
    return [f"{role}_model" for role in dict.fromkeys(options.roles) if role != "generator"]


def _shape(options: PreferencesOptions) -> Shape:
    return "trajectories" if options.turns > 1 else "preference"


PREFERENCES = DatasetTask(
    summary="Pairs of a better and a worse answer, ranked by the judge in both orders, balanced in length.",
    options=PreferencesOptions,
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
        "chosen_faithfulness": 4.0,
        "margin": 1.0,
    },
    cost=_cost,
    rows=_rows,
    kinds=_kinds,
    # An instruction stands alone, and may ask for another language.
    skips={"uploaded": frozenset({"source", "numbers", "standalone", "language", "question_length"})},
    shape="preference",
    shaped=_shape,
    source="prompts",
    needs=_needs,
    repairable=False,  # a repaired answer would be another one than the judge has compared
    prompts=(
        "ask/grounded@1",
        "ask/grounded@2",
        "ask/next_request@1",
        "answer/grounded@1",
        "answer/grounded@2",
        "answer/next_turn@1",
        "answer/instruction@1",
        "judge/rank@1",
        "judge/rank_alone@1",
        "perturb/fact@1",
    ),
    example={
        "question": "At what time does the ferry Aurora leave Norvik on weekdays?",
        "answer": "The ferry Aurora leaves Norvik at 07:40 on weekdays.",
        "attributes": {"rejected": "The ferry Aurora leaves Norvik every morning.", "margin": 1.5},
    },
)
