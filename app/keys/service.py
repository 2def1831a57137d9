"""API keys: made at random, shown once, stored as a hash; and who a request comes from."""

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app import ids
from app.errors import NotFound
from app.models import ApiKey, Tenant
from app.models.tenants import DEFAULT_TENANT

CACHE_SECONDS = 2.0  # a revoked key may work this much longer
_cache: dict[str, tuple[float, str | None]] = {}


def tenant(session: Session, tenant_id: str) -> Tenant:
    """The tenant, made if it is new."""
    found = session.get(Tenant, tenant_id)
    if found is None:
        found = Tenant(id=tenant_id)
        session.add(found)
        session.flush()
    return found


def create(session: Session, name: str, tenant_id: str = DEFAULT_TENANT) -> tuple[ApiKey, str]:
    """A new key and, this once, its secret: `csk_` and 256 random bits."""
    tenant(session, tenant_id)
    secret = "csk_" + secrets.token_urlsafe(32)
    key = ApiKey(id=ids.new("key"), tenant_id=tenant_id, name=name, shown=secret[:8], sha256=_digest(secret))
    session.add(key)
    session.flush()
    return key, secret


def every(session: Session) -> list[ApiKey]:
    """All keys, oldest first; the secrets are not among what we know."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id)))


def revoke(session: Session, key_id: str) -> ApiKey:
    """Take a key's rights away. Raises NotFound."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound(f"key {key_id}")
    key.revoked_at = key.revoked_at or datetime.now(UTC)
    return key


def any_active(session: Session) -> bool:
    """Is there a key that works? While there is none, only this machine may use the service."""
    return _cached("", lambda: "yes" if session.scalar(_active().limit(1)) else None) is not None


def tenant_of(session: Session, secret: str) -> str | None:
    """The tenant of a working key, or None."""
    digest = _digest(secret)
    return _cached(digest, lambda: session.scalar(_active().where(ApiKey.sha256 == digest)))


def _active() -> Select[str]:
    return select(ApiKey.tenant_id).where(ApiKey.revoked_at.is_(None))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _cached(digest: str, look_up: Callable[[], str | None]) -> str | None:
    now = time.monotonic()
    hit = _cache.get(digest)
    if hit and now - hit[0] < CACHE_SECONDS:
        return hit[1]
    found = look_up()
    if len(_cache) > 10_000:
        _cache.clear()
    _cache[digest] = (now, found)
    return found
