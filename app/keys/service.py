"""API keys: made at random, shown once, stored as a hash; and who a request comes from."""

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app import ids
from app.errors import NotFound
from app.models import ApiKey, Tenant
from app.models.tenants import DEFAULT_TENANT

CACHE_SECONDS = 2.0  # a revoked key may work this much longer


@dataclass(frozen=True, slots=True)
class Known:
    """What a bearer secret (or none) stands for: the tenant of a working key; and whether there is any such key."""

    tenant_id: str | None
    any_active: bool


_cache: dict[str, tuple[float, Known]] = {}


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
    return session.scalar(_active().limit(1)) is not None


def remembered(secret: str) -> Known | None:
    """What was looked up for `secret` a moment ago, without asking the database."""
    hit = _cache.get(_digest(secret))
    return hit[1] if hit and time.monotonic() - hit[0] < CACHE_SECONDS else None


def look_up(session: Session, secret: str) -> Known:
    """Ask the database about `secret`; "" stands for none."""
    digest, now = _digest(secret), time.monotonic()
    tenant_id = session.scalar(_active().where(ApiKey.sha256 == digest)) if secret else None
    known = Known(tenant_id, any_active=tenant_id is not None or any_active(session))
    if len(_cache) > 10_000:
        _cache.clear()
    _cache[digest] = now, known
    return known


def _active() -> Select[str]:
    return select(ApiKey.tenant_id).where(ApiKey.revoked_at.is_(None))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
