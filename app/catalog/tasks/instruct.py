"""Instructions that the user uploads, made harder and wider with Evol-Instruct, and answered. No documents needed."""

from typing import Self

from pydantic import Field, model_validator

from app.catalog.evolving import EvolvingOptions, evolve_calls
from app.catalog.kinds import DatasetTask


class InstructOptions(EvolvingOptions):
    """What is made of each uploaded instruction."""

    include_seeds: bool = Field(
        default=False, description="uploaded instructions become rows too, with their own answer where they have one"
    )
    grow: int = Field(
        default=0,
        ge=0,
        le=10,
        description="new instructions of other subjects for each uploaded one (Self-Instruct, arXiv 2212.10560)",
    )

    @model_validator(mode="after")
    def _something_to_make(self) -> Self:
        if not _rows(self):
            raise ValueError("nothing to make: evolve_rounds and grow are 0, and include_seeds is false")
        return self


def _rows(options: InstructOptions) -> int:
    return options.include_seeds + options.grow + (1 + options.grow) * options.evolve_rounds


def _cost(options: InstructOptions) -> int:
    return (options.grow > 0) + (1 + options.grow) * evolve_calls(options) + _rows(options)


INSTRUCT = DatasetTask(
    summary="Uploaded instructions (Alpaca, ShareGPT, messages), evolved, multiplied and answered; without documents.",
    options=InstructOptions,
    gates={
        "stop_words": 1.0,
        "refusal": 1.0,
        "echo": 1.0,
        "correctness": 4.0,
        "helpfulness": 4.0,
        "clarity": 3.0,
    },
    cost=_cost,
    rows=_rows,
    prompts=("grow/instructions@1", "answer/instruction@1", "judge/instruct@1", "judge/gain@1"),
    example={
        "question": "Explain in three sentences, without technical words, why the sky is blue at noon and red at dusk.",
        "answer": "Sunlight is a mix of colours. The air scatters blue most, so at noon blue comes from everywhere. "
        "At dusk the light crosses more air, the blue is lost on the way, and red is left.",
    },
    source="instructions",
)
