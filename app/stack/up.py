"""The whole product on one machine: starts every part, keeps it alive, and stops it."""

import ipaddress
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil
from sqlalchemy.orm import Session

from app.settings import Settings
from app.stack import guard, models, parts, running
from app.stack.errors import StackError
from app.stack.packaged import PACKAGED
from app.stack.sockets import free_port, make_private, port_is_free, socket_path
from app.stack.supervisor import Part, Running, Supervisor

DEFAULT_GENERATOR = "qwen2.5-coder-1.5b"
LOCAL_PATIENCE = {"call_idle_timeout_seconds": 1800.0}  # sixteen calls may share a CPU that writes ten tokens a second
Report = Callable[[str], None]


def run(
    settings: Settings,
    *,
    generator: str | None = DEFAULT_GENERATOR,
    host: str = "127.0.0.1",
    port: int = 8321,
    llm_workers: int = 1,
    cpu_concurrency: int = 2,
    train: bool = True,
    report: Report = print,
    stop: threading.Event | None = None,
) -> None:
    """Run until SIGINT or SIGTERM, or until `stop` is set. StackError when it cannot start.

    `generator` is a local model; settings.generator_url, where set, is used instead of it. Port 0 takes a free one.
    `train`: a worker for fine-tuning runs, too.
    """
    stop = stop or threading.Event()
    local = None if settings.generator_url else generator
    known = models.expected(local, settings.cache_dir) if local else None
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in ("run", "logs"):
        make_private(settings.data_dir / folder)
    lock = running.take_lock(settings.data_dir, report)
    try:
        port, model_port = _api_port(host, port), free_port()
        url = f"http://{_reachable(host)}:{port}"
        up = running.UpFile(settings.data_dir, url=url, ports={"api": port, "model": model_port if local else None})
        try:
            _prepare_database(settings, host, report)
            stack = _Stack(settings, lock, up, stop, report, url)
            with _signals(stack.on_signal):
                stack.run(local, known, (host, port, model_port), llm_workers, cpu_concurrency, train)
        finally:
            up.remove()
    finally:
        os.close(lock)


class _Stack:
    """What one run shares between its threads."""

    def __init__(
        self, settings: Settings, lock: int, up: running.UpFile, stop: threading.Event, report: Report, url: str
    ) -> None:
        self._settings, self._up, self._stop, self._report, self._url = settings, up, stop, report, url
        self._failure: Exception | None = None
        self._signalled = False
        self.supervisor = Supervisor(settings.data_dir / "logs", self._changed, hold=(lock,))

    def run(
        self,
        local: str | None,
        known: models.LocalModel | None,
        address: tuple[str, int, int],
        llm_workers: int,
        cpu_concurrency: int,
        train: bool,
    ) -> None:
        """Start the parts, wait for the end, stop them."""
        (host, port, model_port), settings = address, self._settings
        settings = settings.model_copy(update={"host": host, "port": port})
        if local:
            settings = settings.model_copy(update=_of_local_model(settings, local, known, model_port))
        settings = settings.model_copy(update={"base_models": _base_models(settings, local, known)})
        env = parts.environment(settings)
        crew = parts.workers(env, settings.data_dir, llm_workers, cpu_concurrency, train=train)

        def prepare() -> None:
            """The model server, and the workers, which count tokens with its files: at once unless it is new here."""
            try:
                if local:
                    model = models.ensure(local, settings.cache_dir, self._report)
                    self._start(parts.model(model, settings, model_port, self._report))
                self._start(*crew)
            except Exception as error:  # raised again by the thread that waits
                if not self._stop.is_set():  # else it failed because we are ending
                    self._failure = error
                    self._stop.set()

        thread = threading.Thread(target=prepare, name="prepare-model", daemon=True)
        try:
            if settings.broker_url == f"redis+socket://{socket_path(settings.data_dir)}":
                self._start(parts.broker(settings.data_dir))
                self._wait_for("valkey")
            self._start(parts.api(env, host, port, self._url))
            thread.start()
            while not self._ending():
                time.sleep(0.1)
        finally:
            self._report("Stopping")
            self.supervisor.stop()
            _end_preparation()
            if thread.ident:
                thread.join(timeout=10.0)
        if self._failure:
            raise self._failure
        self._report("Stopped")

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first one asks for an orderly end, the second does not wait for it. Takes no lock: it may be held."""
        if self._signalled:
            self.supervisor.hurry()
        self._signalled = True

    def _ending(self) -> bool:
        if self._signalled:
            self._stop.set()
        return self._stop.is_set()

    def _start(self, *wanted: Part) -> None:
        for part in wanted:
            self.supervisor.start(part)

    def _wait_for(self, name: str) -> None:
        while not self._ending() and (name, "ready") not in [(r.part.name, r.state) for r in self.supervisor.parts]:
            time.sleep(0.05)

    def _changed(self, now: Running) -> None:
        name, facts = now.part.name, {"pid": now.pid, "state": now.state, "restarts": now.restarts}
        try:
            self._up.part(name, detail=now.detail, **facts)
        except OSError as error:  # a full disk must not end the supervision
            self._report(f"up.json could not be written: {error}")
        self._report(f"{name}: {now.state}" + (f" ({now.detail})" if now.detail else ""))
        if (name, now.state) == ("api", "ready"):
            self._report(f"Ready: {self._url}")


def _of_local_model(
    settings: Settings, local: str, known: models.LocalModel | None, port: int
) -> dict[str, str | float]:
    """The settings that follow from a model server of our own on this machine."""
    tokenizer = (known.tokenizer_dir or "") if known else settings.cache_dir / "models" / local
    patience = {} if "call_idle_timeout_seconds" in settings.model_fields_set else LOCAL_PATIENCE
    return {
        "generator_url": f"http://127.0.0.1:{port}/v1",
        "generator_model": known.name if known else local,
        "generator_tokenizer": str(tokenizer),
        **patience,
    }


def _base_models(settings: Settings, local: str | None, known: models.LocalModel | None) -> dict[str, str]:
    """What can be trained here: by the settings, packaged models that were made here, and the local generator."""
    folders = {name: settings.cache_dir / "models" / name for name in PACKAGED}
    packaged = {name: str(path) for name, path in folders.items() if path.exists() or name == local}
    own = {known.name: known.path} if known and not known.is_hub_id else {}
    return packaged | own | settings.base_models


def _end_preparation() -> None:
    """Stop a download or conversion that is still going on: such a child runs under a guard of ours, too."""
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if guard.__file__ in child.cmdline():
                child.terminate()


def _api_port(host: str, port: int) -> int:
    if port and not port_is_free(host, port):
        raise StackError(f"Port {port} on {host} is in use or not allowed: give another --port, or 0 for a free one")
    return port or free_port(host)


def _reachable(host: str) -> str:
    """Where to call a server that listens on `host`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _prepare_database(settings: Settings, host: str, report: Report) -> None:
    from app.db import make_engine
    from app.keys.service import any_active
    from app.migrate import upgrade

    report("Preparing the database")
    upgrade(settings.database_url)
    if _is_loopback(host):
        return
    engine = make_engine(settings.database_url)
    try:
        with Session(engine) as session:
            if not any_active(session):
                raise StackError(f"Listening on {host} needs an API key, and there is none: create one first")
    finally:
        engine.dispose()


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal go to `handler`, where this thread may decide that."""
    may = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if may else ()
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
