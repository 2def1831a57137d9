"""Starts `python -m MODULE ...` as a process of its own that need not import everything anew.

Four seconds of every five that a service takes to start are imports, and most of a test run was that. Here they are
done once, in multiprocessing's fork server; a part is forked from it, and then runs what `python -m` would run, with
its own environment, session and log. Nothing preloaded may read settings or start a thread.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parent.parent
PRELOADED = (
    "app.main",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "kombu.transport.redis",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "tests.nursery",
    "uvicorn.loops.auto",
    "uvicorn.main",
    "uvicorn.protocols.http.auto",
    "workers.clock",
    "workers.drain",
    "workers.export",
    "workers.finish",
    "workers.intake",
    "workers.plan",
    "workers.sweep",
)
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(PRELOADED))


class Part:
    """A started process, with what tests use of `subprocess.Popen`."""

    def __init__(self, module: str, *argv: str, env: Mapping[str, str], log: Path) -> None:
        log.touch()
        # As many threads for numpy's linear algebra as the parts have: that is settled when it is imported.
        with mock.patch.dict(os.environ, {"OMP_NUM_THREADS": "1"}):
            forkserver.ensure_running()
        # A daemon to multiprocessing: it is ended, and not waited for, when a test run ends without it.
        self._process = _context.Process(target=_become, args=(module, argv, dict(env), str(log)), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """As `Popen` has it: minus the number of the signal that ended it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The return code. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _become(module: str, argv: tuple[str, ...], env: dict[str, str], log: str) -> None:
    """In the child: all that a new process would have, and then the module."""
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.close(out)
    sys.argv = [module, *argv]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing leaves them out
