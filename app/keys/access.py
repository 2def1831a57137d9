"""Who a request comes from, as a FastAPI dependency: a tenant id, or 401."""

import re
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import IntegrityError

from app.db import reading, transaction
from app.errors import Unauthorized
from app.keys import service
from app.models.tenants import DEFAULT_TENANT

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_made: set[str] = set()


def tenant(request: Request) -> str:
    """The tenant of the bearer key. Without any key in the database: the default tenant, from this machine only.

    Raises Unauthorized.
    """
    secret = _secret(request)
    known = service.remembered(secret)
    if known is None:
        with reading() as session:
            known = service.look_up(session, secret)
    return _admit(request, known)


async def _tenant(request: Request) -> str:
    """The same. Who was here a moment ago needs neither a thread nor a connection."""
    known = service.remembered(_secret(request))
    if known is None or DEFAULT_TENANT not in _made:
        return await run_in_threadpool(tenant, request)
    return _admit(request, known)


def _secret(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _admit(request: Request, known: service.Known) -> str:
    if known.tenant_id is not None:
        return known.tenant_id
    if known.any_active:
        raise Unauthorized("Send a valid API key as `Authorization: Bearer <key>`.", headers=_CHALLENGE)
    client = request.client.host if request.client else ""
    # The Host header is checked as well: a page in a browser must not reach us by a name that resolves to loopback.
    if client not in LOOPBACK or _host(request) not in LOOPBACK:
        message = "No API key exists yet; until `corpusmith keys create` only this machine may connect."
        raise Unauthorized(message, headers=_CHALLENGE)
    if DEFAULT_TENANT not in _made:
        with suppress(IntegrityError), transaction() as session:  # another process's first request made it
            service.tenant(session, DEFAULT_TENANT)
        _made.add(DEFAULT_TENANT)
    return DEFAULT_TENANT


def _host(request: Request) -> str:
    """The name in the Host header, without its port; `request.url` takes our own address for one it cannot read."""
    found = _HOST.fullmatch(request.headers.get("host", ""))
    return found[1].strip("[]").lower() if found else ""


TenantDep = Annotated[str, Depends(_tenant)]
