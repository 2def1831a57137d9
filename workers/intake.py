"""Parse pending documents: claim some, read each in the jail, store their texts and layouts, or the reasons why not."""

import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from app import storage
from app.db import db_now, transaction
from app.domain import Parsed
from app.errors import NotFound
from app.models import Dataset, Document
from app.queue import ring
from app.settings import settings
from workers import lease, shutdown
from workers.parse import Jail, ParseFailed

log = structlog.get_logger()

AT_ONCE = 20  # documents of one claim, and of one commit: each costs the database some syncs, whatever it holds
BEGIN_SECONDS = 1.0  # after this long no more of a claim is begun: large documents are shared among workers

Outcome = Parsed | ParseFailed


class Claimed(NamedTuple):
    """A document that is ours to read."""

    id: str
    attempt: int
    name: str
    sha256: str


def run() -> None:
    """Go on until no pending document is free. While one thread stores what it read, the other reads."""
    reading = threading.Lock()  # the jail is for one at a time
    with Jail(settings()) as jail, ThreadPoolExecutor(2, "intake") as pool:
        for ended in [pool.submit(_go_on, jail, reading) for _ in range(2)]:
            ended.result()


def _go_on(jail: Jail, reading: threading.Lock) -> None:
    owner = lease.new_owner()
    while not shutdown.requested.is_set() and (claimed := _claim(owner)):
        _work(jail, reading, owner, claimed)


def _claim(owner: str) -> list[Claimed]:
    """The oldest that are free. One that was begun before comes alone: it may be what ended its worker."""
    with transaction() as session:
        waiting = select(Document.id, Document.attempt).where(
            Document.status == "pending", ~Document.replaced, lease.is_free(Document)
        )
        oldest = waiting.order_by(Document.created_at, Document.id).limit(AT_ONCE)
        found = session.execute(oldest.with_for_update(skip_locked=True)).all()
        ids = [document_id for document_id, attempt in found if attempt == 0] or [found[0].id for _ in found[:1]]
        if not ids:
            return []
        taken = session.execute(
            update(Document)
            .where(Document.id.in_(ids), lease.is_free(Document))
            .values(owner=owner, attempt=Document.attempt + 1, leased_at=db_now(), heartbeat_at=None)
            .returning(Document.id, Document.attempt, Document.name, Document.sha256)
        )
        claimed = {row.id: Claimed(*row) for row in taken}
    return [claimed[document_id] for document_id in ids if document_id in claimed]


def _work(jail: Jail, reading: threading.Lock, owner: str, claimed: list[Claimed]) -> None:
    """Read what there is time for, keep what came of it in one commit, and give the rest back as it was."""
    left = deque(claimed)
    outcomes: list[tuple[Claimed, Outcome]] = []
    with lease.heartbeat(Document, [document.id for document in claimed], owner):
        try:
            with reading:
                end = time.monotonic() + BEGIN_SECONDS
                while left and not (shutdown.requested.is_set() or (outcomes and time.monotonic() > end)):
                    document = left.popleft()
                    outcomes.append((document, _read(jail, document)))
        finally:
            # After an error too. What was begun then keeps its attempt, or it could end every worker for ever.
            _give_back(owner, left)
            _finish(owner, outcomes)


def _read(jail: Jail, document: Claimed) -> Outcome:
    if document.attempt > settings().document_max_attempts:
        return ParseFailed("parse_crash", "every attempt to read it ended its worker")
    try:
        with storage.storage().local(document.sha256) as path:
            return jail.parse(path, document.name)
    except ParseFailed as failure:
        return failure
    except NotFound:
        return ParseFailed("blob_missing", "its bytes are not in the store any more")


def _give_back(owner: str, documents: Collection[Claimed]) -> None:
    """Free what was not begun; the attempt does not count."""
    if not documents:
        return
    with transaction() as session:
        session.execute(
            update(Document)
            .where(Document.id.in_([document.id for document in documents]), Document.owner == owner)
            .values(owner=None, attempt=Document.attempt - 1, leased_at=None, heartbeat_at=None)
        )


def _finish(owner: str, outcomes: Sequence[tuple[Claimed, Outcome]]) -> None:
    """Store the texts and what became of the documents. One that cannot be stored fails alone."""
    try:
        parsed = [(document, outcome) for document, outcome in outcomes if isinstance(outcome, Parsed)]
        kept = storage.keep_all([outcome.text.encode() for _, outcome in parsed])
        _write(owner, outcomes, {document.id: sha256 for (document, _), sha256 in zip(parsed, kept, strict=True)})
    except OSError:
        _give_back(owner, [document for document, _ in outcomes])  # a full disk is not the documents' fault
        raise
    except (DataError, UnicodeError):
        for document, outcome in outcomes:
            alone = outcome if len(outcomes) > 1 else ParseFailed("parse_crash", "Its text cannot be stored.")
            _finish(owner, [(document, alone)])


def _write(owner: str, outcomes: Sequence[tuple[Claimed, Outcome]], texts: dict[str, str]) -> None:
    if not outcomes:
        return
    ids = [document.id for document, _ in outcomes]
    with transaction() as session:
        # The fence, with the rows locked: who was thought dead finds them owned by another, or by nobody.
        mine = select(Document).where(Document.id.in_(ids), Document.owner == owner).order_by(Document.id)
        rows = {row.id: row for row in session.scalars(mine.with_for_update())}
        for document, outcome in outcomes:
            row = rows.get(document.id)
            if row is not None and row.attempt == document.attempt:
                _record(row, outcome, texts.get(document.id))
        session.flush()
        for corpus_id in sorted({row.corpus_id for row in rows.values()}):
            _ring_waiting_datasets(session, corpus_id)


def _record(row: Document, outcome: Outcome, text_sha256: str | None) -> None:
    row.owner = None
    if isinstance(outcome, Parsed):
        row.status, row.text_sha256 = "parsed", text_sha256
        row.media_type, row.language = outcome.media_type, outcome.language
        row.detail = outcome.note or None
        row.characters, row.page_count = len(outcome.text), len(outcome.pages) or None
        row.layout = {
            "pages": [[page.number, page.start, page.end] for page in outcome.pages],
            "headings": [[heading.level, heading.title, heading.start] for heading in outcome.headings],
        }
    else:
        row.status, row.reason, row.detail = "failed", outcome.reason, outcome.detail
        log.info("document.failed", document_id=row.id, reason=outcome.reason)


def _ring_waiting_datasets(session: Session, corpus_id: str) -> None:
    """The last document of a corpus is done: whoever waits for it can plan."""
    pending = select(Document.id).where(
        Document.corpus_id == corpus_id, Document.status == "pending", ~Document.replaced
    )
    if session.scalar(pending.limit(1)) is None:
        waiting = select(Dataset.id).where(Dataset.corpus_id == corpus_id, Dataset.status == "validating")
        for dataset_id in session.scalars(waiting):
            ring(session, "plan", dataset_id)
