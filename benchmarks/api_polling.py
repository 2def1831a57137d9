"""Polling a dataset while it generates: latency at a constant rate, then how much one API process can answer.

    python -m benchmarks.api_polling [--rate 200 --seconds 20] [--latency-ms 50] [--database postgresql://...]

The load is open-loop: request i is due at i/rate whatever became of the others, and its latency counts from then, so a
stall of the server is seen by every request that it delays. Client, API, worker and fake model share the machine.
"""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx

from benchmarks import measure
from benchmarks.measure import Service
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import wait

CONNECTIONS = 16  # of the saturation tests, which are closed-loop
WARM_UP_SECONDS = 3.0
BURST = 100  # polls at the same moment, as after a short stall
PATIENCE = aiohttp.ClientTimeout(total=10)  # an answer that takes longer counts as an error
PEERS = {"fastapi_hello_world_rps_a_worker": "2000 to 3200 (published, other machines)"}


@dataclass
class Seen:
    """What came of one phase."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    etag: str = ""

    def figures(self) -> dict[str, Any]:
        wrong = sum(n for status, n in self.statuses.items() if status not in (200, 304)) + self.errors.total()
        return {
            **measure.milliseconds(self.latencies),
            "requests": len(self.latencies) + self.errors.total(),
            "errors": wrong,
            "statuses": dict(self.statuses) | dict(self.errors),
        }


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the two phases")
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--slots", type=int, default=64)
    options = parser.parse_args()
    folder = measure.new_folder("polling")
    with (
        FakeModel(latency_ms=options.latency_ms, slots=options.slots) as model,
        Service(folder, model_url=model.url, database_url=options.database, lease_seconds=60) as service,
    ):
        # More work than the whole run can do: 1,280 calls a second would be the fake model's own limit.
        seconds = 2 * options.seconds + 40
        contexts = int(options.slots / (options.latency_ms / 1000) * seconds / 16)
        corpus = service.corpus({"ferries.txt": ferries(min(contexts, 6000))})
        dataset = service.dataset(corpus, **measure.STANDARD)
        wait(lambda: service.get(dataset)["usage"]["calls"] > 100, 120)
        figures = asyncio.run(_load(service, model, dataset, options))
        generating = _insist(lambda: service.get(dataset))["status"] == "generating"
        _insist(lambda: service.ok(service.http.post(f"/v1/datasets/{dataset}/cancel")))
        wait(lambda: model.stats()["running"] == 0, 20)
        time.sleep(1)
        figures |= asyncio.run(_idle(service, dataset))
    figures["generating_throughout"] = generating
    measure.report("api_polling", options, figures)


async def _load(service: Service, model: FakeModel, dataset: str, options: argparse.Namespace) -> dict[str, Any]:
    url = f"http://127.0.0.1:{service.port}/v1/datasets/{dataset}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=PATIENCE) as session:
        await _constant(session, url, options.rate, WARM_UP_SECONDS, conditional=False)
        before, start = model.stats()["replies"], time.perf_counter()
        api = service.processes["api"].pid
        cpu = measure.cpu_seconds(api)
        plain = await _constant(session, url, options.rate, options.seconds, conditional=False)
        cpu_ms = 1000 * (measure.cpu_seconds(api) - cpu) / max(1, len(plain.latencies))
        conditional = await _constant(session, url, options.rate, options.seconds, conditional=True)
        calls_per_s = (model.stats()["replies"] - before) / (time.perf_counter() - start)
        status = await _saturate(session, url, {})
        unchanged = await _saturate(session, url, {"If-None-Match": "*"})
        alive = await _saturate(session, f"http://127.0.0.1:{service.port}/healthz", {})
    return {
        "rate": options.rate,
        "seconds": options.seconds,
        "calls_per_s_meanwhile": round(calls_per_s, 1),
        "polling": plain.figures(),
        "polling_with_etag": conditional.figures(),
        "api_cpu_ms_per_poll": round(cpu_ms, 2),
        "while_generating_rps": {"status": status, "304": unchanged, "healthz": alive},
        "targets": {
            "p50_ms": measure.judged(plain.figures().get("p50_ms", 1e9), 10, at_most=True),
            "p99_ms": measure.judged(plain.figures().get("p99_ms", 1e9), 50, at_most=True),
            "errors": measure.judged(plain.figures()["errors"] + conditional.figures()["errors"], 0, at_most=True),
        },
        "peers": PEERS,
    }


async def _idle(service: Service, dataset: str) -> dict[str, Any]:
    """How much the API answers when nothing else runs; `healthz` is the bound: the same process, no database."""
    url = f"http://127.0.0.1:{service.port}/v1/datasets/{dataset}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=PATIENCE) as session:
        alive = await _saturate(session, f"http://127.0.0.1:{service.port}/healthz", {})
        status = await _saturate(session, url, {})
        unchanged = await _saturate(session, url, {"If-None-Match": "*"})
        burst = await _constant(session, url, 1e6, BURST / 1e6, conditional=False)
    return {
        "burst": burst.figures(),
        "alone_rps": {"status": status, "304": unchanged, "healthz": alive},
        "alone_status_of_healthz": round(status / max(1.0, alive), 3),
        "targets_alone": {
            "status_rps": measure.judged(status, 800),
            "304_rps": measure.judged(unchanged, 1200),
            "burst_errors": measure.judged(burst.figures()["errors"], 0, at_most=True),
        },
    }


async def _constant(
    session: aiohttp.ClientSession, url: str, rate: float, seconds: float, *, conditional: bool
) -> Seen:
    """`rate` requests a second for `seconds`, each on its own time."""
    seen = Seen()
    start = time.perf_counter() + 0.1
    tasks = []
    for i in range(round(rate * seconds)):
        due = start + i / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        tasks.append(asyncio.create_task(_one(session, url, due, seen, conditional)))
    await asyncio.gather(*tasks)
    return seen


async def _one(session: aiohttp.ClientSession, url: str, due: float, seen: Seen, conditional: bool) -> None:
    headers = {"If-None-Match": seen.etag} if conditional and seen.etag else {}
    try:
        async with session.get(url, headers=headers) as response:
            await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        seen.errors[type(error).__name__] += 1
        return
    seen.latencies.append(time.perf_counter() - due)
    seen.statuses[response.status] += 1
    seen.etag = response.headers.get("ETag", "")


async def _saturate(session: aiohttp.ClientSession, url: str, headers: dict[str, str], seconds: float = 4.0) -> float:
    """Good answers a second over 16 connections, each asking again as soon as it has its answer."""
    done, start = 0, time.perf_counter()
    end = start + seconds

    async def ask() -> None:
        nonlocal done
        while time.perf_counter() < end:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(url, headers=headers) as response:
                    await response.read()
                    done += response.status in (200, 304)

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return round(done / (time.perf_counter() - start), 1)


def _insist(act: Callable[[], Any], seconds: float = 90.0) -> Any:
    """What `act` returns, once the API answers it: it may be stuck in the requests of the phase before."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (AssertionError, httpx.TransportError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


if __name__ == "__main__":
    main()
