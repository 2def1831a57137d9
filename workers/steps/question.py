"""A question on its way to becoming a row."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from app.catalog.questions import Length, QuestionType


@dataclass(frozen=True, slots=True)
class Question:
    """`evolution` and `parent` say how an evolved question came about; `prompts` names all prompts so far.

    `attributes` go into the row as they are; `length` is that of the answer wanted. `origin` is what a row of it is
    called as long as it is not evolved.
    """

    text: str
    prompts: tuple[str, ...]
    evolution: str | None = None
    parent: str | None = None
    round: int = 0
    path: str = field(default="")
    origin: str = field(default="original")
    type: QuestionType = "single_hop"
    length: Length = "medium"
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        if self.type == "unanswerable":
            return "unanswerable"
        return "evolved" if self.evolution else self.origin

    def after(self, parent: "Question") -> Self:
        """It was evolved from `parent`: with its type and length, but not who asked and how, which evolving loses."""
        kept: dict[str, Any] = {
            name: parent.attributes[name] for name in ("question_type", "length") if name in parent.attributes
        }
        return replace(self, type=parent.type, length=parent.length, attributes=kept)
