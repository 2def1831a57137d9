"""The walled-in side: holds a database in memory and forks once a query, so no query leaves anything behind.

What a fork changes is its own copy. It may not open files or sockets, its memory and time are bounded, and it is killed
when its time is over. Run as `python -m <module> <descriptor of the socket> [folder that may be read ...]`; that module
calls `serve`.
"""

import gc
import mmap
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from workers.parse import walls, wire

# Limits are in processor time, so that a busy machine refuses nothing it would not refuse when it is idle; so many
# times as long may pass on the clock.
PATIENCE = 4
_IDLE_SECONDS = 300

Handler = Callable[[Any], Any]  # a request as JSON -> a reply as JSON


def serve(prepare: Callable[[Any, bytes], Handler]) -> None:
    """Raise the walls, hand the first message and its file to `prepare`, then answer each further message in a fork."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    with Path("/proc/self/statm").open() as sizes:
        walls.raise_walls(tuple(sys.argv[2:]))
        setup, file = _receive(channel)
        with os.fdopen(file, "rb") as source:
            answer = prepare(setup, source.read())
        resident = int(sizes.read().split()[0]) * mmap.PAGESIZE
    gc.freeze()
    wire.send(channel, b'{"ready":true}')
    asked = select.poll()
    asked.register(channel, select.POLLIN)
    while asked.poll(_IDLE_SECONDS * 1000):
        try:
            request, _ = _receive(channel)
            wire.send(channel, _attend(answer, request, resident, channel))
        except wire.Closed:
            return


def _receive(channel: socket.socket) -> tuple[Any, int]:
    head, files, _, _ = socket.recv_fds(channel, wire.LENGTH.size, 1)
    if len(head) < wire.LENGTH.size:
        raise wire.Closed
    (size,) = wire.LENGTH.unpack(head)
    body = wire.exactly(channel, size, None)
    return orjson.loads(body), files[0] if files else -1


def _attend(answer: Handler, request: Any, resident: int, channel: socket.socket) -> bytes:
    reply, reply_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        channel.close()
        os.setpgid(0, 0)
        _work(answer, request, resident, reply_end)
    os.close(reply_end)
    body = _read(reply, time.monotonic() + PATIENCE * float(request["seconds"]))
    os.close(reply)
    os.kill(pid, signal.SIGKILL)  # not waited for yet, so the number is still this fork's
    _, status, usage = os.wait4(pid, 0)
    if body:
        return bytes(body)
    timed = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGXCPU)
    if body is None or timed or usage.ru_utime + usage.ru_stime >= float(request["seconds"]):
        return orjson.dumps({"refused": "timeout", "detail": f"it ran longer than {request['seconds']:g} s"})
    return orjson.dumps({"refused": "out_of_memory", "detail": "it needed more memory than is allowed"})


def _work(answer: Handler, request: Any, resident: int, reply_end: int) -> None:
    """The life of the fork. It never returns."""
    try:
        walls.die_with_parent()
        seconds = max(1, round(float(request["seconds"]) + 0.5))
        walls.limit(cpu_seconds=seconds, address_space=resident + int(request["memory_bytes"]))
        signal.setitimer(signal.ITIMER_PROF, float(request["seconds"]))
        body = orjson.dumps(answer(request), default=str)
        with os.fdopen(reply_end, "wb") as out:
            out.write(body)
        os._exit(0)
    except BaseException as error:
        # Only the name: the message may be as long as what the query returned. An empty reply means memory ran out.
        if not isinstance(error, MemoryError):
            os.write(reply_end, orjson.dumps({"refused": "execution_error", "detail": type(error).__name__}))
        os._exit(1)


def _read(pipe: int, deadline: float) -> bytearray | None:
    """All that comes until the other end closes; None when that is not in time."""
    body = bytearray()
    poller = select.poll()
    poller.register(pipe, select.POLLIN | select.POLLHUP)
    while poller.poll(max(0, int((deadline - time.monotonic()) * 1000))):
        block = os.read(pipe, 1024**2)
        if not block:
            return body
        body += block
    return None
