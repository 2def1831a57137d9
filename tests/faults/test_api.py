"""kill -9 of the API while somebody creates, uploads, downloads or listens; and cancelling at any moment."""

import contextlib
import hashlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.fakes.process import FakeModel
from tests.fakes.proxy import FaultProxy
from tests.faults.conftest import FEW_AT_ONCE, SMALL, Look, calls, ferries, seeds, settled
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import FINAL, WINDOW, wait


@pytest.mark.parametrize("seed", seeds(1))
def test_an_api_killed_while_it_creates_makes_one_dataset_under_one_key(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with FakeModel({"seed": seed}, latency_ms=20) as model, Service(tmp_path, model_url=model.url) as service:
        wanted = {"corpus_id": service.corpus({"a.txt": ferries(8)})} | SMALL
        create = {"url": "/v1/datasets", "json": wanted, "headers": {"Idempotency-Key": "the-only-one"}}
        for _ in range(3):
            asking = threading.Thread(target=_post_to_a_dying_api, args=(service, create))
            asking.start()
            time.sleep(chance.uniform(0, 0.06))
            service.kill("api")
            asking.join()
            service.start("api")
        dataset = service.ok(service.http.post(**create))["id"]  # type: ignore[arg-type]
        listed = service.ok(service.http.get("/v1/datasets"))["data"]
        assert [found["id"] for found in listed] == [dataset]
        assert service.finished(dataset)["status"] == "succeeded"
        verify_job(service, model, dataset, killed_in_flight=0)


def _post_to_a_dying_api(service: Service, create: dict[str, object]) -> None:
    with contextlib.suppress(httpx.TransportError):
        url = f"http://127.0.0.1:{service.port}{create['url']}"
        httpx.post(url, json=create["json"], headers=create["headers"], trust_env=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", seeds(1))
def test_an_api_killed_in_mid_upload_shows_nothing_and_the_rest_is_swept_away(seed: int, tmp_path: Path) -> None:
    with FakeModel({"seed": seed}) as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({})
        incoming = tmp_path / "blobs" / "incoming"
        kill_now = threading.Event()

        def body() -> Iterator[bytes]:
            yield ferries(40)
            wait(lambda: incoming.exists() and any(incoming.iterdir()), 20)
            time.sleep(random.Random(seed).uniform(0, 0.3))
            kill_now.set()
            while True:
                time.sleep(0.02)
                yield b"more of it. " * 1000

        url = f"http://127.0.0.1:{service.port}/v1/corpora/{corpus}/documents/half.txt"
        with ThreadPoolExecutor(1) as pool:
            upload = pool.submit(httpx.put, url, content=body(), trust_env=False)
            assert kill_now.wait(30)
            service.kill("api")
            assert isinstance(upload.exception(), httpx.TransportError)
        service.start("api")
        assert service.ok(service.http.get(f"/v1/corpora/{corpus}/documents"))["data"] == []
        (left,) = incoming.iterdir()
        os.utime(left, (0, 0))  # a day later
        wait(lambda: not left.exists(), 30)
        service.ok(service.http.put(f"/v1/corpora/{corpus}/documents/half.txt", content=ferries(6)))
        dataset = service.dataset(corpus, **SMALL)
        assert service.finished(dataset)["status"] == "succeeded"
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_downloads_and_event_streams_go_on_where_a_killed_api_left_them(seed: int, tmp_path: Path) -> None:
    with FakeModel({"seed": seed}, latency_ms=40) as model, Service(tmp_path, model_url=model.url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        heard: list[str] = []
        listening = _events(service, dataset, heard, "0")
        while len(heard) < 2:
            next(listening)
        service.kill("api")
        with contextlib.suppress(httpx.TransportError):
            for _ in listening:
                pass
        service.start("api")
        for _ in _events(service, dataset, heard, heard[-1]):
            pass
        assert service.get(dataset)["status"] == "succeeded"
        every = service.ok(service.http.get(f"/v1/datasets/{dataset}/events", params={"limit": 100}))["data"]
        assert heard == [event["id"] for event in every]

        export = service.exported(dataset)
        url, file = export["files"]["data.jsonl"]["url"], export["files"]["data.jsonl"]
        with FaultProxy(("127.0.0.1", service.port)) as proxy:
            proxy.cut_after_bytes(int(file["bytes"] * random.Random(seed).uniform(0.2, 0.9)))
            start, etag = _read_some(f"http://{proxy.address}{url}")
            service.kill("api")
            service.start("api")
        assert 0 < len(start) < file["bytes"]
        headers = {"Range": f"bytes={len(start)}-", "If-Range": etag}
        rest = service.http.get(url, headers=headers)
        assert rest.status_code == 206
        assert hashlib.sha256(start + rest.content).hexdigest() == file["sha256"]
        verify_job(service, model, dataset, killed_in_flight=0)


def _events(service: Service, dataset: str, heard: list[str], last: str) -> Iterator[None]:
    url = f"/v1/datasets/{dataset}/events"
    with service.http.stream("GET", url, params={"stream": "true"}, headers={"Last-Event-ID": last}) as response:
        for line in response.iter_lines():
            if line.startswith("id: "):
                heard.append(line.removeprefix("id: "))
            yield


def _read_some(url: str) -> tuple[bytes, str]:
    data, etag = b"", ""
    with contextlib.suppress(httpx.TransportError), httpx.stream("GET", url, trust_env=False) as response:
        etag = response.headers["etag"]
        for part in response.iter_raw(1000):
            data += part
    return data, etag


@pytest.mark.parametrize("seed", seeds(1))
def test_three_cancels_at_once_end_it_once_and_no_row_comes_after(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=120) as model,
        Service(tmp_path, model_url=model.url, database_url=new_postgres_database, **FEW_AT_ONCE) as service,
        Look(service.database_url) as look,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(16)}), **SMALL)
        wait(lambda: calls(service, dataset) >= random.Random(seed).uniform(1, 200), 60)
        assert _cancel_three_times(service, dataset) == {"cancelled"}
        wait(lambda: not look.units(dataset, status="running"), 30)
        rows = look.rows(dataset)
        wait(settled(lambda: model.stats()["requests"]), 30)
        assert model.stats()["running"] == 0
        assert look.rows(dataset) == rows
        _ended_once(service, dataset)
        verify_job(service, model, dataset, killed_in_flight=WINDOW)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_cancel_that_races_with_the_end_leaves_one_final_status(seed: int, tmp_path: Path) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=20) as model,
        Service(tmp_path, model_url=model.url) as service,
        Look(service.database_url) as look,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(6)}), **SMALL)

        def nearly_done() -> bool:
            found = service.get(dataset)
            return 0 < int(found["units"]["total"]) <= int(found["units"]["done"]) + 1

        wait(nearly_done, 60)
        time.sleep(random.Random(seed).uniform(0, 0.3))
        (status,) = _cancel_three_times(service, dataset)
        wait(lambda: not look.units(dataset, status="running"), 30)
        rows = look.rows(dataset)
        time.sleep(2.5)  # more than two sweeps
        assert service.get(dataset)["status"] == status
        assert look.rows(dataset) == rows
        _ended_once(service, dataset)
        verify_job(service, model, dataset, killed_in_flight=WINDOW)


def _cancel_three_times(service: Service, dataset: str) -> set[str]:
    url = f"http://127.0.0.1:{service.port}/v1/datasets/{dataset}/cancel"
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: httpx.post(url, trust_env=False, timeout=30), range(3)))
    return {str(service.ok(answer)["status"]) for answer in answers}


def _ended_once(service: Service, dataset: str) -> None:
    events = service.ok(service.http.get(f"/v1/datasets/{dataset}/events", params={"limit": 100}))["data"]
    ends = Counter(event["type"] for event in events if event["type"].removeprefix("status.") in FINAL)
    assert sum(ends.values()) == 1, ends
