"""Put replies on the wire: whole, one byte at a time, cut in the middle, or not at all."""

import asyncio
import socket
import struct
from collections.abc import Iterable
from typing import NoReturn

from aiohttp import web

JSON = "application/json"
EVENTS = "text/event-stream"


class Severed(ConnectionResetError):
    """The server itself closed the connection, as the script asked."""


async def send_whole(
    request: web.BaseRequest, body: bytes, kind: str = JSON, status: int = 200, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Send a reply and return when the kernel has all of it. Raises ConnectionResetError if the client is gone."""
    response = web.Response(body=body, status=status, content_type=kind, headers=headers)
    _write_through(request)
    await response.prepare(request)
    await response.write_eof()
    await _drained(request)
    return response


async def send_frames(request: web.BaseRequest, frames: Iterable[bytes]) -> web.StreamResponse:
    """Send server-sent events, one write each."""
    response = await _open(request, EVENTS)
    for frame in frames:
        await response.write(frame)
    await response.write_eof()
    await _drained(request)
    return response


async def drip(request: web.BaseRequest, body: bytes, kind: str, seconds: float, endless: bool) -> web.StreamResponse:
    """Send one byte each `seconds`; with `endless`, blanks come first and never stop."""
    response = await _open(request, kind)
    while endless:
        await response.write(b": \n\n" if kind == EVENTS else b" ")
        await asyncio.sleep(seconds)
    for at in range(len(body)):
        await response.write(body[at : at + 1])
        await asyncio.sleep(seconds)
    await response.write_eof()
    await _drained(request)
    return response


async def send_half(request: web.BaseRequest, body: bytes, kind: str) -> NoReturn:
    """Announce the whole body, send half of it and close. Always raises Severed."""
    response = web.StreamResponse(headers={"Content-Type": kind, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    await _drained(request)
    if request.transport is not None:
        request.transport.close()
    raise Severed("closed in the middle of the body")


def reset(request: web.BaseRequest) -> NoReturn:
    """Close with a TCP reset, as a dead server's kernel does. Always raises Severed."""
    if request.transport is not None:
        sock = request.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    raise Severed("connection reset")


def hang_up(request: web.BaseRequest) -> NoReturn:
    """Close in order without a byte of reply. Always raises Severed."""
    if request.transport is not None:
        request.transport.close()
    raise Severed("closed before the reply")


async def _open(request: web.BaseRequest, kind: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind})
    _write_through(request)
    await response.prepare(request)
    return response


def _write_through(request: web.BaseRequest) -> None:
    # A high-water mark of 0 makes the transport write at once instead of at the end of the loop's turn.
    if request.transport is None:
        raise ConnectionResetError("the client is gone")
    request.transport.set_write_buffer_limits(high=0)


async def _drained(request: web.BaseRequest) -> None:
    while True:
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        if not transport.get_write_buffer_size():
            return
        await asyncio.sleep(0.001)
