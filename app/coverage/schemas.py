"""Replies about coverage and sources."""

from typing import Literal

from pydantic import BaseModel, Field


class SectionRead(BaseModel):
    """One section: the text under a heading, up to the next one; in a document without headings a page."""

    path: str = Field(description='headings from the top: "Safety > Life jackets"; empty before the first')
    start: int
    end: int = Field(description="text[start:end] of the stored text, without the heading's own line")
    characters: int
    cited: int = Field(description="characters that lie in a source of an accepted row")
    share: float = Field(description="cited / characters")
    rows: int = Field(description="accepted rows with a source here")


class DocumentCoverageRead(BaseModel):
    """How much of one document is cited, and by how many rows."""

    id: str
    object: Literal["document.coverage"] = "document.coverage"
    name: str
    characters: int = Field(description="of all its sections: headings and space around sections are not counted")
    cited: int
    share: float
    rows: int
    sections_total: int
    sections_uncited: int
    sections: list[SectionRead] = Field(description="the first `sections` of them in the order asked for")


class CoverageTotals(BaseModel):
    """Sums over all current documents, not only those of this page."""

    documents: int
    documents_unreadable: int = Field(description="whose text is not in the store any more")
    sections: int
    sections_uncited: int
    characters: int
    cited: int
    share: float
    rows: int = Field(description="accepted rows of the datasets")
    rows_without_source: int
    spans: int
    spans_not_located: int = Field(description="whose text has not the hash that was stored with them; not counted")
    spans_elsewhere: int = Field(description="in documents that were replaced since, or of another corpus")
    rows_per_1000_characters: float
    gini: float | None = Field(
        description="how unevenly rows lie over sections, by characters: 0 even, 1 all in one place; null: no rows"
    )


class CoverageRead(BaseModel):
    """A page of documents with their coverage. Ask again with `after=<last_id>` while `has_more`."""

    object: Literal["list"] = "list"
    corpus_id: str
    datasets: list[str] = Field(description="whose rows count")
    unit: Literal["span", "sentence"]
    order: Literal["newest", "least"]
    totals: CoverageTotals
    data: list[DocumentCoverageRead]
    has_more: bool
    first_id: str | None
    last_id: str | None


class SourceRead(BaseModel):
    """Where a row's quote stands, with the text around it."""

    document_id: str
    document_name: str
    page: int | None
    section: str = Field(description="headings from the top, joined by ' > '")
    start: int
    end: int
    before: str
    quote: str = Field(description="text[start:end] as it is stored now; as it was quoted where it is not located")
    after: str
    sha256: str = Field(description="of the quoted characters in UTF-8, from when the row was made")
    score: float | None = Field(description="100: the model quoted word for word")
    located: bool = Field(description="the stored text was read again just now, and text[start:end] has this hash")
    problem: str | None = Field(description="why it is not located")


class SourcesRead(BaseModel):
    """The sources of one row."""

    object: Literal["list"] = "list"
    sample_id: str
    data: list[SourceRead]


class Unlocated(BaseModel):
    """A source that could not be found again."""

    sample_id: str
    document_id: str
    start: int
    end: int
    problem: Literal["document_missing", "text_missing", "out_of_range", "other_text"]


class VerificationRead(BaseModel):
    """What became of the sources of all accepted rows when they were looked up again."""

    object: Literal["dataset.verification"] = "dataset.verification"
    dataset_id: str
    rows: int
    rows_without_source: int = Field(description="accepted without one: the source gate was off")
    documents: int
    spans: int
    located: int
    not_located: int
    share: float = Field(description="located / spans; 1 when there are none")
    examples: list[Unlocated] = Field(description="the first 20 that were not located")
