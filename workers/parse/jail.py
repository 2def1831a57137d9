"""The keeper of the jailed process: hands it documents, waits no longer than allowed, replaces it when it is lost."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pydantic import ValidationError

from app.domain import Parsed
from workers.parse import wire
from workers.parse.failure import ParseFailed

_GRACE_SECONDS = 15.0  # beyond the limit which the jailed side keeps by itself: its start, and a large reply
_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "RAYON_NUM_THREADS": "1", "TOKIO_WORKER_THREADS": "1"}


class Limits(Protocol):
    """What one document may use; `app.settings.Settings` has it."""

    parse_cpu_seconds: int
    parse_wall_seconds: int
    parse_memory_bytes: int


class Jail:
    """Keeps one jailed process for many documents. For one thread at a time; opens nothing before the first document.

    The process is a plain subprocess and not multiprocessing, since Celery's own processes may not have children there.
    Its environment holds no secrets and its standard streams lead nowhere.
    """

    def __init__(self, limits: Limits, *, child: str = "workers.parse.child") -> None:
        self._limits, self._child = limits, child
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def parse(self, path: Path, name: str) -> Parsed:
        """The text of the file at `path`, which its owner calls `name`. Raises ParseFailed, and OSError."""
        limits = self._limits
        task = wire.Task(
            name=name,
            cpu_seconds=limits.parse_cpu_seconds,
            wall_seconds=limits.parse_wall_seconds,
            memory_bytes=limits.parse_memory_bytes,
        )
        with path.open("rb") as file:
            try:
                reply = self._ask(task, file.fileno())
            except wire.Closed:
                # A document only ends its own fork: something else did this, and the document is not to pay for it.
                reply = self._ask_last(task, file.fileno())
        if reply.parsed is not None:
            return reply.parsed
        raise ParseFailed(reply.reason or "parse_crash", reply.detail)

    def _ask_last(self, task: wire.Task, document: int) -> wire.Reply:
        try:
            return self._ask(task, document)
        except wire.Closed as closed:
            raise ParseFailed("parse_crash", "The parser crashed on this document.") from closed

    def _ask(self, task: wire.Task, document: int) -> wire.Reply:
        channel = self._open()
        os.lseek(document, 0, os.SEEK_SET)
        try:
            wire.send(channel, task.model_dump_json().encode(), document)
            return wire.receive_reply(channel, time.monotonic() + task.wall_seconds + _GRACE_SECONDS)
        except wire.Silent as silence:
            self.close()
            raise ParseFailed("parse_timeout", "The document took too long to parse.") from silence
        except ValidationError as nonsense:
            self.close()
            raise ParseFailed("parse_crash", "The parser crashed on this document.") from nonsense
        except BaseException:
            self.close()  # a reply that nobody read would be taken for the next document's
            raise

    def _open(self) -> socket.socket:
        if self._channel is not None and self._process is not None and self._process.poll() is None:
            return self._channel
        self.close()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-B", "-s", "-m", self._child, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd=_ROOT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._channel = ours
        return ours

    def close(self) -> None:
        """End the jailed process. The next document starts a new one."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._channel = self._process = None
