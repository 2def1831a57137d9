"""Rows of several datasets in set shares: generated ones, imported ones, mixes. Nothing is made, rows are taken."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.catalog.kinds import DatasetTask, Options, Shape


class MixSource(BaseModel):
    """A dataset that has ended, and its share beside the others."""

    model_config = ConfigDict(extra="forbid")

    dataset_id: Annotated[str, Field(max_length=60)]
    weight: float = Field(default=1.0, gt=0, le=1_000_000, allow_inf_nan=False)


class MixOptions(Options):
    """What is mixed."""

    sources: list[MixSource] = Field(
        default=[], max_length=50, description="datasets and their weights: `[{dataset_id, weight}]`"
    )
    repeat: int = Field(
        default=1, ge=1, le=20, description="a row for training may be there so often where its source has too few"
    )
    shape: Shape | None = Field(default=None, description="what the rows are; empty: what those of the sources are")

    @field_validator("sources")
    @classmethod
    def _each_once(cls, sources: list[MixSource]) -> list[MixSource]:
        if len({source.dataset_id for source in sources}) < len(sources):
            raise ValueError("a dataset is named twice")
        return sources


def _shape(options: MixOptions) -> Shape:
    return options.shape or "chat"


MIX = DatasetTask(
    summary="Rows of several datasets in set shares, without repetitions between them, splits respected.",
    options=MixOptions,
    gates={},
    cost=lambda options: 0,
    rows=lambda options: 1,
    prompts=(),
    example={
        "question": "At what time does the ferry Aurora leave Norvik on weekdays?",
        "answer": "The ferry Aurora leaves Norvik at 07:40 on weekdays.",
        "mixed_from": {"dataset_id": "dst_...", "sample_id": "17"},
    },
    shaped=_shape,
    source="datasets",
    repairable=False,
    measured_by=frozenset(),  # the rows were measured where they were made
)
