"""Corpora: named sets of documents."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import ids, paging
from app.corpora.schemas import CorpusCreate
from app.errors import NotFound
from app.models import Corpus, Document


def create(session: Session, tenant_id: str, wanted: CorpusCreate) -> Corpus:
    corpus = Corpus(id=ids.new("crp"), tenant_id=tenant_id, name=wanted.name)
    session.add(corpus)
    session.flush()
    return corpus


def get(session: Session, tenant_id: str, corpus_id: str) -> Corpus:
    """Raises NotFound, for a foreign corpus as for a missing one."""
    corpus = session.get(Corpus, corpus_id)
    if corpus is None or corpus.tenant_id != tenant_id:
        raise NotFound(f"corpus {corpus_id}", param="corpus_id")
    return corpus


def page(session: Session, tenant_id: str, after: str | None, limit: int) -> dict[str, Any]:
    return paging.page(session, select(Corpus).where(Corpus.tenant_id == tenant_id), Corpus, tenant_id, after, limit)


def document_counts(session: Session, corpus_id: str) -> dict[str, int]:
    """Current documents by status."""
    query = select(Document.status, func.count()).where(Document.corpus_id == corpus_id, ~Document.replaced)
    return {status: count for status, count in session.execute(query.group_by(Document.status))}
