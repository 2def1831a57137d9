"""Pure ASGI middleware: a request id on every reply, and a limit on the size of bodies that are read into memory."""

import re
import secrets
from collections.abc import Iterable

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLarge
from app.problems import render

_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_UPLOAD = re.compile(r"/v1/(corpora/[^/]+/documents(/.*)?|files|uploads/[^/]+/parts)", re.DOTALL)


def header(scope: Scope, name: bytes) -> str:
    """The value of one request header, or ""."""
    pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in pairs if key == name), "")


class RequestId:
    """`x-request-id`: the client's own if it is a plain word, else a new one; bound to the request's log lines."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        request_id = given if _ID.fullmatch(given) else "req_" + secrets.token_hex(12)
        scope.setdefault("state", {})["request_id"] = request_id

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, with_id)


def limited(receive: Receive, limit: int) -> Receive:
    """`receive`, which raises TooLarge once more than `limit` body bytes have come (Content-Length may lie)."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        return message

    return counting


class BodyLimit:
    """Every body but an upload's is read into memory, whatever it says it is, so it ends at `limit` bytes."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = header(scope, b"content-length") if scope["type"] == "http" else ""
        has_body = announced or (scope["type"] == "http" and header(scope, b"transfer-encoding"))
        if not has_body or _UPLOAD.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        # A body that is announced too large is refused unread: a client that waits for 100-continue then keeps it.
        size, more, refused = 0, True, announced.isdecimal() and int(announced) > self.limit
        while more and not refused:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)
            refused = size > self.limit
        if refused:
            detail = f"the body is larger than {self.limit} bytes"
            response = render(Request(scope), TooLarge.status, TooLarge.code, TooLarge.title, detail)
            await response(scope, receive, send)
            return
        replay = iter(messages)

        async def replayed() -> Message:
            return next(replay, None) or await receive()

        await self.app(scope, replayed, send)
