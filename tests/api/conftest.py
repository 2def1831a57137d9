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


# Hardly three words in a row in common: texts that are alike are one fact cluster, and then none is held out.
SUBJECTS = (
    "The lighthouse at Skagen was lit in 1858 and stands 46 metres high. Its lamp burned rapeseed oil at first, and "
    "two keepers carried 19 litres up 210 steps every evening. Since 1946 an electric bulb of 400 watts has done "
    "their work.",
    "Cod is landed on the quay before five in the morning. An auctioneer called Ebbe sells 30 crates a minute, and "
    "buyers from Lyon pay 4 euros a kilogram. What nobody wants by seven goes to the soup kitchen in Mill Street, "
    "free of charge.",
    "Ice closed the sound for 71 days in the winter of 1942. Farmers drove sledges with milk across it, and a baker "
    "named Holm opened a stall half-way that sold coffee. Police counted 3 broken legs but not one person drowned "
    "that year.",
    "Ropes were twisted in a shed 300 metres long behind the church. Hemp came from Riga by schooner twice each "
    "summer, and 12 boys walked backwards all day while the wheel turned. The last cable left it in 1911 for a "
    "whaler, the Aurora.",
    "A pilot boards large tankers near buoy 17 because sandbanks move there after storms. Captains radio him 90 "
    "minutes ahead on channel 13. For a vessel deeper than 11 metres his fee is 2,300 kroner, payable to the "
    "harbour office.",
    "Seals returned to Grass Island once hunting was banned in 1967. Biologists from Aarhus tag 25 pups every June "
    "with yellow plastic clips. One female swam to Norway and back within 8 weeks, some 940 kilometres, as her tag "
    "revealed.",
    "The brass band of the shipyard plays on Thursdays under an elm planted by Queen Dagmar. Its tuba weighs 9 "
    "kilograms and was dented by a falling block in 1933. Newcomers rehearse for two years before they may wear the "
    "blue jacket.",
)


class Made(NamedTuple):
    """A service with one finished dataset, and the text that it was made of."""

    service: Service
    dataset_id: str
    corpus_id: str
    text: str


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """The whole service, with rows; tests only read them."""
    folder, text = tmp_path_factory.mktemp("made"), "\n\n".join(SUBJECTS)
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
