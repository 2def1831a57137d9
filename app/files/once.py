"""What is sent becomes a blob and what is made of it, once: a repeated request leaves nothing behind."""

from collections.abc import Callable

from pydantic import BaseModel
from sqlalchemy.orm import Session

from app import storage
from app.db import transaction
from app.errors import Problem
from app.files import blobs
from app.files.blobs import Kept
from app.idempotency import Once, Reply


def store(
    tenant_id: str,
    once: Once,
    wanted: BaseModel,
    shape: type[Reply],
    upload: storage.Upload,
    make: Callable[[Session, Kept], Reply],
) -> Reply:
    """What `make` makes of the upload's bytes, in one transaction, or the first reply to a repeated request.

    The bytes are durable before anything is made of them, and forgotten if nothing is.
    """
    kept = blobs.keep(upload)
    made: list[Reply] = []

    def first() -> Reply:
        made.append(make(session, kept))
        return made[0]

    try:
        with transaction() as session:
            reply = once(session, tenant_id, wanted, shape, first)
    except Problem:
        storage.storage().forget(kept.blob)
        raise
    if not made:  # a repeated request, whose bytes are there already
        storage.storage().forget(kept.blob)
    return reply
