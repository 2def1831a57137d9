"""Starts the parts of the stack, keeps them alive, and stops them in reverse order."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from app.stack import guard

BACK_OFF_FIRST, BACK_OFF_MAX, LONG_LIFE = 0.5, 30.0, 60.0


@dataclass(frozen=True)
class Part:
    """One program to keep running."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready: Callable[[], bool] | None = None
    """Asked until it says yes; None: ready as soon as it runs. It must return within seconds."""
    restart: bool = True
    healthy: Callable[[], bool] | None = None
    """Asked after that; None: `ready` is asked again."""
    start_seconds: float = 120.0
    """A part that is not ready by then is restarted."""
    check_seconds: float = 3.0
    failures: int = 5
    """So many bad answers in a row and it is restarted: the process may live and yet hang."""
    grace_seconds: float = 10.0


@dataclass
class Running:
    """What is known of a part at this moment."""

    part: Part
    state: Literal["starting", "ready", "waiting", "stopped"] = "starting"
    detail: str = ""
    """Why it is not ready, for people."""
    restarts: int = 0
    pid: int | None = None
    """The part's own process; its guard is the parent."""
    process: subprocess.Popen[bytes] | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    keeper: threading.Thread | None = None

    def find_pid(self) -> None:
        """Wait for `pid`, which the guard makes as soon as it runs itself."""
        until = time.monotonic() + 5.0
        while self.pid is None and self.process is not None and self.process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                children = psutil.Process(self.process.pid).children()
                self.pid = min(children, key=lambda child: child.create_time()).pid if children else None
            if time.monotonic() > until or self.stopping.wait(0.02):
                return


class Supervisor:
    """Parts by name, each kept by a thread of its own. `hold` are descriptors that live as long as any part does."""

    def __init__(
        self, log_dir: Path, on_change: Callable[[Running], None] = lambda running: None, hold: tuple[int, ...] = ()
    ) -> None:
        self._log_dir, self._on_change, self._hold = log_dir, on_change, hold
        self._running: dict[str, Running] = {}
        self._mutex = threading.Lock()
        self._stopped = self._hurry = False

    @property
    def parts(self) -> list[Running]:
        with self._mutex:
            return list(self._running.values())

    def start(self, part: Part) -> None:
        """Start it and keep it alive. Does nothing after `stop`."""
        running = Running(part)
        with self._mutex:
            if self._stopped:
                return
            self._running[part.name] = running
        self._log_dir.mkdir(parents=True, exist_ok=True)
        log = self._log_dir / f"{part.name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        running.keeper = threading.Thread(target=self._keep, args=(running, log), name=f"keep-{part.name}", daemon=True)
        running.keeper.start()

    def stop(self) -> None:
        """Stop all parts, the last one first, and return when no process of theirs is left."""
        with self._mutex:
            self._stopped = True
        for running in reversed(self.parts):
            running.stopping.set()
            self._end(running)
            if running.keeper is not None:
                running.keeper.join(timeout=5.0)

    def hurry(self) -> None:
        """Let `stop` give no more grace. Takes no lock, so that a signal handler may call it."""
        self._hurry = True

    def _keep(self, running: Running, log: Path) -> None:
        part, wait = running.part, BACK_OFF_FIRST
        while not running.stopping.is_set():
            began = time.monotonic()
            if self._spawn(running, log):
                self._watch(running)
                self._end(running)
            if running.stopping.is_set() or not part.restart:
                break
            wait = BACK_OFF_FIRST if time.monotonic() - began > LONG_LIFE else wait
            status = running.process.returncode if running.process else None
            why = running.detail or f"ended with status {status}"
            self._say(running, "waiting", f"{why}; starts again in {wait:g} s, see {log}")
            running.stopping.wait(wait)
            wait = min(wait * 2, BACK_OFF_MAX)
            running.restarts += 1
        self._say(running, "stopped")

    def _spawn(self, running: Running, log: Path) -> bool:
        part = running.part
        running.pid = None
        try:
            with log.open("ab") as out, self._mutex:
                if running.stopping.is_set():
                    return False
                running.process = subprocess.Popen(
                    guard.command(part.grace_seconds, part.argv),
                    env=dict(part.env),
                    stdin=subprocess.PIPE,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    pass_fds=self._hold,
                    start_new_session=True,
                )
        except OSError as error:  # no memory, no descriptors, no disk: these pass
            running.detail = f"could not be started: {error}"
            return False
        running.find_pid()
        self._say(running, "starting")
        return True

    def _watch(self, running: Running) -> None:
        """Return when the part has ended or must be restarted."""
        part, failed, began = running.part, 0, time.monotonic()
        while not running.stopping.is_set() and running.process is not None and running.process.poll() is None:
            running.find_pid()
            check = part.ready if running.state == "starting" else part.healthy or part.ready
            good = running.pid is not None and (check is None or check())
            if running.state == "starting":
                if good:
                    self._say(running, "ready")
                elif time.monotonic() - began > part.start_seconds:
                    running.detail = f"was not ready within {part.start_seconds:g} s"
                    return
            else:
                failed = 0 if good else failed + 1
                if failed >= part.failures:
                    running.detail = f"did not answer {failed} times in a row"
                    return
            self._pause(running, 0.2 if running.state == "starting" else part.check_seconds)

    def _pause(self, running: Running, seconds: float) -> None:
        """Sleep, but wake up when the part ends."""
        until = time.monotonic() + seconds
        while running.process is not None and running.process.poll() is None and time.monotonic() < until:
            if running.stopping.wait(min(0.1, seconds)):
                return

    def _end(self, running: Running) -> None:
        """Have the guard stop its part; where the guard itself does not do it, kill the part's group."""
        process = running.process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
        until = time.monotonic() + running.part.grace_seconds + 5.0
        while process.poll() is None and time.monotonic() < until:
            if self._hurry and running.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(running.pid, signal.SIGKILL)  # its guard kills the rest
            time.sleep(0.02)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.returncode < 0 and running.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()

    def _say(
        self, running: Running, state: Literal["starting", "ready", "waiting", "stopped"], detail: str = ""
    ) -> None:
        running.state, running.detail = state, detail
        self._on_change(running)
