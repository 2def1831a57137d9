"""An even sample of a corpus's text, and its fertility."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select

from app.corpora import service as corpora
from app.coverage import scan
from app.db import reading
from app.models import Document
from app.remembered import Remembered
from app.reports import tokens
from app.reports.fertility import Piece
from app.reports.languages import script
from app.reports.schemas import FertilityRead

SAMPLE_CHARACTERS = 4_000_000  # of a larger corpus so much is counted, with each tokenizer
PIECE = 4_000
_found: Remembered[FertilityRead] = Remembered(most=32, seconds=300.0)


class Size(NamedTuple):
    """A document's id and its length in characters."""

    id: str
    characters: int


def fertility(tenant_id: str, corpus_id: str, base: str | None, max_length: int) -> FertilityRead:
    """Raises NotFound, InvalidRequest (an unknown base model) or Busy."""
    with reading() as session:
        corpora.get(session, tenant_id, corpus_id)
        query = select(Document.id, Document.characters).where(
            Document.corpus_id == corpus_id, Document.status == "parsed", ~Document.replaced
        )
        sizes = [Size(row[0], row[1] or 0) for row in session.execute(query.order_by(Document.name, Document.id))]
    chosen = tokens.chosen(base)
    key = (corpus_id, base, max_length, tuple(chosen), hash(tuple(sizes)))
    return _found.get(key, lambda: _measure(tenant_id, sizes, base, max_length))


def _measure(tenant_id: str, sizes: Sequence[Size], base: str | None, max_length: int) -> FertilityRead:
    return tokens.of_documents(list(sample(tenant_id, sizes)), [size.characters for size in sizes], base, max_length)


def places(sizes: Sequence[Size], most: int) -> dict[str, list[int]]:
    """Where the pieces begin, by document: all of them up to `most` characters in sum, else so many, evenly spread."""
    total = sum(size.characters for size in sizes)
    step = max(float(PIECE), total / max(1, most // PIECE))
    found: dict[str, list[int]] = {}
    before, at = 0, 0.0
    for size in sizes:
        if total <= most:
            found[size.id] = list(range(0, size.characters, PIECE))
            continue
        while at < before + size.characters:
            found.setdefault(size.id, []).append(int(at) - before)
            at += step
        before += size.characters
    return found


def sample(tenant_id: str, sizes: Sequence[Size]) -> Iterator[Piece]:
    """The pieces, cut at white space so that no word is counted in two halves."""
    wanted = places(sizes, SAMPLE_CHARACTERS)
    for document, text in scan.texts(scan.documents(list(wanted), tenant_id)):
        for start in wanted[document.id] if text else ():
            piece = _cut(text or "", start)
            if piece.strip():
                yield Piece(document.language or "", script(piece), piece)


def _cut(text: str, start: int) -> str:
    """About PIECE characters from `start` on: from the first white space to the first behind the end."""
    return text[_space(text, start) : _space(text, start + PIECE)]


def _space(text: str, at: int) -> int:
    if at <= 0 or at >= len(text):
        return max(0, min(at, len(text)))
    return next((i for i in range(at, min(len(text), at + 100)) if text[i].isspace()), at)
