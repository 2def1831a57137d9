"""The whole service as real processes: broker, API, workers, beat; each can be killed and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from app import migrate
from app.settings import Settings
from app.stack import valkey
from tests.nursery import ROOT, Part

FINAL = ("succeeded", "failed", "cancelled")
SECRET = "sk-not-for-any-log"
WINDOW = 64  # calls in flight at most, where a test counts what the death of a worker costs


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """`with Service(folder, model_url=fake.url) as service:`; `service.http` is a client of its API."""

    forked = True  # from an interpreter with all imports done; else each part is a new one, which reads its environment

    def __init__(
        self,
        folder: Path,
        *,
        model_url: str,
        database_url: str = "",
        llm_workers: int = 1,
        gpu_workers: int = 0,
        **settings: object,
    ) -> None:
        self.folder, self.port = folder, free_port()
        self.database_url = database_url or f"sqlite:///{folder / 'corpusmith.db'}"
        fast = {
            "lease_seconds": 3,
            "sweep_seconds": 1,
            "drain_idle_seconds": 1,
            "model_probe_seconds": 0.3,
            "generator_url": model_url,
            "generator_model": "fake",
            "generator_api_key": SECRET,
            "database_url": self.database_url,
            "data_dir": folder,
        } | settings
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CORPUSMITH_")}
        self.env = clean | {f"CORPUSMITH_{name.upper()}": str(value) for name, value in fast.items()}
        self.env |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self.llm_names = [f"llm{i + 1}" for i in range(llm_workers)]
        self.gpu_names = [f"gpu{i + 1}" for i in range(gpu_workers)]
        self.processes: dict[str, subprocess.Popen[bytes] | Part] = {}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)

    def command(self, name: str) -> list[str]:
        """What this part is, after `python -m`."""
        worker = ["celery", "-A", "workers.celery_app", "worker", "--loglevel", "WARNING", "--without-gossip"]
        worker += ["--without-mingle", "-n", f"{name}@%h"]
        if name == "api":
            serve = ["uvicorn", "app.main:create_app", "--factory", "--no-access-log", "--port", str(self.port)]
            return [*serve, "--timeout-graceful-shutdown", "2"]
        if name.startswith("beat"):
            schedule = ["-s", str(self.folder / name), "--pidfile=", "--loglevel", "WARNING"]
            return ["celery", "-A", "workers.celery_app", "beat", *schedule]
        if name == "cpu":
            return [*worker, "-Q", "cpu", "-c", "1"]
        if name.startswith("gpu"):
            return [*worker, "-Q", "gpu", "--pool", "threads", "-c", "1", "-I", "workers.train"]
        return [*worker, "-Q", "llm", "--pool", "threads", "-c", "1", "-I", "workers.drain"]

    @property
    def names(self) -> list[str]:
        return ["valkey", "api", "cpu", *self.llm_names, *self.gpu_names, "beat"]

    def start(self, *names: str) -> None:
        """Start these parts (all of them by default) and wait until broker and API answer."""
        for name in names or self.names:
            if name == "valkey":
                self.processes[name] = self._open(name, valkey.prepare(self.folder))
                wait(lambda: valkey.answers(self.folder), 20)
            elif self.forked:
                self.processes[name] = Part(*self.command(name), env=self.env, log=self.folder / f"{name}.log")
            else:
                self.processes[name] = self._open(name, [sys.executable, "-m", *self.command(name)])
        if "api" in (names or self.names):
            wait(self._api_answers, 60)

    def _open(self, name: str, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(argv, env=self.env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    def _api_answers(self) -> bool:
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self, *names: str) -> None:
        """kill -9 of these parts and all their children."""
        for name in names or self.names:
            process = self.processes.pop(name, None)
            if process is not None:
                kill_tree(process.pid)
                process.wait()

    def stop(self) -> None:
        """Ask everything to end, then make it."""
        for name in reversed(self.names):
            if process := self.processes.get(name):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        self.kill()

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        migrate.upgrade(self.settings().database_url)
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        self.http.close()
        if error is not None:
            for name in self.names:
                print(f"--- {name}.log\n{self.log(name)[-3000:]}", file=sys.stderr)  # noqa: T201

    def settings(self) -> Settings:
        """The settings its processes have."""
        return Settings(data_dir=self.folder, database_url=self.database_url)

    # What tests do with it.

    def corpus(self, documents: dict[str, bytes], name: str = "test") -> str:
        """A new corpus with these documents; its id."""
        corpus_id: str = self.ok(self.http.post("/v1/corpora", json={"name": name}))["id"]
        for document, data in documents.items():
            self.ok(self.http.put(f"/v1/corpora/{corpus_id}/documents/{document}", content=data))
        return corpus_id

    def dataset(self, corpus_id: str, **wanted: Any) -> str:
        dataset_id: str = self.ok(self.http.post("/v1/datasets", json={"corpus_id": corpus_id} | wanted))["id"]
        return dataset_id

    def get(self, dataset_id: str) -> dict[str, Any]:
        return self.ok(self.http.get(f"/v1/datasets/{dataset_id}"))

    def finished(self, dataset_id: str, seconds: float = 90) -> dict[str, Any]:
        """The dataset, once it has ended."""
        wait(lambda: self.get(dataset_id)["status"] in FINAL, seconds, lambda: str(self.get(dataset_id)))
        return self.get(dataset_id)

    def samples(self, dataset_id: str, **filters: str) -> list[dict[str, Any]]:
        """All rows, page by page."""
        return list(self._pages(f"/v1/datasets/{dataset_id}/samples", filters))

    def _pages(self, path: str, filters: dict[str, str]) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            page = self.ok(self.http.get(path, params={"limit": "100", **filters, **after}))
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"after": page["last_id"]}

    def exported(self, dataset_id: str, **wanted: Any) -> dict[str, Any]:
        """A finished export."""
        export = self.ok(self.http.post(f"/v1/datasets/{dataset_id}/exports", json=wanted))
        path = f"/v1/exports/{export['id']}"
        wait(lambda: self.ok(self.http.get(path))["status"] in FINAL, 60)
        return self.ok(self.http.get(path))

    @staticmethod
    def ok(response: httpx.Response) -> dict[str, Any]:
        assert response.status_code < 300, f"{response.status_code}: {response.text}"
        found: dict[str, Any] = response.json()
        return found


def wait(true: Callable[[], bool], seconds: float, describe: Callable[[], str] = lambda: "") -> None:
    """Until `true()`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s. {describe()}"
        time.sleep(0.1)


def kill_tree(pid: int) -> None:
    """kill -9 a process and all that it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
