"""Read the sources of accepted rows, and nothing else of them, in batches: some 50 bytes of memory a span."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Text, cast, select

from app import storage
from app.db import reading
from app.errors import NotFound
from app.models import Document, Sample

ROWS_AT_ONCE = 5_000  # a transaction each: a reader that stays for minutes is in the way of everybody
DOCUMENTS_AT_ONCE = 500
TEXTS_AT_ONCE = 8  # read at a time, since a bucket answers slowly but to many


class Cite(NamedTuple):
    """One source span of an accepted row: text[start:end] of a document, and the SHA-256 it should have."""

    row: int
    start: int
    end: int
    sha256: bytes


@dataclass(slots=True)
class Cites:
    """The spans of one document, packed."""

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    starts: "array[int]" = field(default_factory=lambda: array("i"))
    ends: "array[int]" = field(default_factory=lambda: array("i"))
    digests: bytearray = field(default_factory=bytearray)

    def add(self, cite: Cite) -> None:
        self.rows.append(cite.row)
        self.starts.append(cite.start)
        self.ends.append(cite.end)
        self.digests += cite.sha256

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Cite]:
        for i, (row, start, end) in enumerate(zip(self.rows, self.starts, self.ends, strict=True)):
            yield Cite(row, start, end, bytes(self.digests[32 * i : 32 * i + 32]))


@dataclass(slots=True)
class Cited:
    """All spans by document, and how many rows they are of."""

    documents: dict[str, Cites] = field(default_factory=dict)
    rows: int = 0
    rows_without_source: int = 0

    @property
    def spans(self) -> int:
        return sum(map(len, self.documents.values()))


def cited(dataset_ids: Sequence[str]) -> Cited:
    """The source spans of the accepted rows of these datasets."""
    found = Cited()
    for dataset_id in dataset_ids:
        for row, sources in _sources(dataset_id):
            found.rows += 1
            found.rows_without_source += not sources
            for span in sources:
                cite = Cite(row, span["start"], span["end"], bytes.fromhex(span["sha256"]))
                found.documents.setdefault(span["document_id"], Cites()).add(cite)
    return found


def _sources(dataset_id: str) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    last = 0
    while True:
        query = (
            select(Sample.id, cast(Sample.sources, Text))
            .where(Sample.dataset_id == dataset_id, Sample.state == "accepted", Sample.id > last)
            .order_by(Sample.id)
            .limit(ROWS_AT_ONCE)
        )
        with reading() as session:
            rows = session.execute(query).all()
        for row, sources in rows:
            yield row, orjson.loads(sources)
        if len(rows) < ROWS_AT_ONCE:
            return
        last = rows[-1][0]


def documents(ids: Sequence[str], tenant_id: str) -> Iterator[Document]:
    """The tenant's documents of these ids, in their order; those that are not there are left out."""
    for i in range(0, len(ids), DOCUMENTS_AT_ONCE):
        some = ids[i : i + DOCUMENTS_AT_ONCE]
        with reading() as session:
            query = select(Document).where(Document.id.in_(some), Document.tenant_id == tenant_id)
            found = {document.id: document for document in session.scalars(query)}
        yield from (found[document_id] for document_id in some if document_id in found)


def texts(documents: Iterable[Document]) -> Iterator[tuple[Document, str | None]]:
    """Each document with its stored text, a few in memory at a time; None where the store has lost it."""
    left = iter(documents)
    with ThreadPoolExecutor(TEXTS_AT_ONCE) as pool:
        while some := list(islice(left, TEXTS_AT_ONCE)):
            yield from zip(some, pool.map(stored_text, some), strict=True)


def stored_text(document: Document) -> str | None:
    """The document's text as it was parsed, or None: it never was, or the store has it no more."""
    if document.text_sha256 is None:
        return None
    try:
        return storage.text(document.text_sha256)
    except NotFound:
        return None
