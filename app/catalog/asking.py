"""Options common to the tasks that ask about documents: who asks, in which style, and how long answers are."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from pydantic import Field, field_validator

from app.catalog.kinds import Options
from app.catalog.questions import Length, Persona, Style, Weight

Name = TypeVar("Name", bound=str)


class AskingOptions(Options):
    """Drawn for each question by weight, told to the model, and kept in the row's attributes."""

    personas: list[Persona] | dict[Persona, Weight] = Field(
        default=[],
        max_length=50,
        description="who asks: a list, or persona -> weight; your own words, or newcomer, customer, expert, auditor",
    )
    styles: dict[Style, Weight] = Field(default={"plain": 1.0}, description="how questions are worded: style -> weight")
    lengths: dict[Length, Weight] = Field(
        default={"medium": 1.0},
        description="how long answers are: a few words, one or two sentences, three to six; length -> weight",
    )

    @field_validator("personas", "styles", "lengths")
    @classmethod
    def _someone_to_ask(cls, chosen: list[str] | dict[str, float]) -> list[str] | dict[str, float]:
        return something(chosen)


def something(chosen: list[str] | dict[str, float]) -> list[str] | dict[str, float]:
    """`chosen`, for validators. Raises ValueError when these are weights, and none is above 0."""
    if isinstance(chosen, dict) and not any(chosen.values()):
        raise ValueError("at least one weight above 0")
    return chosen


def shares(weights: Mapping[Name, float], order: Iterable[Name]) -> dict[Name, float]:
    """Name -> its share of all weights, in this order, without those of weight 0; shares add up to 1."""
    total = sum(weights.values())
    return {name: weights[name] / total for name in order if weights.get(name)}
