"""An immutable file as a reply: ETag, HEAD, Range, and what clients need to resume and to check (RFC 9110)."""

import base64
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app import conditional
from app.errors import RangeNotSatisfiable


class Content(NamedTuple):
    """What is sent. `read(start, end)` gives bytes [start, end) of it; `made_at` is in epoch seconds."""

    filename: str
    media_type: str
    size: int
    sha256: str
    made_at: float
    read: Callable[[int, int], Iterable[bytes]]


def respond(request: Request, content: Content) -> Response:
    """The whole, the range that was asked for, the headers alone, or 304. Raises RangeNotSatisfiable."""
    etag = f'"{content.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Last-Modified": formatdate(content.made_at, usegmt=True),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(content.filename, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-transform",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(content.sha256)).decode()}:",
    }
    if conditional.matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range") if request.method == "GET" else None  # RFC 9110, 14.2
    found = conditional.byte_range(wanted, request.headers.get("if-range"), etag, content.size)
    start, end = found or (0, content.size)
    headers["Content-Length"] = str(end - start)
    if found:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    status = 206 if found else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=content.media_type)
    return StreamingResponse(content.read(start, end), status, headers, content.media_type)


def add_route(
    router: APIRouter,
    path: str,
    endpoint: Callable[..., Response],
    *,
    operations: tuple[str, str],
    summary: str,
    responses: dict[int | str, dict[str, Any]],
) -> None:
    """`endpoint` for GET and HEAD of `path`. `operations`: the operation id of each."""
    for method, operation_id in zip(("GET", "HEAD"), operations, strict=True):
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            response_class=Response,
            responses={206: {"description": "The asked range"}, **responses, **RangeNotSatisfiable.responses()},
            operation_id=operation_id,
            summary=summary,
        )
