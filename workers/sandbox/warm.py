"""The keeper of a walled-in process: starts it with its file, asks one thing at a time, replaces it when it is lost."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import orjson

from workers.parse import wire
from workers.sandbox.warm_child import PATIENCE

_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
_GRACE_SECONDS = 5.0  # beyond the limit which the other side keeps by itself
_START_SECONDS = 60.0


# Where it lies, or what brings it there for as long as it is read.
File = Path | Callable[[], AbstractContextManager[Path]]


class Lost(Exception):
    """The process could not be started, or ended twice on the same request."""


class Warm:
    """One walled-in process of `module`, begun with `setup` and the bytes of `file`. Safe for threads.

    It ends by itself when nothing is asked of it for some minutes, and is started anew when something is. `readable`:
    folders that it may read.
    """

    def __init__(self, module: str, setup: dict[str, Any], file: File, readable: Sequence[Path] = ()) -> None:
        self._module, self._setup, self._readable = module, setup, [str(one) for one in readable]
        self._file = (lambda: nullcontext(file)) if isinstance(file, Path) else file
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._lock = threading.Lock()

    def ask(self, request: dict[str, Any]) -> Any:
        """The reply to `request`, which says how many `seconds` and `memory_bytes` it may use. Raises Lost."""
        with self._lock:
            for _ in range(2):  # the process may have died since the last request, of something else
                try:
                    channel = self._open()
                    wire.send(channel, orjson.dumps(request))
                    return self._receive(channel, PATIENCE * float(request["seconds"]) + _GRACE_SECONDS)
                except (wire.Closed, wire.Silent):
                    self._close()
            raise Lost(f"{self._module} ended without a reply")

    def _open(self) -> socket.socket:
        if self._channel is not None and self._process is not None and self._process.poll() is None:
            return self._channel
        self._close()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-B", "-s", "-m", self._module, str(theirs.fileno()), *self._readable],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd=_ROOT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._channel = ours
        with self._file() as path, path.open("rb") as file:
            wire.send(ours, orjson.dumps(self._setup), file.fileno())
            ready = self._receive(ours, _START_SECONDS)
        if "ready" not in ready:
            raise Lost(str(ready))
        return ours

    @staticmethod
    def _receive(channel: socket.socket, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        try:
            (size,) = wire.LENGTH.unpack(wire.exactly(channel, wire.LENGTH.size, deadline))
            return orjson.loads(wire.exactly(channel, size, deadline))
        except OSError as error:
            raise wire.Closed from error

    def close(self) -> None:
        """End the process. The next request starts a new one."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._channel = self._process = None
