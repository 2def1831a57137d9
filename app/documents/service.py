"""Documents: uploads become blobs and rows; parsing them is the workers' part."""

from typing import Any, BinaryIO, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ids, paging, storage
from app.corpora import service as corpora
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


def add(session: Session, tenant_id: str, corpus_id: str, name: str, sha256: str, size: int) -> tuple[Document, bool]:
    """A stored blob as a document of the corpus, and whether it is new.

    The same name with the same bytes is the document that is there; with other bytes it takes that one's place.
    Raises sqlalchemy.exc.IntegrityError when another upload of this name was committed in between.
    """
    current = session.scalar(
        select(Document)
        .where(Document.corpus_id == corpus_id, Document.name == name, ~Document.replaced)
        .with_for_update()
    )
    if current is not None:
        if current.sha256 == sha256:
            return current, False
        current.replaced = True
        session.flush()
    document = Document(
        id=ids.new("doc"),
        tenant_id=tenant_id,
        corpus_id=corpus_id,
        name=name,
        sha256=sha256,
        size=size,
        status="pending",
    )
    session.add(document)
    session.flush()
    ring(session, "parse")
    return document, True


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
