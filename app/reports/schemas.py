"""The report as the API gives it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.coverage.schemas import CoverageTotals


class FertilityGroup(BaseModel):
    """One language in one script."""

    language: str = Field(description="ISO 639-1, as the documents were read; empty: unknown")
    script: str = Field(description="as Unicode names it: LATIN, CYRILLIC, CJK")
    texts: int
    words: int
    characters: int
    tokens: int
    tokens_per_word: float | None = Field(description="null for scripts without spaces between words")
    tokens_per_character: float
    unknown_share: float = Field(description="of tokens: `unknown`, the text is lost")
    byte_share: float = Field(description="of tokens: single bytes of characters that have no token")
    times_english: float | None = Field(description="tokens_per_word by that of English with the same tokenizer")


class TokenizerFertility(BaseModel):
    """What one tokenizer makes of the texts. `error`: it could not be loaded, and nothing else is known."""

    name: str
    base: bool = Field(description="of the base model that was asked for")
    error: str | None = None
    vocabulary: int | None = None
    groups: list[FertilityGroup] = []
    tokens_per_word: float | None = None
    tokens_per_character: float | None = None
    english_tokens_per_word: float | None = None
    english_from: Literal["these texts", "a built-in passage"] | None = None
    estimated_tokens: int | None = Field(default=None, description="of all texts, by the sample's rate")
    tokens_p50: int | None = Field(default=None, description="of a row")
    tokens_p95: int | None = None
    tokens_max: int | None = None
    cut: int | None = Field(default=None, description="rows (of a corpus: documents) longer than max_length, estimated")
    cut_share: float | None = None


class FertilityRead(BaseModel):
    """Tokens per word and character by language and script, for up to five tokenizers."""

    object: Literal["fertility"] = "fertility"
    of: Literal["documents", "rows"]
    max_length: int
    sampled: bool = Field(description="not all texts were counted, but an even sample of them")
    sampled_characters: int
    total_characters: int
    texts: int = Field(description="documents or rows there are")
    tokenizers: list[TokenizerFertility]
    warnings: list[str]


class Example(BaseModel):
    """A dropped row, cut where it is long."""

    sample_id: str
    question: str
    answer: str
    detail: str
    document: str | None


class Drops(BaseModel):
    """Rows dropped for one reason."""

    reason: str
    rows: int
    share: float = Field(description="of all rows")
    examples: list[Example]


class Bin(BaseModel):
    """A bar: rows with values in [low, high)."""

    low: float
    high: float
    accepted: int
    dropped: int


class Scores(BaseModel):
    """How one metric's scores lie. Rows that an earlier gate dropped have none."""

    metric: str
    summary: str
    threshold: float | None = Field(description="the dataset's gate; 0 or null: none")
    keep: Literal["least", "most"] = Field(description="rows at least, or at most, at the threshold pass")
    rows: int
    failed: int
    mean: float | None
    bins: list[Bin]


class Lengths(BaseModel):
    """Words (runs between white space) of accepted rows."""

    p5: int | None
    p50: int | None
    p95: int | None
    longest: int | None
    mean: float | None
    bins: list[Bin]


class Named(BaseModel):
    """Rows by a word."""

    name: str
    accepted: int
    dropped: int


class LanguageCount(BaseModel):
    language: str
    rows: int


class Languages(BaseModel):
    """The language rows were to be written in, and that of an even sample of them as detected."""

    wanted: list[LanguageCount]
    sampled: int
    detected: list[LanguageCount]
    different: int = Field(description="rows of the sample detected in another language than was wanted")


class Duplicates(BaseModel):
    dropped: dict[str, int] = Field(description="by reason")
    repeated_questions: int = Field(description="accepted rows that ask word for word what an earlier one asks")


class LeastCovered(BaseModel):
    """A section that is cited little."""

    document_id: str
    document: str
    section: str
    characters: int
    share: float
    rows: int


class CoverageSummary(BaseModel):
    totals: CoverageTotals
    least: list[LeastCovered] = Field(description="the sections with most uncited text")


class StepCost(BaseModel):
    """Calls of one step that this dataset paid for."""

    step: str
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    calls_per_accepted_row: float | None
    tokens_per_accepted_row: float | None


class Cost(BaseModel):
    """What it has cost. `replayed_calls` stood in the ledger of this or another dataset and were free."""

    calls: int
    replayed_calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    calls_per_accepted_row: float | None
    tokens_per_accepted_row: float | None
    prefix_cache_share: float | None = Field(description="prompt tokens that the model server had in its cache")
    steps: list[StepCost]


class RoundRead(BaseModel):
    round: int
    units: int
    done: int
    failed: int
    accepted: int
    dropped: int


class PromptUsed(BaseModel):
    prompt: str
    sha256: str
    rows: int


class ModelUsed(BaseModel):
    role: str
    model: str
    rows: int


class Preferences(BaseModel):
    """Of a dataset of preference pairs: how sure the judge is of itself, and whether length gives the choice away."""

    pairs: int = Field(description="rows that are pairs, kept and dropped")
    compared: int = Field(description="pairs of answers that were ranked in both orders")
    flipped: int = Field(description="of those, pairs in which either was the better one in one order")
    flip_rate: float | None = Field(description="flipped by compared; a good judge is below 0.1")
    dropped: dict[str, int] = Field(description="pairs by what a preference can be dropped for")
    margins: list[Bin] = Field(description="rubric points between chosen and rejected, in the less favourable order")
    chosen_characters: float | None = Field(description="mean length of accepted rows' chosen answers")
    rejected_characters: float | None
    length_gap: float | None = Field(description="by which share the longer mean exceeds the shorter one")
    length_gap_before: float | None = Field(description="the same with the rows that were dropped to level it")
    chosen_longer: float | None = Field(description="share of accepted rows whose chosen answer is the longer one")


class ReportDataset(BaseModel):
    id: str
    name: str
    corpus_id: str
    task: str
    status: str
    model: str
    rows_wanted: int | None
    shortfall: str | None
    error: dict[str, Any] | None
    spec: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ReportRead(BaseModel):
    """All that is known of a dataset's rows, in numbers."""

    object: Literal["dataset.report"] = "dataset.report"
    dataset: ReportDataset
    computed_at: datetime
    seconds: float = Field(description="it took to compute")
    final: bool = Field(description="the dataset has ended, and this report will not change")
    accepted: int
    dropped: int
    train: int
    validation: int
    drops: list[Drops]
    scores: list[Scores]
    question_words: Lengths
    answer_words: Lengths
    kinds: list[Named]
    evolutions: list[Named]
    attributes: dict[str, list[Named]]
    languages: Languages
    duplicates: Duplicates
    preferences: Preferences | None = Field(default=None, description="null unless rows are preference pairs")
    coverage: CoverageSummary
    cost: Cost
    rounds: list[RoundRead]
    prompts: list[PromptUsed]
    models: list[ModelUsed]
    fertility: FertilityRead
