"""A jailed process whose parser misbehaves as the name of the document says."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from app.domain import Parsed
from workers.parse.child import serve

_libc = ctypes.CDLL(None)


def _loop() -> str:
    while True:
        pass


def _loop_unmoved() -> str:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return _loop()


def _sleep() -> str:
    time.sleep(600)
    return ""


def _close_and_sleep() -> str:
    os.closerange(3, 64)
    return _sleep()


def _leave_a_process() -> str:
    if os.fork() == 0:
        _sleep()
    return "left"


def _leave_a_session() -> str:
    if os.fork() == 0:
        try:
            os.setsid()
        finally:
            _sleep()
    return "left"


def _allocate() -> str:
    return str(len([bytearray(10_000_000) for _ in range(1_000)]))


def _allocate_natively() -> str:
    _libc.malloc.restype = ctypes.c_void_p
    while block := _libc.malloc(10_000_000):
        ctypes.memset(block, 1, 10_000_000)
    os.write(2, b"memory allocation of 10000000 bytes failed")
    os.abort()


def _segfault() -> str:
    return str(ctypes.string_at(0))


def _be_killed() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def _exit() -> str:
    os._exit(0)


def _raise() -> str:
    raise RuntimeError("/a/path")


def _print() -> str:
    sys.stdout.write("noise")
    sys.stdout.flush()
    os.write(1, b"more noise")
    os.write(2, b"and more" * 100_000)
    return "printed"


def _tried(*attempts: object) -> str:
    said = []
    for attempt in attempts:
        assert callable(attempt)
        try:
            said.append(f"done {attempt()}")
        except OSError as error:
            said.append(type(error).__name__)
    return " ".join(said)


ACTS: dict[str, Callable[[], str]] = {
    "loop": _loop,
    "loop-unmoved": _loop_unmoved,
    "sleep": _sleep,
    "close-and-sleep": _close_and_sleep,
    "leave-a-process": _leave_a_process,
    "leave-a-session": _leave_a_session,
    "allocate": _allocate,
    "allocate-natively": _allocate_natively,
    "segfault": _segfault,
    "be-killed": _be_killed,
    "exit": _exit,
    "print": _print,
    "raise": _raise,
    "connect": lambda: _tried(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1)),
    "run": lambda: _tried(lambda: subprocess.run(["/bin/true"], check=True)),
    "write": lambda: _tried(lambda: Path("/tmp/corpusmith-was-here").write_text("x")),
    "look-around": lambda: _tried(
        lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(), lambda: Path("/etc/hostname").read_bytes()
    ),
    "environment": lambda: " ".join(sorted(os.environ)),
    "echo": lambda: "echo",
}


def parse(file: BinaryIO, name: str) -> Parsed:
    return Parsed(text=ACTS[name](), media_type="text/plain")


if __name__ == "__main__":
    serve(parse)
