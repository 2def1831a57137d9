"""Who asks a question, in which style, how hard it is and how long its answer: drawn by weight, told to the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.catalog.asking import AskingOptions
from app.catalog.questions import DIFFICULTIES, PERSONAS, STYLES, Difficulty, Length, QuestionType, Style
from workers.recipes.work import Work

# What means something for each type: a statement has no asker, and what is not stated is not hard or easy.
_TOLD: dict[QuestionType, tuple[str, ...]] = {
    "single_hop": ("persona", "style", "difficulty", "length"),
    "multi_hop": ("persona", "style", "length"),
    "unanswerable": ("persona", "style"),
    "multiple_choice": ("difficulty",),
    "true_false": ("difficulty",),
    "cloze": (),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One draw. What does not apply to the question's type is None."""

    persona: str | None = None
    style: Style | None = None
    difficulty: Difficulty | None = None
    length: Length | None = None

    def attributes(self, kind: QuestionType) -> dict[str, str]:
        """What the row says of it."""
        drawn = {name: getattr(self, name) for name in ("persona", "style", "difficulty", "length")}
        return {"question_type": kind} | {name: value for name, value in drawn.items() if value}

    @property
    def words(self) -> str:
        """What the model is told, or "" for a plain, easy question that nobody in particular asks."""
        parts = []
        if self.persona:
            parts.append(f"asked by {PERSONAS.get(self.persona, self.persona)}")
        if self.style and self.style != "plain":
            parts.append(STYLES[self.style])
        if self.difficulty and self.difficulty != "easy":
            parts.append(DIFFICULTIES[self.difficulty])
        return "; ".join(parts)


def draw(
    work: Work, options: AskingOptions, kind: QuestionType, count: int, *, purpose: str | None = None
) -> list[Profile]:
    """`count` profiles. Each property has a generator of its own, so that one more option changes no other draw.

    `purpose` tells two draws of one type apart; by default it is the type.
    """
    personas = options.personas if isinstance(options.personas, dict) else dict.fromkeys(options.personas, 1.0)
    weights: dict[str, Mapping[Any, float]] = {
        "persona": personas,
        "style": options.styles,
        "difficulty": getattr(options, "difficulty", {}),
        "length": options.lengths,
    }
    drawn: dict[str, list[str | None]] = {}
    for name in _TOLD[kind]:
        chosen = weights[name]
        if chosen:
            generator = work.random(name, purpose or kind)
            drawn[name] = list(generator.choices(list(chosen), list(chosen.values()), k=count))
    return [Profile(**{name: values[i] for name, values in drawn.items()}) for i in range(count)]  # type: ignore[arg-type]


def told(profiles: list[Profile]) -> list[str]:
    """One line for each question; none at all when there is nothing to tell of any."""
    lines = [profile.words for profile in profiles]
    return [line or STYLES["plain"] for line in lines] if any(lines) else []
