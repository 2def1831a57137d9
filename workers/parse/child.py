"""The jailed side: a warm process that forks once per document, so that no document meets another.

A fork costs some milliseconds where a new Python costs half a second, it brings limits of its own, and whatever a
document does to it ends with it. The warm process itself never looks into a document.
Run as `python -m workers.parse.child <descriptor of the socket>`.
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
from typing import BinaryIO

from app.domain import Parsed
from workers.parse import pages, walls, wire
from workers.parse.failure import ParseFailed, Reason

Parser = Callable[[BinaryIO, str], Parsed]
TIMEOUT, MEMORY, CRASH = (
    "The document took too long to parse.",
    "The document needs more memory to parse than is allowed.",
    "The parser crashed on this document.",
)
_OUT_OF_MEMORY = (b"memory allocation", b"bad_alloc", b"out of memory", b"Out of memory", b"MemoryError")


def serve(parse: Parser, preload: Callable[[], None] = lambda: None) -> None:
    """Load what `parse` needs, then answer tasks with it until the other side closes the socket."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    # Neither is to be opened any more behind the walls.
    with Path("/proc/self/statm").open() as sizes, Path("/proc/self/maps").open() as maps:
        walls.raise_walls()
        preload()  # only now, since it starts threads, and a process with threads may not leave its user namespace
        pages.enlarge(maps)
        before = int(sizes.read().split()[0]) * mmap.PAGESIZE
    gc.freeze()
    while True:
        try:
            task, document = wire.receive_task(channel)
            wire.send(channel, _attend(parse, task, document, before, channel))
        except wire.Closed:
            return
        os.close(document)


def _attend(parse: Parser, task: wire.Task, document: int, before: int, channel: socket.socket) -> bytes | bytearray:
    """Fork, wait for the reply or the end of patience, and see to it that nothing of the fork is left."""
    reply, reply_end = os.pipe()
    errors, errors_end = os.pipe()
    os.set_blocking(errors, False)
    os.set_blocking(errors_end, False)
    pid = os.fork()
    if pid == 0:
        channel.close()  # or a parser that was taken over could answer for the next document
        os.setpgid(0, 0)
        os.dup2(errors_end, 2)
        walls.stay_in_group()  # where it can be found and killed with all it starts
        _work(parse, task, document, before, reply_end)
    os.close(reply_end)
    os.close(errors_end)
    deadline = time.monotonic() + task.wall_seconds
    body = _read_reply(reply, deadline)
    in_time = body is not None or _ends(pid, deadline)
    _kill(pid)  # before it is waited for: as long as it is not, its number belongs to nobody else
    _, status, usage = os.wait4(pid, 0)
    said = _last_words(errors)
    os.close(reply)
    os.close(errors)
    if body is not None:
        return body
    if not in_time:
        return _failure("parse_timeout", TIMEOUT)
    return _post_mortem(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, said, task)


def _work(parse: Parser, task: wire.Task, document: int, before: int, reply_end: int) -> None:
    """The life of the fork. It never returns."""
    try:
        walls.die_with_parent()
        walls.limit(cpu_seconds=task.cpu_seconds, address_space=before + task.memory_bytes)
        try:
            with os.fdopen(document, "rb") as file:
                body: bytes = wire.Reply(parsed=parse(file, task.name)).model_dump_json().encode()
        except ParseFailed as failure:
            body = _failure(failure.reason, failure.detail)
        except MemoryError:
            body = _failure("parse_oom", MEMORY)
        with os.fdopen(reply_end, "wb") as out:
            out.write(wire.LENGTH.pack(len(body)))
            out.write(body)
        os._exit(0)
    except BaseException as error:  # or the fork would run on into the loop of its parent
        os.write(2, type(error).__name__.encode())
    finally:
        os._exit(1)


def _read_reply(pipe: int, deadline: float) -> bytearray | None:
    """The whole reply, whoever else may hold the pipe open; None if it does not come."""
    body = bytearray()
    size = wire.LENGTH.size
    poller = select.poll()
    poller.register(pipe, select.POLLIN | select.POLLHUP)
    while poller.poll(max(0, int((deadline - time.monotonic()) * 1000))):
        block = os.read(pipe, 1024**2)
        if not block:
            return None
        body += block
        if len(body) >= size:
            (length,) = wire.LENGTH.unpack(body[:size])
            if len(body) >= size + length:
                return body[size : size + length]
    return None


def _ends(pid: int, deadline: float) -> bool:
    """Whether the fork, which will say no more, is gone by then."""
    handle = os.pidfd_open(pid)
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    ended = bool(poller.poll(max(0, int((deadline - time.monotonic()) * 1000))))
    os.close(handle)
    return ended


def _post_mortem(status: int, seconds: float, most: int, said: bytes, task: wire.Task) -> bytes:
    signal_number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if signal_number == signal.SIGXCPU or seconds >= task.cpu_seconds:
        return _failure("parse_timeout", TIMEOUT)
    # SIGKILL that we did not send is the kernel short of memory; native code dies in many ways when refused some.
    if (
        signal_number == signal.SIGKILL
        or most > 0.8 * task.memory_bytes
        or any(word in said for word in _OUT_OF_MEMORY)
    ):
        return _failure("parse_oom", MEMORY)
    return _failure("parse_crash", CRASH)


def _failure(reason: Reason, detail: str) -> bytes:
    return wire.Reply(reason=reason, detail=detail).model_dump_json().encode()


def _last_words(pipe: int) -> bytes:
    try:
        return os.read(pipe, 65_536)
    except BlockingIOError:
        return b""


def _kill(pid: int) -> None:
    """The fork and whatever it forked in turn."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)  # it did not come as far as having a group


if __name__ == "__main__":
    from workers.parse.kinds import parse, preload

    serve(parse, preload)
