"""kill -9 of the API while documents are uploaded: what was acknowledged can be read, byte for byte, under its id."""

import hashlib
import random
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import open_api
from tests.faults.conftest import seeds
from tests.faults.verify import blob
from tests.service import Service, wait

HANDS = 4


@pytest.mark.parametrize("seed", seeds(1))
def test_every_acknowledged_document_outlives_the_api(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    acknowledged: dict[str, str] = {}
    with open_api(tmp_path) as api:
        corpus = api.corpus({})
        for turn in range(3):
            stop = threading.Event()
            hands = [
                threading.Thread(target=_upload, args=(api, corpus, f"{turn}-{hand}", acknowledged, stop))
                for hand in range(HANDS)
            ]
            before = len(acknowledged)
            for hand in hands:
                hand.start()
            wait(lambda before=before: len(acknowledged) >= before + HANDS, 30)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.3))
            api.kill("api")
            stop.set()
            for hand in hands:
                hand.join()
            api.start("api")
        assert len(acknowledged) >= 3 * HANDS
        for document_id, sha256 in acknowledged.items():
            document = api.ok(api.http.get(f"/v1/documents/{document_id}"))
            assert document["sha256"] == sha256
            data = blob(tmp_path, sha256).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (document["size"], sha256)
        for path in (tmp_path / "blobs").glob("??/*"):  # a blob is whole, whether or not a document names it
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def _upload(api: Service, corpus: str, who: str, acknowledged: dict[str, str], stop: threading.Event) -> None:
    """One document after the other, each of another size, until the API is gone."""
    url = f"http://127.0.0.1:{api.port}/v1/corpora/{corpus}/documents"
    for i in range(10_000):
        data = f"{who} {i} ".encode() * (50 + 997 * i % 20_000)
        try:
            reply = httpx.put(f"{url}/{who}-{i}.txt", content=data, trust_env=False, timeout=30)
        except httpx.TransportError:
            return
        assert reply.status_code == 201, reply.text
        acknowledged[reply.json()["id"]] = hashlib.sha256(data).hexdigest()
        if stop.is_set():
            return
