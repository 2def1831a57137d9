"""Documents: uploads become blobs and rows; parsing them is the workers' part."""

from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ids, paging, storage
from app.corpora import service as corpora
from app.corpora.schemas import CorpusCreate
from app.db import slices
from app.documents import archive
from app.errors import NotFound
from app.models import Document
from app.queue import ring
from app.settings import settings


class Stored(NamedTuple):
    """A file that lies in the blob store and is no document yet."""

    name: str
    sha256: str
    size: int


def add(session: Session, tenant_id: str, corpus_id: str, stored: Sequence[Stored]) -> list[tuple[Document, bool]]:
    """Stored blobs as documents of the corpus, in their order, and whether each is new.

    The same name with the same bytes is the document that is there; with other bytes it takes that one's place.
    Raises sqlalchemy.exc.IntegrityError when another upload of one of the names was committed in between.
    """
    current = _current(session, corpus_id, [one.name for one in stored])
    added = []
    for one in stored:
        there = current.get(one.name)
        if there is not None and there.sha256 == one.sha256:
            added.append((there, False))
            continue
        if there is not None:
            there.replaced = True
        fresh = Document(
            id=ids.new("doc"),
            tenant_id=tenant_id,
            corpus_id=corpus_id,
            status="pending",
            replaced=False,
            **one._asdict(),
        )
        current[one.name] = fresh
        added.append((fresh, True))
    session.flush()  # what is replaced gives its name free first
    session.add_all(document for document, new in added if new)
    session.flush()
    if any(new for _, new in added):
        ring(session, "parse")
    return added


def _current(session: Session, corpus_id: str, wanted: Sequence[str]) -> dict[str, Document]:
    """The documents that have these names now, locked in the order of their names."""
    found: dict[str, Document] = {}
    for some in slices(sorted(set(wanted))):
        query = select(Document).where(Document.corpus_id == corpus_id, Document.name.in_(some), ~Document.replaced)
        found |= {row.name: row for row in session.scalars(query.order_by(Document.name).with_for_update())}
    return found


def carry(session: Session, tenant_id: str, corpus: str, name: str, content: bytes) -> str:
    """The id of a corpus of this one document: one that there is, or a new one that is called `corpus`."""
    with storage.storage().upload() as upload:
        upload.write(content)
        stored = Stored(name, storage.storage().keep(upload), upload.size)
    same = (Document.tenant_id == tenant_id, Document.sha256 == stored.sha256, Document.name == name)
    query = select(Document.corpus_id).where(*same, ~Document.replaced).order_by(Document.created_at, Document.id)
    for there in session.scalars(query.limit(20)).all():
        if sum(corpora.document_counts(session, there).values()) == 1:
            return there
    fresh = corpora.create(session, tenant_id, CorpusCreate(name=corpus))
    add(session, tenant_id, fresh.id, [stored])
    return fresh.id


def keep_archive(file: BinaryIO) -> list[Stored]:
    """Every member of a ZIP as a blob. Raises ArchiveRefused, and then has kept none of them.

    The archive is read twice, first only to see that all of it may stay: a refused one must not fill the disk.
    """
    for _, member in archive.members(file, settings()):
        while member.read(storage.READ_BYTES):
            pass
    stored = []
    for name, member in archive.members(file, settings()):
        with storage.storage().upload() as upload:
            while data := member.read(storage.READ_BYTES):
                upload.write(data)
            stored.append(Stored(name, storage.storage().keep(upload, settle=False), upload.size))
    storage.storage().settle()
    return stored


def get(session: Session, tenant_id: str, document_id: str) -> Document:
    """Raises NotFound."""
    document = session.get(Document, document_id)
    if document is None or document.tenant_id != tenant_id:
        raise NotFound(f"document {document_id}")
    return document


def page(
    session: Session, tenant_id: str, corpus_id: str, status: str | None, after: str | None, limit: int
) -> dict[str, Any]:
    """Current documents of a corpus, newest first. Raises NotFound."""
    corpora.get(session, tenant_id, corpus_id)
    query = select(Document).where(Document.corpus_id == corpus_id, ~Document.replaced)
    if status:
        query = query.where(Document.status == status)
    return paging.page(session, query, Document, tenant_id, after, limit)
