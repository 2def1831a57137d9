"""Hands a chat request on to the server of its model, and the reply back, byte by byte where it is streamed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Any

import httpx
import orjson
import structlog
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.errors import Busy, InvalidRequest
from app.serving.upstream import Upstream
from app.settings import settings

log = structlog.get_logger()

PASSED = ("content-type", "retry-after", "retry-after-ms", "x-should-retry", "cache-control")


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
