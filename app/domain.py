"""The nouns: every record that flows between steps, on one page. Offsets are characters of a document's stored text."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Immutable, and closed: a misspelt field is an error now, not a surprise in hour six."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class Page(Record):
    """Page `number` (1-based) covers text[start:end]."""

    number: int
    start: int
    end: int


class Heading(Record):
    """A heading of `level` (1 is highest) that begins at text[start]."""

    level: int
    title: str
    start: int


class Parsed(Record):
    """What a parser makes of one file: its text, and where its pages and headings begin in it.

    `note` says what of the file was left out, if anything.
    """

    text: str
    media_type: str
    language: str | None = None
    encoding: str | None = None
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    note: str = ""


class Chunk(Record):
    """text[start:end] of one document; `section` is the path of headings it lies under."""

    id: str
    document_id: str
    document_name: str
    start: int
    end: int
    text: str
    section: str = ""
    page: int | None = None
    page_starts: tuple[tuple[int, int], ...] = ()
    language: str | None = None

    def page_at(self, offset: int) -> int | None:
        """The page that holds this offset of the document's text."""
        return next((page for page, start in reversed(self.page_starts) if start <= offset), self.page)


class Context(Record):
    """One to k chunks that belong together, and what a model reads as `Document`."""

    id: str
    chunks: tuple[Chunk, ...]
    language: str

    @property
    def text(self) -> str:
        return "\n\n".join(chunk.text for chunk in self.chunks)


class Span(Record):
    """Where a quote stands: text[start:end] of a document. `score`: 100 is exact (partial ratio)."""

    document_id: str
    document_name: str
    start: int
    end: int
    page: int | None
    sha256: str
    quote: str
    score: float


class Verdict(Record):
    """A metric's value for one row, and why. `passed` says whether it met the gate's threshold."""

    metric: str
    score: float
    reason: str
    passed: bool


class Sample(Record):
    """One row: a question, its answer, the text it rests on, and how it came about.

    `kind`: original, evolved, or another word of its task. `attributes`: what a task adds (choices, persona).
    """

    kind: str
    question: str
    answer: str
    evolution: str | None = None
    parent_question: str | None = None
    attributes: dict[str, Any] = {}
    sources: tuple[Span, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    lineage: dict[str, Any] = {}

    @property
    def turns(self) -> list[dict[str, Any]]:
        """Chat messages, the answer last: those the task stored as `messages`, or question and answer."""
        told: list[dict[str, Any]] | None = self.attributes.get("messages")
        asked = [{"role": "user", "content": self.question}] if self.question else []
        return told or [*asked, {"role": "assistant", "content": self.answer}]


class Dropped(Record):
    """A row that was not kept: why, in one word and in one sentence, and as much of it as there was."""

    reason: str
    detail: str = ""
    kind: str = "original"
    question: str = ""
    answer: str = ""
    evolution: str | None = None
    parent_question: str | None = None
    attributes: dict[str, Any] = {}
    sources: tuple[Span, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    lineage: dict[str, Any] = {}
