"""Plain text for continued pre-training: the corpus cleaned and packed, and texts on how its entities are related."""

import math
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from app.catalog.asking import something
from app.catalog.kinds import DatasetTask, Options
from app.catalog.questions import Weight

TextKind = Literal["clean", "pair", "triple"]
_JUDGED = frozenset(
    {
        "stop_words",
        "refusal",
        "echo",
        "language",
        "numbers",
        "names",
        "standalone",
        "text_faithfulness",
        "text_relation",
    }
)


class PretrainOptions(Options):
    """How the corpus is packed, and how many texts are written about it."""

    tokens: int = Field(default=1024, ge=64, le=32_768, description="tokens of a packed text, at most")
    pack: Literal["across", "within"] = Field(
        default="across", description="a text goes on with the next document, or ends with its document"
    )
    separator: str = Field(
        default="\n\n", max_length=60, description="what stands between two documents in one text: an end-of-text mark"
    )
    boilerplate: bool = Field(default=True, description="headers, footers and lines of many documents are left out")
    duplicate_lines: bool = Field(
        default=True, description="of lines of 8 words and more that repeat, only the first one stays"
    )
    shares: dict[TextKind, Weight] = Field(
        default={"clean": 1.0},
        description="how many texts of each kind come of one context, on average: clean (its own text, at most 1), "
        "pair and triple (about two or three of its entities, at most 50 each); these two need pack: within",
    )

    @field_validator("shares")
    @classmethod
    def _possible(cls, chosen: dict[str, float]) -> Any:
        if chosen.get("clean", 0) > 1 or max(chosen.get("pair", 0), chosen.get("triple", 0)) > 50:
            raise ValueError("at most 1 clean text, and 50 of pairs and triples each")
        return something(chosen)

    @model_validator(mode="after")
    def _of_one_document(self) -> Self:
        if self.pack == "across" and self.written():
            raise ValueError("pair and triple relate the entities of one document: `pack` must be within")
        return self

    def written(self) -> float:
        """Texts that are written about one context, on average."""
        return self.shares.get("pair", 0.0) + self.shares.get("triple", 0.0)


PRETRAIN = DatasetTask(
    summary="Plain text for continued pre-training: your documents cleaned and packed, and grounded texts about them.",
    options=PretrainOptions,
    gates={
        "stop_words": 1.0,
        "refusal": 1.0,
        "echo": 1.0,
        "language": 0.1,
        "numbers": 1.0,
        "names": 1.0,
        "standalone": 1.0,
        "text_faithfulness": 4.0,
        "text_relation": 3.0,
    },
    cost=lambda options: math.ceil((options.written() > 0) + options.written()),
    rows=lambda options: max(1, round(sum(options.shares.values()))),
    kinds=lambda options: {str(kind): share for kind, share in options.shares.items() if share},
    skips={"clean": _JUDGED},
    prompts=("pretrain/entities@1", "pretrain/relation@1", "judge/text@1"),
    example={
        "text": "The ferry Aurora and Captain Lind belong together: she has steered it since 1998, and it is under "
        "her that the ferry leaves Norvik at 07:40 every weekday."
    },
    shape="text",
    source="packs",
    repairable=False,
)
