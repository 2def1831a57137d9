"""Parse pending documents: claim one, read it in the jail, store its text and layout, or the reason why not."""

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import storage
from app.db import reading, transaction
from app.domain import Parsed
from app.errors import NotFound
from app.models import Dataset, Document
from app.queue import ring
from app.settings import settings
from workers import lease, shutdown
from workers.parse import Jail, ParseFailed

log = structlog.get_logger()


def run() -> None:
    """Go on until no pending document is free."""
    owner = lease.new_owner()
    with Jail(settings()) as jail:
        while not shutdown.requested.is_set() and (claimed := _claim(owner)) is not None:
            document_id, attempt = claimed
            _parse_one(jail, owner, document_id, attempt)


def _claim(owner: str) -> tuple[str, int] | None:
    with reading() as session:
        waiting = select(Document.id).where(Document.status == "pending", ~Document.replaced, lease.is_free(Document))
        candidates = session.scalars(waiting.order_by(Document.created_at).limit(20)).all()
    for document_id in candidates:
        with transaction() as session:
            attempt = lease.take(session, Document, document_id, owner)
        if attempt is not None:
            return document_id, attempt
    return None


def _parse_one(jail: Jail, owner: str, document_id: str, attempt: int) -> None:
    with reading() as session:
        document = session.get_one(Document, document_id)
        name, sha256 = document.name, document.sha256
    if attempt > settings().document_max_attempts:
        _finish(owner, document_id, attempt, ParseFailed("parse_crash", "every attempt to read it ended its worker"))
        return
    with lease.heartbeat(Document, document_id, owner):
        outcome: Parsed | ParseFailed
        try:
            with storage.storage().local(sha256) as path:
                outcome = jail.parse(path, name)
        except ParseFailed as failure:
            outcome = failure
        except NotFound:
            outcome = ParseFailed("blob_missing", "its bytes are not in the store any more")
        _finish(owner, document_id, attempt, outcome)


def _finish(owner: str, document_id: str, attempt: int, outcome: Parsed | ParseFailed) -> None:
    text_sha256 = storage.keep_bytes(outcome.text.encode()) if isinstance(outcome, Parsed) else None
    with transaction() as session:
        if not lease.still_mine(session, Document, document_id, owner, attempt):
            return
        document = session.get_one(Document, document_id)
        document.owner = None
        if isinstance(outcome, Parsed):
            document.status, document.text_sha256 = "parsed", text_sha256
            document.media_type, document.language = outcome.media_type, outcome.language
            document.detail = outcome.note or None
            document.characters, document.page_count = len(outcome.text), len(outcome.pages) or None
            document.layout = {
                "pages": [[page.number, page.start, page.end] for page in outcome.pages],
                "headings": [[heading.level, heading.title, heading.start] for heading in outcome.headings],
            }
        else:
            document.status, document.reason, document.detail = "failed", outcome.reason, outcome.detail
            log.info("document.failed", document_id=document_id, reason=outcome.reason)
        session.flush()
        _ring_waiting_datasets(session, document.corpus_id)


def _ring_waiting_datasets(session: Session, corpus_id: str) -> None:
    """The last document of a corpus is done: whoever waits for it can plan."""
    pending = select(Document.id).where(
        Document.corpus_id == corpus_id, Document.status == "pending", ~Document.replaced
    )
    if session.scalar(pending.limit(1)) is None:
        waiting = select(Dataset.id).where(Dataset.corpus_id == corpus_id, Dataset.status == "validating")
        for dataset_id in session.scalars(waiting):
            ring(session, "plan", dataset_id)
