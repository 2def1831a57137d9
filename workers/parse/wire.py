"""What the jail and its keeper say to each other: length-prefixed JSON over one Unix socket, files as descriptors.

The document travels as an open descriptor, so that the jailed side needs no right to open anything by name.
"""

import select
import socket
import struct
import time

from app.domain import Parsed, Record
from workers.parse.failure import Reason

LENGTH = struct.Struct("!I")
MAX_REPLY = 512 * 1024**2


class Task(Record):
    """Parse the file whose descriptor comes along. `name` decides the type together with the first bytes."""

    name: str
    cpu_seconds: int
    wall_seconds: int
    memory_bytes: int


class Reply(Record):
    """Either `parsed`, or a `reason` and its `detail`."""

    parsed: Parsed | None = None
    reason: Reason | None = None
    detail: str = ""


class Closed(Exception):
    """The other side is gone."""


class Silent(Exception):
    """The other side did not answer in time."""


def send(channel: socket.socket, body: bytes | bytearray, file: int | None = None) -> None:
    """Write one message, which is JSON already; the descriptor `file` is duplicated into the receiving process."""
    head = LENGTH.pack(len(body))
    try:
        if file is None:
            channel.sendall(head)
        else:
            socket.send_fds(channel, [head], [file])
        channel.sendall(body)
    except OSError as error:
        raise Closed from error


def receive_task(channel: socket.socket) -> tuple[Task, int]:
    """Wait for the next task and the descriptor of its document."""
    try:
        head, files, _, _ = socket.recv_fds(channel, LENGTH.size, 1)
        if not files:
            raise Closed
        head += exactly(channel, LENGTH.size - len(head), None)
        (size,) = LENGTH.unpack(head)
        return Task.model_validate_json(exactly(channel, size, None)), files[0]
    except OSError as error:
        raise Closed from error


def receive_reply(channel: socket.socket, deadline: float) -> Reply:
    """Read one reply, and accept no descriptor with it. `deadline` is a `time.monotonic()` value."""
    try:
        (size,) = LENGTH.unpack(exactly(channel, LENGTH.size, deadline))
        if size > MAX_REPLY:
            raise Closed
        return Reply.model_validate_json(exactly(channel, size, deadline))
    except OSError as error:
        raise Closed from error


def exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    """So many bytes; `deadline` is a `time.monotonic()` value. Raises Closed and Silent."""
    body = bytearray()
    while len(body) < size:
        if deadline is not None:
            _wait(channel, deadline)
        block = channel.recv(min(size - len(body), 1024**2))
        if not block:
            raise Closed
        body += block
    return bytes(body)


def _wait(channel: socket.socket, deadline: float) -> None:
    """`poll` and not `select`, which cannot take descriptors above 1,023."""
    poller = select.poll()
    poller.register(channel, select.POLLIN)
    if not poller.poll(max(0, int((deadline - time.monotonic()) * 1000))):
        raise Silent
