"""Requests and replies about versions: a dataset made again, and two of them compared."""

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from app.corpora.schemas import SHOWN


class DatasetRebuild(BaseModel):
    """The same request over the corpus as it is now."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=SHOWN, description="empty: the same")


Change = Literal["added", "removed", "changed", "kept"]


class DiffCounts(BaseModel):
    """Accepted rows of both datasets: only in the second, only in the first, with another answer, the same in both."""

    added: int
    removed: int
    changed: int
    kept: int


class DiffSide(BaseModel):
    """A row as one of the two datasets has it."""

    model_config = ConfigDict(from_attributes=True)
    sample_id: str = Field(validation_alias=AliasChoices("id", "sample_id"))
    kind: str
    question: str
    answer: str
    split: str | None
    attributes: dict[str, Any]
    content: str = Field(exclude=True)

    @field_validator("sample_id", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return str(value)


class DiffRow(BaseModel):
    """One row of either dataset; `id` is made of what it asks and of whom, and is the same in every comparison."""

    id: str
    object: Literal["dataset.diff.row"] = "dataset.diff.row"
    change: Change
    question: str
    before: DiffSide | None
    after: DiffSide | None


class DiffPage(BaseModel):
    """What became of the rows of `a` in `b`."""

    object: Literal["dataset.diff"] = "dataset.diff"
    a: str
    b: str
    counts: DiffCounts
    data: list[DiffRow]
    has_more: bool
    first_id: str | None
    last_id: str | None
