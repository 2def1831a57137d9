"""Summaries of a context: in the model's words or in the text's own sentences, of a length that is checked."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.catalog.asking import shares, something
from app.catalog.kinds import DatasetTask, Options
from app.catalog.questions import Weight

SummaryStyle = Literal["paragraph", "bullets", "one_line", "executive", "extractive"]

# Words for the prompt of the styles that the model words itself.
FORMS: dict[SummaryStyle, str] = {
    "paragraph": "one paragraph of full sentences",
    "bullets": "a list of points, each one short sentence",
    "one_line": "one single sentence",
    "executive": "for someone who has to decide: the most important result first, then what it rests on",
}


class Limit(BaseModel):
    """How long a summary may be. In a list of points each point is a sentence; a ratio is of the text's words."""

    model_config = ConfigDict(extra="forbid")

    unit: Literal["sentences", "words", "ratio"] = "sentences"
    most: float = Field(gt=0, le=500)
    weight: Weight = 1.0

    @field_validator("most")
    @classmethod
    def _of_its_unit(cls, most: float) -> float:
        if most >= 1 and most != int(most):
            raise ValueError("a whole number of sentences or words, or a ratio below 1")
        return most


class SummariseOptions(Options):
    """How many summaries of each context, in which styles and lengths."""

    summaries_per_context: int = Field(default=1, ge=1, le=10, description="summaries of each context")
    styles: dict[SummaryStyle, Weight] = Field(
        default={"paragraph": 1.0},
        description="style -> weight; each gets its share of all summaries. extractive: the text's own sentences",
    )
    lengths: list[Limit] = Field(
        default=[Limit(most=3)],
        min_length=1,
        max_length=10,
        description="limits to draw from by weight: at most so many sentences or words, or a ratio of the text's words",
    )

    @field_validator("styles")
    @classmethod
    def _something_to_write(cls, chosen: Any) -> Any:
        return something(chosen)

    @field_validator("lengths")
    @classmethod
    def _units_fit(cls, chosen: list[Limit]) -> list[Limit]:
        if any((limit.unit == "ratio") != (limit.most < 1) for limit in chosen):
            raise ValueError("`most` of a ratio is below 1, that of sentences and words is 1 or more")
        if not any(limit.weight for limit in chosen):
            raise ValueError("at least one weight above 0")
        return chosen

    def shares(self) -> dict[SummaryStyle, float]:
        """Style -> its share of the summaries; shares add up to 1."""
        return shares(self.styles, sorted(self.styles))


def _kinds(options: SummariseOptions) -> dict[str, float]:
    extractive = options.summaries_per_context * options.shares().get("extractive", 0.0)
    return {"abstractive": options.summaries_per_context - extractive, "extractive": extractive}


SUMMARISE = DatasetTask(
    categories=("summarization", "text-generation"),
    summary="Summaries of a context in several styles, in new words or the text's own sentences, of a checked length.",
    options=SummariseOptions,
    gates={
        "stop_words": 1.0,
        "refusal": 1.0,
        "echo": 1.0,
        "language": 0.1,
        "numbers": 1.0,
        "names": 1.0,
        "standalone": 1.0,
        "verbatim": 1.0,
        "asked_length": 1.0,
        "compression": 0.6,
        "rouge_1": 0.0,
        "rouge_2": 0.0,
        "rouge_l": 0.0,
        "summary_faithfulness": 4.0,
        "summary_coverage": 3.0,
    },
    cost=lambda options: options.summaries_per_context,
    rows=lambda options: options.summaries_per_context,
    kinds=_kinds,
    skips={"abstractive": frozenset({"verbatim"})},
    prompts=("summarise/abstractive@1", "summarise/extractive@1", "judge/summary@1"),
    example={
        "question": "Summarise the following text in one sentence.\n\nThe ferry Aurora leaves Norvik at 07:40 every "
        "weekday. A single ticket costs 12 euros, and children under six travel free of charge.",
        "answer": "The ferry Aurora leaves Norvik at 07:40 on weekdays; a single costs 12 euros, free for under-sixes.",
    },
    repairable=False,
    alike=lambda question, answer, attributes: answer,  # several summaries of one text are wanted
)
