"""Requests and replies about datasets, their rows and events."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.corpora.schemas import SHOWN

Closed = ConfigDict(extra="forbid")


class Chunking(BaseModel):
    """How documents are cut. Sizes are characters, or tokens of the generator's tokenizer for splitter `tokens`."""

    model_config = Closed
    splitter: Literal["recursive", "headings", "tokens"] = "headings"
    size: int = Field(default=1500, ge=50, le=20_000)
    overlap: int = Field(default=0, ge=0, le=5_000)


class Grouping(BaseModel):
    """How chunks become contexts. Similarities are cosines of sentence embeddings."""

    model_config = Closed
    chunks_per_context: int = Field(default=1, ge=1, le=5)
    min_quality: float = Field(default=0.3, ge=0, le=1, description="chunks scored lower begin no context")
    min_similarity: float = Field(default=0.3, ge=-1, le=1, description="related chunks are at least this similar")
    max_similarity: float = Field(default=0.95, ge=-1, le=1, description="and not more: copies add nothing")
    diversity: float = Field(default=0.3, ge=0, le=1, description="weight of novelty in maximal marginal relevance")
    cross_document: bool = False


class Budget(BaseModel):
    """Where to stop, whatever is missing then."""

    model_config = Closed
    max_calls: int | None = Field(default=None, ge=1)
    max_tokens_total: int | None = Field(default=None, ge=1, description="prompt and completion tokens together")


class DatasetCreate(BaseModel):
    model_config = Closed
    corpus_id: str = Field(max_length=60)
    task: str = Field(default="grounded_qa", max_length=60)
    name: str = Field(default="dataset", min_length=1, max_length=200, pattern=SHOWN)
    rows: int | None = Field(
        default=None, ge=1, le=10_000_000, description="accepted rows wanted; empty: one pass over all"
    )
    model: str | None = Field(default=None, max_length=200, description="generator model; empty: the configured one")
    language: str | None = Field(
        default=None, pattern="^[a-z]{2}$", description="ISO 639-1; empty: each document's own"
    )
    options: dict[str, Any] = Field(
        default_factory=dict, max_length=50, description="the task's own, see the catalogue"
    )
    gates: dict[Annotated[str, Field(max_length=60)], float] = Field(
        default_factory=dict,
        max_length=50,
        description="metric -> lowest value kept (highest where its `keep` is `most`); 0 records only; others stay",
    )
    chunking: Chunking = Chunking()
    grouping: Grouping = Grouping()
    budget: Budget = Budget()
    validation_share: float = Field(default=0.1, ge=0, le=0.9, description="share of contexts held out as `validation`")
    seed: int = Field(default=0, ge=0, le=2**31 - 1)


class DatasetRepair(BaseModel):
    """Dropped rows to try once more, each by one model call."""

    model_config = Closed
    reason: str = Field(
        max_length=60, description="the reason they were dropped for, as `dropped` of the dataset has it"
    )
    limit: int = Field(default=1000, ge=1, le=100_000, description="at most so many rows, the earliest first")


class Repaired(BaseModel):
    """How many dropped rows of one reason were tried again, and how many of those passed every gate."""

    tried: int
    accepted: int


class UnitCounts(BaseModel):
    total: int
    done: int
    failed: int


class Usage(BaseModel):
    """Model calls and tokens. `replayed_calls` were in the ledger already and cost nothing."""

    calls: int
    replayed_calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


class DatasetError(BaseModel):
    code: str
    message: str
    param: str | None = None


class DatasetRead(BaseModel):
    """A dataset and how far it is. `waiting` says what it waits for; `shortfall` why it ended with fewer rows."""

    id: str
    object: Literal["dataset"] = "dataset"
    corpus_id: str
    name: str
    task: str
    status: Literal["validating", "planned", "generating", "paused", "selecting", "succeeded", "failed", "cancelled"]
    waiting: str | None
    error: DatasetError | None
    shortfall: str | None
    rows_wanted: int | None
    accepted: int
    dropped: dict[str, int]
    repaired: dict[str, Repaired] = Field(description="the yield of repairs, by the reason the rows were dropped for")
    round: int
    units: UnitCounts
    usage: Usage
    expected_calls: int | None = Field(description="calls if nothing is dropped, for the units planned so far")
    estimated_finish: datetime | None
    model: str
    spec: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class SampleRead(BaseModel):
    """One row, kept or dropped, with the text it rests on and how it came about."""

    id: str
    object: Literal["sample"] = "sample"
    state: Literal["accepted", "dropped"]
    reason: str | None
    detail: str | None
    kind: str
    question: str
    answer: str
    evolution: str | None
    parent_question: str | None
    split: str | None
    context_id: str
    attributes: dict[str, Any] = Field(description="what the task adds to a row: choices, persona, difficulty ...")
    sources: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    lineage: dict[str, Any]


class EventRead(BaseModel):
    id: str
    object: Literal["dataset.event"] = "dataset.event"
    type: str
    level: Literal["info", "warn", "error"]
    message: str
    data: dict[str, Any]
    created_at: datetime
