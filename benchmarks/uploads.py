"""Many small documents: by one PUT each, then the same ones in a ZIP, then until all of them are parsed.

    python -m benchmarks.uploads [--n 2000] [--database postgresql://...]

A PUT is answered when its bytes, its name and its row are durable, so the disk's fdatasync/s is the bound to look at.
The CPU worker stands still while documents are taken in, and is then started: each part is measured alone.
"""

import argparse
import asyncio
import io
import time
import zipfile
from typing import Any

import aiohttp
import httpx

from benchmarks import measure
from benchmarks.measure import Service

CONNECTIONS = 16
BYTES = 10_000
NO_MODEL = "http://127.0.0.1:9/v1"
PEERS = {"openai_files_uploads_per_minute": 1000, "own_prototype_multipart_docs_per_s": 392}
TEXT = (
    "the ferry leaves a harbour at noon and carries cars across sound while its captain of many years keeps to old "
    "rules about tickets weather speed crew engines cargo and the price that each passenger pays for every crossing"
)


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--n", type=int, default=2000)
    options = parser.parse_args()
    folder = measure.new_folder("uploads")
    documents = {f"{i:06}.txt": _document(i) for i in range(options.n)}
    figures: dict[str, Any] = {"n": options.n, "document_bytes": BYTES}
    settings = {"lease_seconds": 60, "sweep_seconds": 15, "archive_max_entries": max(10_000, options.n)}
    with Service(folder, model_url=NO_MODEL, database_url=options.database, **settings) as service:
        figures["fdatasyncs_per_s"] = synced = measure.fdatasyncs_per_second(folder)
        figures["fdatasyncs_per_s_in_place"] = measure.fdatasyncs_per_second(folder, in_place=True)
        service.kill("cpu", "beat")
        corpus = service.corpus({}, "single")
        api = service.processes["api"].pid
        cpu = measure.cpu_seconds(api)
        with measure.PeakRss(api) as rss, measure.stopwatch() as took:
            latencies = asyncio.run(_put_all(service, corpus, documents))
        rate = options.n / took[0]
        cpu_ms = 1000 * (measure.cpu_seconds(api) - cpu) / options.n
        kept = _counts(service, corpus)
        zipped = _zip(documents)
        second = service.corpus({}, "zip")
        with measure.PeakRss(api) as zip_rss, measure.stopwatch() as zip_took:
            httpx.put(
                f"http://127.0.0.1:{service.port}/v1/corpora/{second}/documents/all.zip",
                content=zipped,
                timeout=600,
                trust_env=False,
            ).raise_for_status()
        kept_of_zip = _counts(service, second)
        parsing = _parse(service, corpus, second, 2 * options.n, options)
    lost = 2 * options.n - sum(kept.values()) - sum(kept_of_zip.values())
    figures |= {
        "put": {
            "docs_per_s": round(rate, 1),
            "seconds": round(took[0], 2),
            **measure.milliseconds(latencies),
            "api_cpu_ms_per_doc": round(cpu_ms, 2),
            "docs_per_fdatasync": round(rate / synced, 3),
            "api_rss_mib": {"before": rss.before, "peak": rss.peak},
        },
        "zip": {
            "docs_per_s": round(options.n / zip_took[0], 1),
            "seconds": round(zip_took[0], 2),
            "megabytes": round(len(zipped) / 1e6, 1),
            "api_rss_mib": {"before": zip_rss.before, "peak": zip_rss.peak},
        },
        "parsing": parsing,
        "lost": lost,
        "targets": {
            "put_docs_per_s": measure.judged(round(rate, 1), 170),
            "api_rss_mib": measure.judged(max(rss.peak, zip_rss.peak), 300, at_most=True),
            "zip_seconds_for_10000": measure.judged(round(zip_took[0] * 10_000 / options.n, 1), 15, at_most=True),
            "parsed_docs_per_s": measure.judged(parsing["docs_per_s"], 100),
            "lost": measure.judged(lost, 0, at_most=True),
        },
        "peers": PEERS,
    }
    measure.report("uploads", options, figures)


def _document(i: int) -> bytes:
    known = TEXT.split()
    words = [known[(i * 7 + j * (1 + i % 5)) % len(known)] for j in range(BYTES // 4)]
    lines = (" ".join(words[j : j + 14]) for j in range(0, len(words), 14))
    return (f"Document {i}\n\n" + ".\n".join(lines)).encode()[:BYTES]


async def _put_all(service: Service, corpus: str, documents: dict[str, bytes]) -> list[float]:
    base = f"http://127.0.0.1:{service.port}/v1/corpora/{corpus}/documents"
    left, latencies = iter(documents.items()), []

    async def put(session: aiohttp.ClientSession) -> None:
        for name, data in left:
            start = time.perf_counter()
            async with session.put(f"{base}/{name}", data=data) as response:
                await response.read()
                assert response.status == 201, response.status
            latencies.append(time.perf_counter() - start)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(put(session) for _ in range(CONNECTIONS)))
    return latencies


def _zip(documents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in documents.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _counts(service: Service, corpus: str) -> dict[str, int]:
    found: dict[str, int] = service.ok(service.http.get(f"/v1/corpora/{corpus}"))["documents"]
    return {status: found.get(status, 0) for status in ("pending", "parsed", "failed")}


def _parse(service: Service, first: str, second: str, total: int, options: argparse.Namespace) -> dict[str, Any]:
    """Start the CPU worker and ask now and then: seconds from its first parsed document to the last one."""
    with measure.stopwatch() as all_of_it:
        service.start("cpu", "beat")
        # The doorbells of the uploads may have expired: this one comes with a new document, as in real life.
        service.ok(service.http.put(f"/v1/corpora/{second}/documents/last.txt", content=b"The last one comes now."))
        began, at_begin, done, stuck_since = 0.0, 0, 0, time.monotonic()
        while done < total + 1:
            time.sleep(0.25)
            now = sum(_counts(service, c)["parsed"] + _counts(service, c)["failed"] for c in (first, second))
            if now > done:
                stuck_since = time.monotonic()
            assert time.monotonic() - stuck_since < 60, f"parsing stands still at {now} of {total}"
            done = now
            if done and not began:
                began, at_begin = time.perf_counter(), done
        ended = time.perf_counter()
    cpu = measure.cpu_seconds(service.processes["cpu"].pid)
    failed = sum(_counts(service, c)["failed"] for c in (first, second))
    rate = (done - at_begin) / max(0.001, ended - began)
    return {
        "documents": total,
        "failed": failed,
        "seconds_with_start_of_worker": round(all_of_it[0], 1),
        "docs_per_s": round(rate, 1),
        "cpu_ms_per_doc": round(1000 * cpu / total, 2),
    }


if __name__ == "__main__":
    main()
