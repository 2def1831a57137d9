"""The options of every task that evolves questions (Evol-Instruct, arXiv 2304.12244)."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from app.catalog.kinds import Options

EvolutionName = Annotated[str, Field(max_length=60)]
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
NEAR_COPY = 0.7  # ROUGE-L from which two instructions count as the same one (Self-Instruct, arXiv 2212.10560)
MOST_OPERATORS = 20


class EvolvingOptions(Options):
    """How far questions are evolved, by which operators, and how failed evolutions are told."""

    evolve_rounds: int = Field(default=1, ge=0, le=4, description="0: no evolution; each round evolves the last one's")
    evolutions: list[EvolutionName] | dict[EvolutionName, Weight] = Field(
        default=["add_constraint", "deepen", "concretise", "reasoning_steps", "complicate_input", "in_breadth"],
        description="operators to draw from, by catalogue name: a list, or name -> weight (0: never)",
    )
    eliminate: Literal["rules", "judge"] = Field(
        default="rules",
        description="how a failed evolution is told: by rules alone, or the judge is asked as well whether the "
        "evolved question differs from its parent (one more call for each evolution)",
    )
    max_overlap: float = Field(
        default=NEAR_COPY,
        gt=0,
        le=1,
        description="an evolved question with this ROUGE-L to its parent, or more, is dropped as a near copy",
    )

    @field_validator("evolutions")
    @classmethod
    def _something_to_draw(cls, chosen: list[str] | dict[str, float]) -> list[str] | dict[str, float]:
        if not any(weights(chosen).values()):
            raise ValueError("at least 1 operator with a weight above 0")
        if len(chosen) > MOST_OPERATORS:
            raise ValueError(f"at most {MOST_OPERATORS} operators")
        return chosen


def weights(chosen: list[str] | dict[str, float]) -> dict[str, float]:
    """Operator -> weight. In a list each has the weight 1, and one that is named twice 2."""
    if isinstance(chosen, dict):
        return chosen
    return {name: float(chosen.count(name)) for name in chosen}


def evolve_calls(options: EvolvingOptions) -> int:
    """Model calls for each question that is evolved, all rounds together; its answers and gates left out."""
    return options.evolve_rounds * (2 if options.eliminate == "judge" else 1)
