"""A POST happens once: by `Idempotency-Key`, or, without one, when an SDK says that it is retrying.

draft-ietf-httpapi-idempotency-key-header-07. The stored reply is written in the transaction of what it made, so either
both are there or neither. The OpenAI SDK sends no key but `x-stainless-retry-count`: a retry of the same body within
ten minutes is taken for the same request.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import ids
from app.errors import InvalidRequest, KeyInFlight, KeyReused
from app.models import IdempotencyKey

SDK_RETRY_WINDOW = timedelta(minutes=10)

ONCE_PROBLEMS = KeyInFlight.responses()

Reply = TypeVar("Reply", bound=BaseModel)


class Once:
    """Runs a creating function at most once for one key; `__call__` gives back the first reply again."""

    def __init__(self, request: Request) -> None:
        self.key = request.headers.get("idempotency-key")
        self.retry = request.headers.get("x-stainless-retry-count", "0") not in ("", "0")
        self.route = f"{request.method} {request.scope['path']}"
        if self.key is not None and not 1 <= len(self.key) <= 255:
            raise InvalidRequest("Idempotency-Key: 1 to 255 characters", param="Idempotency-Key")

    def __call__(
        self, session: Session, tenant_id: str, body: BaseModel, shape: type[Reply], make: Callable[[], Reply]
    ) -> Reply:
        """Raises KeyReused (another body under this key) or KeyInFlight (the first request is still running)."""
        digest = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        stored = self._stored(session, tenant_id, digest)
        if stored is not None:
            return shape.model_validate_json(stored.body)
        made = make()
        session.add(
            IdempotencyKey(
                id=ids.new("idk"),
                tenant_id=tenant_id,
                route=self.route,
                # Without a key the row still serves a retrying SDK, which is found by its body.
                key=self.key or ids.new("auto"),
                body_sha256=digest,
                status=201,
                body=made.model_dump_json().encode(),
            )
        )
        try:
            session.flush()
        except IntegrityError:
            raise KeyInFlight("a request with this Idempotency-Key is running", headers={"Retry-After": "1"}) from None
        return made

    def _stored(self, session: Session, tenant_id: str, digest: str) -> IdempotencyKey | None:
        rows = select(IdempotencyKey).where(IdempotencyKey.tenant_id == tenant_id, IdempotencyKey.route == self.route)
        now = datetime.now(UTC)
        if self.key is not None:
            found = session.scalar(rows.where(IdempotencyKey.key == self.key))
            if found is not None and found.created_at <= now - IdempotencyKey.KEPT:
                session.delete(found)
                session.flush()
                return None
            if found is not None and found.body_sha256 != digest:
                raise KeyReused("this Idempotency-Key was used with another body", param="Idempotency-Key")
            return found
        if not self.retry:
            return None
        recent = rows.where(IdempotencyKey.body_sha256 == digest, IdempotencyKey.created_at > now - SDK_RETRY_WINDOW)
        return session.scalar(recent.order_by(IdempotencyKey.created_at.desc()).limit(1))


OnceDep = Annotated[Once, Depends(Once)]
