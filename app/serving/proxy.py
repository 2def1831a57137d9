"""Hands a chat request on to the server of its model, and the reply back, byte by byte where it is streamed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Any

import httpx
import orjson
import structlog
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.db import reading
from app.errors import Busy, InvalidRequest, NotFound
from app.llm.pool import targets
from app.serving import service
from app.settings import settings

log = structlog.get_logger()

ROLES = ("generator", "judge", "trainee")
PASSED = ("content-type", "retry-after", "retry-after-ms", "x-should-retry", "cache-control")


class Upstream:
    """A model server: where it is, and its key, which is never logged."""

    __slots__ = ("api_key", "url")

    def __init__(self, url: str, api_key: str) -> None:
        self.url, self.api_key = url.rstrip("/"), api_key

    @property
    def headers(self) -> dict[str, str]:
        found = {"content-type": "application/json", "accept-encoding": "identity"}
        return found | ({"authorization": f"Bearer {self.api_key}"} if self.api_key else {})


def servers(model: str) -> list[Upstream]:
    """The servers that have a model of this name by the settings."""
    found = {
        target.url: Upstream(target.url, target.api_key)
        for role in ROLES
        for target in targets(settings(), role)
        if target.model == model
    }
    return list(found.values())


def target(tenant_id: str, model: str) -> Upstream:
    """Raises NotFound for a model that is not served, or not for this tenant."""
    if model.startswith("ft:"):
        with reading() as session:
            serving = service.served(session, tenant_id, model)
            base = service.job_of(session, serving).model if serving else ""
            urls = serving.servers if serving else []
        known = {upstream.url: upstream for upstream in servers(root(base))}
        found = [known[url] for url in urls if url in known]
    else:
        found = servers(model)
    if not found:
        raise NotFound(f"model {model} is not served", param="model")
    return found[0]


def root(base: str) -> str:
    """The base model of a base model: one that was trained further is served on the same servers."""
    return base.split(":")[1] if base.startswith("ft:") else base


async def understand(
    request: Request, look_up: Callable[[str], Awaitable[Upstream]]
) -> tuple[dict[str, Any], Upstream]:
    """The body and the server it is for. Raises InvalidRequest or NotFound."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error.msg}") from None
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise InvalidRequest("model: a string is needed", param="model", fields=[("/model", "a string is needed")])
    return body, await look_up(body["model"])


@cache
def client() -> httpx.AsyncClient:
    """One pool of connections a process."""
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
    timeout = httpx.Timeout(settings().call_idle_timeout_seconds, connect=settings().call_connect_timeout_seconds)
    return httpx.AsyncClient(trust_env=False, limits=limits, timeout=timeout)


async def forward(request: Request, body: dict[str, Any], upstream: Upstream) -> Response:
    """Raises Busy when the server cannot be reached. What the server itself says, errors too, is handed back."""
    asked = client().build_request(
        "POST", f"{upstream.url}/chat/completions", content=orjson.dumps(body), headers=upstream.headers
    )
    try:
        reply = await client().send(asked, stream=True)
    except httpx.HTTPError as error:
        log.warning("proxy.not_reached", error=type(error).__name__)
        raise Busy("the model server does not answer", headers={"retry-after": "5"}) from None
    headers = {name: reply.headers[name] for name in PASSED if name in reply.headers}
    if body.get("stream") and reply.status_code == 200:
        headers |= {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_bytes(reply), reply.status_code, headers)
    try:
        content = await reply.aread()
    except httpx.HTTPError as error:
        log.warning("proxy.cut_off", error=type(error).__name__)
        raise Busy("the model server ended its reply too early", headers={"retry-after": "5"}) from None
    finally:
        await reply.aclose()
    return Response(content, reply.status_code, headers)


async def _bytes(reply: httpx.Response) -> AsyncIterator[bytes]:
    """As they come. A client that goes away ends the call on the server too."""
    try:
        async for piece in reply.aiter_raw():
            yield piece
    finally:
        await reply.aclose()
