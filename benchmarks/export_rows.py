"""Exports of many rows: build time, memory that must not grow with the rows, download speed, and an exact resume.

    python -m benchmarks.export_rows [--rows 100000] [--fewer 25000] [--container parquet] [--database postgresql://...]

The rows are put into the database directly; the export is asked for through the API and built by the CPU worker. It
runs at a quarter of the rows (or `--fewer`) and at all of them. Bounds of the same run: a plain SELECT of the same
rows, a file copy.
"""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, Engine, insert, select, text

from app import catalog
from app.db import make_engine
from app.models import Context, Corpus, Dataset, Sample, Unit
from app.models.tenants import DEFAULT_TENANT
from benchmarks import measure
from benchmarks.measure import Service
from tests.service import wait

ROWS_A_UNIT = 10
AT_ONCE = 5000
NO_MODEL = "http://127.0.0.1:9/v1"
PEERS = {"own_prototype_cursor_to_http_rows_per_s": 62_000, "own_prototype_rss_growth_mib": 10}


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--fewer", type=int, default=0, help="rows of the smaller run; 0: a quarter")
    parser.add_argument("--container", default="jsonl", choices=list(catalog.CONTAINERS))
    options = parser.parse_args()
    folder = measure.new_folder("export")
    sizes = [options.fewer or max(1, options.rows // 4), options.rows]
    with Service(folder, model_url=NO_MODEL, database_url=options.database, lease_seconds=60) as service:
        service.ok(service.http.get("/v1/catalog"))  # the first request makes the tenant
        engine = make_engine(service.settings().database_url)
        runs = []
        for rows in sizes:
            with measure.stopwatch() as took:
                dataset = _insert(engine, rows)
            runs.append(
                {"insert_seconds": round(took[0], 1)} | _export(service, engine, dataset, rows, options.container)
            )
        engine.dispose()
    small, large = runs
    growth = round(large["child_rss_mib"]["peak"] - small["child_rss_mib"]["peak"], 1)
    figures = {
        "container": options.container,
        "runs": runs,
        "rss_growth_between_sizes_mib": growth,
        "targets": {
            "rows_per_s": measure.judged(large["rows_per_s"], 17_000),
            "rss_growth_of_the_child_mib": measure.judged(large["child_rss_mib"]["growth"], 64, at_most=True),
            "rss_growth_between_sizes_mib": measure.judged(growth, 16, at_most=True),
            "download_megabytes_per_s": measure.judged(large["download_megabytes_per_s"], 100),
            "resume_exact": large["resume_exact"],
        },
        "peers": PEERS,
    }
    measure.report("export_rows", options, figures)


def _insert(engine: Engine, rows: int) -> str:
    """A finished dataset with `rows` accepted samples of a usual size; its id."""
    dataset = f"dst_bench{rows}"
    tenant = {"tenant_id": DEFAULT_TENANT}
    spec = {"model": "fake", "options": {}, "gates": {}}
    corpus: dict[str, Any] = tenant | {"id": f"crp_bench{rows}", "name": "bench"}
    made: dict[str, Any] = tenant | {"id": dataset, "corpus_id": corpus["id"], "name": "bench", "task": "grounded_qa"}
    with engine.begin() as connection:
        connection.execute(insert(Corpus), [corpus])
        connection.execute(insert(Dataset), [made | {"spec": spec, "status": "succeeded", "accepted": rows}])
        for start in range(0, rows, AT_ONCE):
            _insert_some(connection, dataset, range(start, min(rows, start + AT_ONCE)))
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE samples, units"))  # as autovacuum would have done long before
    return dataset


def _insert_some(connection: Connection, dataset: str, numbers: range) -> None:
    tenant = {"tenant_id": DEFAULT_TENANT, "dataset_id": dataset}
    places = range(numbers.start // ROWS_A_UNIT, (numbers.stop + ROWS_A_UNIT - 1) // ROWS_A_UNIT)
    contexts = [
        tenant | {"id": f"ctx_{dataset}_{i}", "position": i, "chunk_ids": [], "quality": 1.0, "language": "en"}
        for i in places
    ]
    units = [
        tenant | {"id": f"unt_{dataset}_{i}", "context_id": f"ctx_{dataset}_{i}", "position": i, "status": "done"}
        for i in places
    ]
    connection.execute(insert(Context), contexts)
    connection.execute(insert(Unit), units)
    connection.execute(insert(Sample), [tenant | _sample(dataset, i) for i in numbers])


def _sample(dataset: str, i: int) -> dict[str, Any]:
    place = i // ROWS_A_UNIT
    quote = (
        f"The ferry Number {i} leaves Harbour {i} at noon, and a ticket for it costs {i % 90} euros and fifty cents. "
    )
    source = {
        "document_id": "doc_bench",
        "document_name": "ferries.txt",
        "start": i,
        "end": i + len(quote),
        "page": None,
        "sha256": hashlib.sha256(quote.encode()).hexdigest(),
        "quote": quote,
        "score": 100.0,
    }
    metrics = ("faithfulness", "answerability", "usefulness")
    return {
        "unit_id": f"unt_{dataset}_{place}",
        "context_id": f"ctx_{dataset}_{place}",
        "key": i % ROWS_A_UNIT,
        "state": "accepted",
        "kind": "original",
        "question": f"At which hour does the ferry Number {i} leave its harbour, and what does a ticket for it cost?",
        "answer": quote * 3,
        "split": "validation" if place % 10 == 0 else "train",
        "sources": [source],
        "verdicts": [{"metric": m, "score": 5.0, "reason": "The text says so.", "passed": True} for m in metrics],
        "lineage": {"prompts": {"ask/grounded@1": "0" * 64}, "models": {"generator": "fake"}},
    }


def _export(service: Service, engine: Engine, dataset: str, rows: int, container: str) -> dict[str, Any]:
    # A fresh worker each time: the peak of one size must not be the start of the next.
    service.kill("cpu")
    service.start("cpu")
    worker = service.processes["cpu"].pid
    wait(lambda: len(list(measure.family(worker))) > 1, 30)
    warm = service.ok(service.http.post(f"/v1/datasets/{_tiny(engine)}/exports", json={"container": container}))
    _wait_for(service, warm["id"])  # what its libraries need is loaded now
    cpu = measure.cpu_seconds(worker)
    with measure.PeakRss(worker) as rss, measure.stopwatch() as took:
        asked = {"include_sources": True, "container": container}
        export = service.ok(service.http.post(f"/v1/datasets/{dataset}/exports", json=asked))
        found = _wait_for(service, export["id"])
    cpu = measure.cpu_seconds(worker) - cpu
    assert found["rows"] == rows, f"{found['rows']} of {rows} rows"
    file = found["files"][f"data.{catalog.CONTAINERS[container].suffix}"]
    url = f"http://127.0.0.1:{service.port}{file['url']}"
    bound = _select(engine, dataset, rows)
    copy = service.folder / "downloaded.jsonl"
    speeds = sorted(_download(url, copy) for _ in range(3))
    with copy.open("rb") as downloaded:
        whole = hashlib.file_digest(downloaded, "sha256").hexdigest()
    copied = measure.copy_megabytes_per_second(copy, service.folder)
    copy.unlink()
    return {
        "rows": rows,
        "megabytes": round(file["bytes"] / 1e6, 1),
        "build_seconds": round(took[0], 2),
        "rows_per_s": round(rows / took[0]),
        "cpu_us_per_row": round(1e6 * cpu / rows, 1),
        "plain_select_rows_per_s": round(bound),
        "of_plain_select": round(rows / took[0] / bound, 3),
        "child_rss_mib": {"before": rss.before, "peak": rss.peak, "growth": round(rss.peak - rss.before, 1)},
        "download_megabytes_per_s": round(speeds[1], 1),
        "of_file_copy": round(speeds[1] / copied, 3),
        "file_copy_megabytes_per_s": copied,
        "sha256_matches": whole == file["sha256"],
        "resume_exact": _resumed(url, file["bytes"]) == file["sha256"],
    }


def _tiny(engine: Engine) -> str:
    with engine.connect() as connection:
        found = connection.scalar(select(Dataset.id).where(Dataset.id == "dst_bench10"))
    return found or _insert(engine, 10)


def _wait_for(service: Service, export_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 1800
    while time.monotonic() < deadline:
        found = service.ok(service.http.get(f"/v1/exports/{export_id}"))
        if found["status"] == "succeeded":
            return found
        assert found["status"] != "failed", found["error"]
        time.sleep(0.05)
    raise AssertionError("the export did not end")


def _select(engine: Engine, dataset: str, rows: int) -> float:
    """Rows a second of a streamed SELECT that decodes what an export reads, and does nothing with it."""
    columns = (Sample.id, Sample.question, Sample.answer, Sample.sources, Sample.verdicts, Sample.lineage)
    query = select(*columns).where(Sample.dataset_id == dataset, Sample.state == "accepted").order_by(Sample.id)
    with measure.stopwatch() as took, engine.connect().execution_options(yield_per=1000, reading=True) as connection:
        assert sum(1 for _ in connection.execute(query)) == rows
    return rows / took[0]


def _body(url: str, headers: dict[str, str]) -> Iterator[bytes]:
    with httpx.stream("GET", url, headers=headers, timeout=600, trust_env=False) as response:
        response.raise_for_status()
        yield from response.iter_raw()


def _download(url: str, to: Path) -> float:
    """MB/s into a file."""
    size = 0
    with measure.stopwatch() as took, to.open("wb") as file:
        for data in _body(url, {}):
            size += file.write(data)
    return size / 1e6 / took[0]


def _resumed(url: str, size: int) -> str:
    """SHA-256 of a download that broke off at an odd place and was taken up again with Range."""
    digest, got = hashlib.sha256(), 0
    broken_at = size // 3 + 17
    for data in _body(url, {}):
        taken = data[: broken_at - got]
        digest.update(taken)
        got += len(taken)
        if got >= broken_at:
            break
    for data in _body(url, {"Range": f"bytes={got}-"}):
        digest.update(data)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
