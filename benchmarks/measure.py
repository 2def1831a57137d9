"""What the benchmarks measure with: the disk, memory and CPU of processes, percentiles, and the JSON line."""

import argparse
import json
import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

import psutil

from app import catalog
from tests import service

# Every gate open and one context a paragraph: then a context is 16 calls and nothing is left to chance.
GATES = tuple(catalog.TASKS["grounded_qa"].gates)
STANDARD: dict[str, Any] = {
    "gates": dict.fromkeys(GATES, 0),
    "chunking": {"splitter": "recursive", "size": 400},
    "grouping": {"min_quality": 0},
}


class Service(service.Service):
    """The whole service, each part by an interpreter of its own as in production: imports count too."""

    forked = False


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with the option that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="", help="URL of an empty PostgreSQL database; empty: SQLite")
    return parser


def new_folder(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"corpusmith-{name}-"))


def report(benchmark: str, options: argparse.Namespace, figures: dict[str, Any]) -> None:
    """Print the benchmark's one line, with what it ran on."""
    machine = {"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 2)}
    database = "postgresql" if options.database else "sqlite"
    print(json.dumps({"benchmark": benchmark, "database": database, "machine": machine} | figures))  # noqa: T201


def fdatasyncs_per_second(folder: Path, seconds: float = 0.5, *, in_place: bool = False) -> float:
    """How often the disk makes 4 KiB durable, one after the other: median of three runs.

    A file that grows also needs its length written (what a new blob costs); `in_place` overwrites (what a
    preallocated log costs, as PostgreSQL keeps it).
    """
    rates = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
        for _ in range(3):
            done, start = 0, time.perf_counter()
            while time.perf_counter() - start < seconds:
                if in_place:
                    os.lseek(file.fileno(), 0, os.SEEK_SET)
                os.write(file.fileno(), b"x" * 4096)
                os.fdatasync(file.fileno())
                done += 1
            rates.append(done / (time.perf_counter() - start))
    return round(median(rates), 1)


def copy_megabytes_per_second(source: Path, folder: Path) -> float:
    """How fast a file is read and written again, with one fsync at the end: median of three."""
    rates = []
    for _ in range(3):
        with source.open("rb") as reader, tempfile.NamedTemporaryFile(dir=folder) as writer:
            start = time.perf_counter()
            while data := reader.read(1024 * 1024):
                writer.write(data)
            writer.flush()
            os.fsync(writer.fileno())
            rates.append(source.stat().st_size / 1e6 / (time.perf_counter() - start))
    return round(median(rates), 1)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of one value at least."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p99 and the largest, in ms; empty if there is nothing to tell."""
    shares = {"p50_ms": 0.50, "p99_ms": 0.99, "max_ms": 1.0} if seconds else {}
    return {name: round(1000 * percentile(seconds, share), 2) for name, share in shares.items()}


def family(pid: int) -> Iterator[psutil.Process]:
    """The process and all that it started, and are still there."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        yield parent
        yield from parent.children(recursive=True)


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and all below it, those included that have ended and were waited for."""
    spent = 0.0
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent += times.user + times.system + times.children_user + times.children_system
    return spent


class PeakRss:
    """`with PeakRss(pid) as rss:` samples the largest member of a process family 10 times a second, in MiB."""

    def __init__(self, pid: int) -> None:
        self.pid, self.before, self.peak = pid, 0.0, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _now(self) -> float:
        found = [0.0]
        for process in family(self.pid):
            with suppress(psutil.NoSuchProcess):
                found.append(process.memory_info().rss / 2**20)
        return round(max(found), 1)

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.peak = max(self.peak, self._now())

    def __enter__(self) -> Self:
        self.before = self.peak = self._now()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self.peak = max(self.peak, self._now())


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """`with stopwatch() as took: ...`; then took[0] is the seconds."""
    took: list[float] = []
    start = time.perf_counter()
    try:
        yield took
    finally:
        took.append(time.perf_counter() - start)


def judged(value: float, target: float, *, at_most: bool = False) -> dict[str, Any]:
    """A figure beside its target."""
    met = value <= target if at_most else value >= target
    return {"value": value, "target": f"{'<=' if at_most else '>='} {target:g}", "met": met}
