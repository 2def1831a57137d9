"""How many durable calls a second one worker-llm process makes when the model answers at once, ledger included.

    python -m benchmarks.zero_latency [--contexts 400] [--repeat 3] [--database postgresql://...]

Beside it, from the same run: what the fake model itself answers to the same request (its own maximum), how many rows of
the ledger the database takes in groups of 100 from one plain writer, and how often the disk commits.
"""

import asyncio
import os
import time
from datetime import UTC, datetime
from statistics import median
from typing import Any

import aiohttp
import orjson
from sqlalchemy import Engine, func, insert, select

from app import prompts
from app.db import make_engine
from app.models import Call
from app.models.tenants import DEFAULT_TENANT
from benchmarks import measure
from benchmarks.measure import Service
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import wait

CALLS_A_CONTEXT = 16
PEERS = {"data_designer_calls_per_s": 82, "celery_messages_per_s": "154 to 1042 (published, other machines)"}


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--contexts", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    options = parser.parse_args()
    folder = measure.new_folder("zero")
    with (
        FakeModel(latency_ms=options.latency_ms) as model,
        Service(folder, model_url=model.url, database_url=options.database, lease_seconds=60) as service,
    ):
        engine = make_engine(service.settings().database_url)
        alone = asyncio.run(_fake_alone(model.url))
        runs = [_run(service, model, engine, options.contexts, i) for i in range(options.repeat)]
        writer = _writer_alone(engine)
        synced = measure.fdatasyncs_per_second(folder)
        in_place = measure.fdatasyncs_per_second(folder, in_place=True)
        engine.dispose()
    rate = median(run["calls_per_s"] for run in runs)
    target = 150 if options.database else 100
    figures = {
        "latency_ms": options.latency_ms,
        "calls_per_s": rate,
        "worker_cpu_ms_per_call": median(run["worker_cpu_ms_per_call"] for run in runs),
        "fake_cpu_ms_per_call": median(run["fake_cpu_ms_per_call"] for run in runs),
        "worker_rss_mib": max(run["worker_rss_mib"] for run in runs),
        "runs": runs,
        "fake_alone_calls_per_s": alone,
        "of_fake_alone": round(rate / alone, 3),
        "ledger_rows_per_s_in_groups_of_100": writer,
        "of_plain_writer": round(rate / writer, 3),
        "fdatasyncs_per_s": synced,
        "fdatasyncs_per_s_in_place": in_place,
        "calls_per_fdatasync": round(rate / (in_place if options.database else synced), 2),
        "targets": {"durable_calls_per_s": measure.judged(rate, target)},
        "peers": PEERS,
    }
    measure.report("zero_latency", options, figures)


def _run(service: Service, model: FakeModel, engine: Engine, contexts: int, seed: int) -> dict[str, Any]:
    """One dataset over a corpus of its own (another text, so that nothing is replayed)."""
    worker = service.processes["llm1"].pid
    own = f"This is the timetable of island {seed}, and of no other island. "
    body = b"\n\n".join(own.encode() + paragraph for paragraph in ferries(contexts).split(b"\n\n"))
    corpus = service.corpus({"a.txt": body})
    wait(lambda: service.ok(service.http.get(f"/v1/corpora/{corpus}"))["documents"].get("parsed", 0) == 1, 60)
    paid, cpu, model_cpu = _count(engine), measure.cpu_seconds(worker), measure.cpu_seconds(model.pid)
    with measure.PeakRss(worker) as rss:
        dataset = service.dataset(corpus, **measure.STANDARD)
        found = service.finished(dataset, 600)
    calls = _count(engine) - paid
    assert found["status"] == "succeeded", found["error"]
    with engine.connect().execution_options(reading=True) as connection:
        query = select(func.min(Call.created_at), func.max(Call.created_at)).where(Call.dataset_id == dataset)
        first, last = connection.execute(query).one()
    return {
        "calls": calls,
        "calls_per_s": round(calls / (last - first).total_seconds(), 1),
        "worker_cpu_ms_per_call": round(1000 * (measure.cpu_seconds(worker) - cpu) / calls, 3),
        "fake_cpu_ms_per_call": round(1000 * (measure.cpu_seconds(model.pid) - model_cpu) / calls, 3),
        "worker_rss_mib": rss.peak,
        "load_1min": round(os.getloadavg()[0], 2),
    }


def _count(engine: Engine) -> int:
    with engine.connect().execution_options(reading=True) as connection:
        return connection.scalar(select(func.count()).select_from(Call)) or 0


async def _fake_alone(url: str, seconds: float = 3.0) -> float:
    """Calls a second of the fake model to a client that does nothing else, with one of the job's own requests."""
    prompt = prompts.load("ask/grounded@1")
    request = {
        "model": "fake",
        "messages": prompt.messages(ferries(1).decode(), count=3, language="en", avoid=[]),
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "questions", "schema": prompt.reply.schema_for(3), "strict": True},
        },
    }
    body, end, done = orjson.dumps(request), time.perf_counter() + seconds, 0

    async def ask(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.perf_counter() < end:
            headers = {"Content-Type": "application/json"}
            async with session.post(f"{url}/chat/completions", data=body, headers=headers) as response:
                await response.read()
                response.raise_for_status()
            done += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(ask(session) for _ in range(64)))
    return round(done / seconds, 1)


def _writer_alone(engine: Engine, seconds: float = 3.0) -> float:
    """Rows of the ledger a second that one plain writer commits, a hundred at a time."""
    done, end, start = 0, time.perf_counter() + seconds, time.perf_counter()
    while time.perf_counter() < end:
        rows = [
            {
                "tenant_id": DEFAULT_TENANT,
                "call_key": os.urandom(32),
                "dataset_id": "dst_writer",
                "unit_id": "unt_writer",
                "step": "ask",
                "model": "fake",
                "status": 200,
                "reply": os.urandom(500),
                "created_at": datetime.now(UTC),
            }
            for _ in range(100)
        ]
        with engine.begin() as connection:
            connection.execute(insert(Call), rows)
        done += 100
    return round(done / (time.perf_counter() - start), 1)


if __name__ == "__main__":
    main()
