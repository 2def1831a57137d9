"""Uploads that come at the same time are committed together: one transaction, one sync and one doorbell for them all.

The first thread to come commits; those that come meanwhile wait, and the next of them commits for the rest. On SQLite,
which has one writer, this also keeps them from waiting for each other in its sleeps.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.exc import DataError, IntegrityError

from app.db import transaction
from app.documents import service
from app.documents.schemas import DocumentRead
from app.errors import Busy

ATTEMPTS = 20  # at an upload that meets others of the same name
MANY = 100  # documents: a transaction that is long without others in it

Added = list[tuple[DocumentRead, bool]]


@dataclass(eq=False)
class _Upload:
    tenant_id: str
    corpus_id: str
    stored: Sequence[service.Stored]
    added: Added | None = None
    error: Exception | None = None


_waiting: deque[_Upload] = deque()
_committing = threading.Lock()


def add(tenant_id: str, corpus_id: str, stored: Sequence[service.Stored]) -> Added:
    """The blobs as documents, durable, each with whether it is new. Raises Busy, and what the database raises."""
    mine = _Upload(tenant_id, corpus_id, stored)
    if len(stored) > MANY:
        return _alone(mine)
    _waiting.append(mine)
    with _committing:
        if mine.added is None and mine.error is None:
            _commit([_waiting.popleft() for _ in range(len(_waiting))])
    if mine.error is not None:
        raise mine.error
    return mine.added or []


def _commit(uploads: list[_Upload]) -> None:
    try:
        added = _all(uploads)
    except (IntegrityError, DataError):  # another process was at one of the names, or one of them cannot be stored
        for one in uploads:
            try:
                one.added = _alone(one)
            except Exception as error:  # its own thread raises it
                one.error = error
    except Exception as error:
        for one in uploads:
            one.error = error
    else:
        for one, found in zip(uploads, added, strict=True):
            one.added = found


def _all(uploads: list[_Upload]) -> list[Added]:
    """What became of each, in one transaction. Corpora in order of their ids: so no two processes lock crosswise."""
    found: dict[int, Added] = {}
    with transaction() as session:
        for corpus in sorted({one.corpus_id for one in uploads}):
            same = [one for one in uploads if one.corpus_id == corpus]
            stored = [blob for one in same for blob in one.stored]
            documents = service.add(session, same[0].tenant_id, corpus, stored)
            shown = iter([(DocumentRead.model_validate(document), new) for document, new in documents])
            for one in same:
                found[id(one)] = list(islice(shown, len(one.stored)))
    return [found[id(one)] for one in uploads]


def _alone(one: _Upload) -> Added:
    for attempt in range(ATTEMPTS):
        time.sleep(random.uniform(0, 0.01 * attempt))
        with suppress(IntegrityError):
            return _all([one])[0]
    raise Busy("others are uploading documents of the same names; try again", headers={"Retry-After": "1"})
