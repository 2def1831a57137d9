"""The stack that `corpusmith demo` works on: the one that runs already, or one started for it and stopped after it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.cli import address
from app.cli.failures import UNREACHABLE, Failure
from app.cli.service import Service
from app.cli.terminal import Terminal
from app.stack import guard
from app.stack.sockets import port_is_free

START_SECONDS = 120.0
STOP_SECONDS = 60.0


@contextmanager
def running(
    terminal: Terminal, url: str, api_key: str, data_dir: Path | None, up_options: list[str]
) -> Iterator[Service]:
    """A service that is ready. Raises Failure when it cannot be had."""
    settings = address.settings(**({"data_dir": data_dir} if data_dir else {}))
    if found := address.checked(url) if url else address.running(settings.data_dir):
        service = Service(found, api_key, terminal)
        with service.http:
            service.get("/readyz")
            terminal.note(f"Using the service at {found}")
            yield service
        return
    free = port_is_free(settings.host, settings.port)
    options = [*up_options, "--data-dir", str(settings.data_dir), *([] if free else ["--port", "0"])]
    with _started(terminal, options) as process:
        service = _ready(terminal, process, api_key, settings.data_dir)
        with service.http:
            yield service


@contextmanager
def _started(terminal: Terminal, options: list[str]) -> Iterator[subprocess.Popen[str]]:
    """`corpusmith up` under a guard: however this process ends, the stack ends too."""
    terminal.note("Starting `corpusmith up`, which is stopped at the end")
    process = subprocess.Popen(
        guard.command(STOP_SECONDS, [sys.executable, "-P", "-m", "app.cli", "up", *options]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # Ctrl-C is for us; we then stop it in order
    )
    relay = threading.Thread(target=_relay, args=(terminal, process), daemon=True)
    relay.start()
    try:
        yield process
    except KeyboardInterrupt:
        terminal.if_interrupted += " (once `corpusmith up` runs again)"
        raise
    finally:
        if process.poll() is None:
            terminal.note("Stopping `corpusmith up`")
        process.terminate()
        try:
            process.wait(2 * STOP_SECONDS)
        finally:  # on a second Ctrl-C, too: without its guard nothing of the stack stays
            process.kill()
        relay.join(5.0)


def _relay(terminal: Terminal, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        terminal.note(f"  up: {line.rstrip()}", "dim")


def _ready(terminal: Terminal, process: subprocess.Popen[str], api_key: str, data_dir: Path) -> Service:
    until = time.monotonic() + START_SECONDS
    while (url := address.running(data_dir)) is None or not _answers(Service(url, api_key, terminal)):
        if process.poll() is not None or time.monotonic() > until:
            raise Failure(UNREACHABLE, "not_started", "`corpusmith up` did not become ready; its last lines say why")
        time.sleep(0.3)
    service = Service(url, api_key, terminal)
    service.hopeless = lambda: process.poll() is not None
    return service


def _answers(service: Service) -> bool:
    with service.http:
        try:
            return bool(service.get("/readyz")["status"] == "ok")
        except Failure as failure:
            if failure.exit_code == UNREACHABLE:  # it is only starting
                return False
            raise
