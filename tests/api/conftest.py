"""What the tests of the API share: tenants with keys, an API as a real process, and a whole service with rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

from app import migrate
from app.db import transaction
from app.keys import service as keys
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service


@contextmanager
def open_api(folder: Path, **settings: Any) -> Iterator[Service]:
    """The API alone as a real process, over SQLite; no broker and no worker runs."""
    folder.mkdir(parents=True, exist_ok=True)
    service = Service(folder, model_url="http://127.0.0.1:9/v1", **settings)
    migrate.upgrade(service.settings().database_url)
    try:
        service.start("api")
        yield service
    finally:
        service.kill()
        service.http.close()


class Made(NamedTuple):
    """A service with one finished dataset, and the text that it was made of."""

    service: Service
    dataset_id: str
    corpus_id: str
    text: str


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """The whole service, with rows; tests only read them."""
    folder, text = tmp_path_factory.mktemp("made"), ferries(6).decode()
    with FakeModel({"seed": 7}, slots=16) as model, Service(folder, model_url=model.url) as service:
        corpus_id = service.corpus({"паромы.md": text.encode()})
        dataset_id = service.dataset(
            corpus_id, chunking={"splitter": "recursive", "size": 400}, validation_share=0.3, name="Ferries"
        )
        found = service.finished(dataset_id)
        assert found["status"] == "succeeded", found
        yield Made(service, dataset_id, corpus_id, text)


@pytest.fixture
def corpus_id(client: TestClient) -> str:
    return str(client.post("/v1/corpora", json={"name": "Ferries"}).json()["id"])


@pytest.fixture
def tenants(client: TestClient) -> dict[str, dict[str, str]]:
    """Headers of two tenants, `ours` and `theirs`; from now on every request needs a key."""
    headers = {}
    with transaction() as session:
        for name in ("ours", "theirs"):
            headers[name] = {"Authorization": f"Bearer {keys.create(session, name, name)[1]}"}
    keys._cache.clear()
    return headers
