"""A question on its way to becoming a row."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Question:
    """`evolution` and `parent` say how an evolved question came about; `prompts` names all prompts so far.

    `origin` is what a row of it is called as long as it is not evolved.
    """

    text: str
    prompts: tuple[str, ...]
    evolution: str | None = None
    parent: str | None = None
    round: int = 0
    path: str = field(default="")
    origin: str = field(default="original")

    @property
    def kind(self) -> str:
        return "evolved" if self.evolution else self.origin
