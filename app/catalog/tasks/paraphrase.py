"""Sentences of a context said in other words: meaning, numbers and names kept, wording changed."""

from typing import Any, Literal

from pydantic import Field, field_validator

from app.catalog.asking import shares, something
from app.catalog.kinds import DatasetTask, Extra, Options
from app.catalog.questions import Weight

ParaphraseStyle = Literal["plain", "formal", "simple", "casual", "short"]

# Words for the prompt.
WORDED: dict[ParaphraseStyle, str] = {
    "plain": "in other words",
    "formal": "in other words, in formal, complete language",
    "simple": "in simpler words and shorter clauses, for someone who is new to the subject",
    "casual": "in other words, as one would say it in an everyday conversation",
    "short": "in fewer words, without losing a fact",
}


class ParaphraseOptions(Options):
    """How many sentences of each context, how often each, and in which styles."""

    sentences_per_context: int = Field(default=3, ge=1, le=20, description="sentences of each context")
    variants: int = Field(default=1, ge=1, le=5, description="paraphrases of each sentence, all in its style")
    styles: dict[ParaphraseStyle, Weight] = Field(
        default={"plain": 1.0}, description="style -> weight; each gets its share of all sentences"
    )
    least_words: int = Field(default=6, ge=3, le=60, description="words that a sentence has at least")

    @field_validator("styles")
    @classmethod
    def _something_to_say(cls, chosen: Any) -> Any:
        return something(chosen)

    def shares(self) -> dict[ParaphraseStyle, float]:
        """Style -> its share of the sentences; shares add up to 1."""
        return shares(self.styles, sorted(self.styles))


PARAPHRASE = DatasetTask(
    summary="Sentences said in other words: the meaning, numbers and names are kept, the wording is not.",
    options=ParaphraseOptions,
    gates={
        "stop_words": 1.0,
        "refusal": 1.0,
        "echo": 1.0,
        "language": 0.1,
        "standalone": 1.0,
        "facts_kept": 1.0,
        "overlap": 0.7,
        "similarity": 0.65,
        "meaning": 0.75,
    },
    cost=lambda options: options.sentences_per_context,
    rows=lambda options: options.sentences_per_context * options.variants,
    prompts=("paraphrase/sentence@1", "judge/paraphrase@1"),
    example={
        "question": "Say this in other words: The ferry Aurora leaves Norvik at 07:40 every weekday.",
        "answer": "On weekdays the Aurora sets out from Norvik at 07:40.",
    },
    extra=Extra(name="embed", module="sentence_transformers"),
    repairable=False,
)
