"""Requests and replies about datasets, their rows and events."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.corpora.schemas import SHOWN

Closed = ConfigDict(extra="forbid")


class Chunking(BaseModel):
    """How documents are cut. Sizes are characters, or tokens of the generator's tokenizer for splitter `tokens`."""

    model_config = Closed
    splitter: Literal["recursive", "headings", "tokens"] = "headings"
    size: int = Field(default=1500, ge=50, le=20_000)
    overlap: int = Field(default=0, ge=0, le=5_000)


class ChunkRange(BaseModel):
    """How many chunks a context has. One that finds fewer than `min` is left out, unless all are."""

    model_config = Closed
    min: int = Field(default=1, ge=1, le=5)
    max: int = Field(default=3, ge=1, le=5)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise ValueError("min must not be above max")
        return self


class Grouping(BaseModel):
    """How chunks become contexts. Similarities are cosines of sentence embeddings."""

    model_config = Closed
    chunks_per_context: Annotated[int, Field(ge=1, le=5)] | ChunkRange = Field(
        default=1, description='at most so many chunks, or `{"min": 1, "max": 3}`'
    )
    contexts_per_document: int | None = Field(
        default=None, ge=1, description="at most so many contexts begin in one document; empty: as many as are good"
    )
    quality: Literal["heuristic", "judge"] = Field(
        default="heuristic",
        description="`heuristic` counts words and sentences and costs nothing; `judge` asks the judge to grade "
        "clarity, depth, structure and relevance, one call a chunk",
    )
    min_quality: float | None = Field(
        default=None, ge=0, le=1, description="chunks scored lower begin no context; empty: 0.3, with `judge` 0.5"
    )
    order: Literal["stratified", "by_loss"] = Field(
        default="stratified",
        description="`stratified` takes documents in turn, best chunks first; `by_loss` begins with the chunks that "
        "the trainee model knows least, one call a chunk",
    )
    max_weighed_chunks: int | None = Field(
        default=None,
        ge=1,
        description="at most so many chunks are weighed by `judge` and `by_loss`, documents in turn; the others begin "
        "no context. Empty: 4 for each context that `rows` needs, or all",
    )
    edges: list[Literal["similarity", "entities"]] = Field(
        default=["similarity", "entities"],
        min_length=1,
        max_length=2,
        description="what links chunks: `similarity` of embeddings, `entities` (names, figures, terms) in common",
    )
    min_similarity: float = Field(default=0.3, ge=-1, le=1, description="related chunks are at least this similar")
    max_similarity: float = Field(default=0.95, ge=-1, le=1, description="and not more: copies add nothing")
    diversity: float = Field(default=0.3, ge=0, le=1, description="weight of novelty in maximal marginal relevance")
    cross_document: bool = Field(
        default=False, description="a context has a chunk of another document, where a linked one exists"
    )

    @property
    def sizes(self) -> tuple[int, int]:
        """The least and the greatest number of chunks of a context."""
        found = self.chunks_per_context
        return (1, found) if isinstance(found, int) else (found.min, found.max)

    @property
    def least_looks(self) -> float:
        """What a chunk must score by the heuristic, whichever `quality` is chosen."""
        if self.quality == "heuristic" and self.min_quality is not None:
            return self.min_quality
        return 0.3

    @property
    def least_quality(self) -> float:
        """What a chunk must score to begin a context."""
        return (
            self.least_looks if self.quality == "heuristic" else 0.5 if self.min_quality is None else self.min_quality
        )

    @property
    def calls_a_chunk(self) -> int:
        """Model calls to weigh one chunk, at most."""
        return (self.quality == "judge") + (self.order == "by_loss")


Policy = Literal["off", "report", "redact", "drop"]


class Selection(BaseModel):
    """What becomes of rows that passed the gates. The stages run in the order of the fields; see docs/selection.md."""

    model_config = Closed
    secrets: Policy = Field(
        default="drop", description="passwords, keys and tokens: `report` them, `redact` to [TYPE], or `drop` the row"
    )
    pii: Policy = Field(
        default="report", description="e-mail, phone, IBAN, card, IP address, US SSN (not names): the same choices"
    )
    decontaminate: list[Annotated[str, Field(max_length=60)]] = Field(
        default=[], max_length=20, description="ids of corpora that hold test sets; rows that repeat them are dropped"
    )
    decontaminate_words: int = Field(
        default=13, ge=5, le=50, description="so many words in a row in common with a test set are a repetition"
    )
    deduplicate_against: list[Annotated[str, Field(max_length=60)]] = Field(
        default=[], max_length=20, description="ids of datasets that have ended; rows that repeat theirs are dropped"
    )
    near_copy: float = Field(
        default=0.85, ge=0.5, le=1, description="MinHash similarity of question and answer; 1: only the same words"
    )
    semantic: Literal["on", "off", "auto"] = Field(
        default="off", description="compare questions by embeddings; `auto`: if the workers have an embedder"
    )
    semantic_within: float = Field(
        default=0.92, ge=0.5, le=1, description="cosine from which questions about the same source text are the same"
    )
    semantic_overall: float = Field(
        default=0.95, ge=0.5, le=1, description="cosine from which any two questions are the same"
    )
    max_per_document: int | None = Field(default=None, ge=1, description="most rows that rest on one document")
    balance: Literal["none", "kind", "document", "label"] = Field(
        default="none",
        description="level the numbers of rows by this; costs no row that is wanted. label: the labels of `classify`",
    )
    max_length_gap: float = Field(
        default=0.05,
        ge=0,
        le=10,
        description="of preference pairs: by this share the mean lengths of chosen and rejected answers may differ; "
        "10: whatever they are",
    )
    strategy: Literal["spread", "deita"] = Field(
        default="spread",
        description="which rows stay when there are more than `rows`: those that are spread best over the contexts, or "
        "the best by complexity x quality that are not alike (DEITA, arXiv 2312.15685); that one needs both gates",
    )


class Budget(BaseModel):
    """Where to stop, whatever is missing then."""

    model_config = Closed
    max_calls: int | None = Field(default=None, ge=1)
    max_tokens_total: int | None = Field(default=None, ge=1, description="prompt and completion tokens together")


class DatasetCreate(BaseModel):
    model_config = Closed
    corpus_id: str | None = Field(
        default=None, max_length=60, description="left out for a task that needs no documents, and only then"
    )
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
    selection: Selection = Selection()
    budget: Budget = Budget()
    validation_share: float = Field(
        default=0.1, ge=0, le=0.9, description="share of contexts held out as `validation`, by whole fact clusters"
    )
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


class Part(BaseModel):
    """What a mix took of one dataset that had `rows`; `repeated` of `taken` are there more than once."""

    dataset_id: str
    weight: float
    rows: int
    wanted: int
    taken: int
    repeated: int
    duplicates: int = Field(description="passed over: they repeat rows taken before, or of `deduplicate_against`")
    contaminated: int = Field(description="passed over: they repeat a test set")
    missing: int


class DatasetRead(BaseModel):
    """A dataset and how far it is. `waiting` says what it waits for; `shortfall` why it ended with fewer rows."""

    id: str
    object: Literal["dataset"] = "dataset"
    corpus_id: str
    name: str
    task: str
    status: Literal["validating", "generating", "paused", "selecting", "succeeded", "failed", "cancelled"]
    waiting: str | None
    error: DatasetError | None
    shortfall: str | None
    rows_wanted: int | None
    accepted: int
    dropped: dict[str, int]
    findings: dict[str, int] = Field(
        description="accepted rows by what the detectors found in them, such as `pii.EMAIL`; known once selected"
    )
    repaired: dict[str, Repaired] = Field(description="the yield of repairs, by the reason the rows were dropped for")
    parts: list[Part] = Field(description="of a mix: what was taken of each source, and what is missing")
    rebuilt_from: str | None = Field(description="the dataset that this one makes again, of the corpus as it is now")
    sealed: bool = Field(description="another dataset was made of this one, so it is repaired no more")
    round: int
    units: UnitCounts
    usage: Usage
    expected_calls: int | None = Field(
        description="calls if nothing is dropped, for the units planned so far and for the planning itself"
    )
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
    findings: list[dict[str, Any]] = Field(
        description="secrets and personal data in question, answer and attributes: detector, type, field, start, end, "
        "action; of redacted text the offsets are those of the placeholder"
    )
    lineage: dict[str, Any]


class EventRead(BaseModel):
    id: str
    object: Literal["dataset.event"] = "dataset.event"
    type: str
    level: Literal["info", "warn", "error"]
    message: str
    data: dict[str, Any]
    created_at: datetime
