"""A dataset's events, by polling and as a stream that goes on where it broke off: each once, none lost."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.datasets import service, stream
from app.db import make_engine, transaction
from app.keys import service as keys
from tests.api.conftest import Made, open_api

Json = dict[str, Any]


def frames(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Server-sent events as a client reads them: fields by name, one dictionary for each event."""
    frame: dict[str, str] = {}
    for line in lines:
        if not line and frame:
            yield frame
            frame = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            frame[name] = value


def polled(client: Any, dataset_id: str, limit: int) -> list[Json]:
    found: list[Json] = []
    after: dict[str, Any] = {}
    while True:
        page = client.get(f"/v1/datasets/{dataset_id}/events", params={"limit": limit} | after).json()
        found += page["data"]
        if not page["has_more"]:
            return found
        after = {"after": page["last_id"]}


def test_polling_gives_each_event_once_in_order_with_any_page(made: Made) -> None:
    everything = polled(made.service.http, made.dataset_id, 100)
    assert everything[0]["type"] == "created"
    assert everything[-1]["type"] == "status.succeeded"
    assert {"object", "level", "message", "data", "created_at"} <= everything[0].keys()
    for limit in (1, 2, 3):
        assert polled(made.service.http, made.dataset_id, limit) == everything


def streamed(made: Made, **headers: str) -> list[dict[str, str]]:
    path = f"/v1/datasets/{made.dataset_id}/events?stream=true"
    with made.service.http.stream("GET", path, headers=headers) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-store"
        return list(frames(reply.iter_lines()))


def test_the_stream_of_a_finished_dataset_gives_every_event_and_its_last_state_and_ends(made: Made) -> None:
    found = streamed(made)
    assert found[0] == {"retry": "3000"}
    events = [json.loads(frame["data"]) for frame in found if "id" in frame]
    assert events == polled(made.service.http, made.dataset_id, 100)
    assert [frame["id"] for frame in found if "id" in frame] == [event["id"] for event in events]
    progress = [json.loads(frame["data"]) for frame in found if frame.get("event") == "progress"]
    assert progress[-1]["status"] == "succeeded"
    assert progress[-1]["accepted"] > 0


def test_a_stream_goes_on_after_the_last_event_that_the_client_has(made: Made) -> None:
    everything = polled(made.service.http, made.dataset_id, 100)
    for at, event in enumerate(everything):
        found = streamed(made, **{"Last-Event-ID": event["id"]})
        assert [frame["id"] for frame in found if "id" in frame] == [later["id"] for later in everything[at + 1 :]]


def test_a_client_that_is_torn_off_again_and_again_sees_each_event_once_while_the_dataset_is_made(made: Made) -> None:
    service = made.service
    dataset_id = service.dataset(made.corpus_id, chunking={"splitter": "recursive", "size": 300}, seed=3)
    seen: list[str] = []
    ended = False
    deadline = time.monotonic() + 90
    while not ended:
        assert time.monotonic() < deadline
        headers = {"Last-Event-ID": seen[-1]} if seen else {}
        with service.http.stream("GET", f"/v1/datasets/{dataset_id}/events?stream=true", headers=headers) as reply:
            for count, frame in enumerate(frames(reply.iter_lines())):
                if "id" in frame:
                    seen.append(frame["id"])
                if count >= 2 and "id" in frame:
                    break  # torn off
            else:
                ended = True
    assert service.get(dataset_id)["status"] == "succeeded"
    assert seen == [event["id"] for event in polled(service.http, dataset_id, 100)]


@pytest.mark.parametrize("last", ["x", "²", "-1", "1e3", "9" * 40])
def test_a_last_event_id_that_is_none_is_refused_before_the_stream_begins(made: Made, last: str) -> None:
    path = f"/v1/datasets/{made.dataset_id}/events?stream=true"
    reply = made.service.http.get(path, headers={b"Last-Event-ID": last.encode()})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
    assert made.service.http.get(f"/v1/datasets/{made.dataset_id}/events", params={"after": last}).status_code == 404


@pytest.fixture
def dataset(client: TestClient, corpus_id: str) -> str:
    client.put(f"/v1/corpora/{corpus_id}/documents/a.txt", content=b"x")
    return str(client.post("/v1/datasets", json={"corpus_id": corpus_id}).json()["id"])


def test_an_event_that_comes_together_with_the_end_is_streamed_before_it(client: TestClient, dataset: str) -> None:
    def work() -> None:
        for i in range(40):
            with transaction() as session:
                found = service.get(session, "default", dataset, lock=True)
                service.record(session, found, "step", f"step {i}")
                if i == 39:
                    service.move(session, found, "succeeded", "done")

    thread = threading.Thread(target=work)
    thread.start()
    with client.stream("GET", f"/v1/datasets/{dataset}/events?stream=true") as reply:
        found = list(frames(reply.iter_lines()))
    thread.join()
    events = [json.loads(frame["data"]) for frame in found if "id" in frame]
    assert [event["message"] for event in events if event["type"] == "step"] == [f"step {i}" for i in range(40)]
    assert events[-1]["type"] == "status.succeeded"


def test_a_stream_ends_soon_after_its_key_is_revoked(tmp_path: Path) -> None:
    with open_api(tmp_path) as api:
        engine = make_engine(api.settings().database_url)
        with Session(engine) as session, session.begin():
            keys.create(session, "other", "other")
            key, secret = keys.create(session, "ours", "default")
            key_id = key.id
        api.http.headers["Authorization"] = f"Bearer {secret}"
        dataset_id = api.dataset(api.corpus({"a.txt": b"x"}))
        seen = []
        with api.http.stream("GET", f"/v1/datasets/{dataset_id}/events?stream=true") as reply:
            for frame in frames(reply.iter_lines()):
                seen.append(frame.get("event"))
                if seen[-1] == "progress":
                    with Session(engine) as session, session.begin():
                        keys.revoke(session, key_id)
                    revoked = time.monotonic()
        assert time.monotonic() - revoked < 10  # it would go on for 15 minutes
        assert seen == [None, "created", "progress"]
        assert api.http.get(f"/v1/datasets/{dataset_id}").status_code == 401
        engine.dispose()


def test_a_silent_stream_is_kept_open_by_comments_and_closed_after_its_time(
    client: TestClient, dataset: str, environment: pytest.MonkeyPatch
) -> None:
    for name, value in (("POLL_SECONDS", 0.02), ("PING_SECONDS", 0.1), ("MAX_SECONDS", 0.6)):
        environment.setattr(stream, name, value)
    with client.stream("GET", f"/v1/datasets/{dataset}/events?stream=true") as reply:
        lines = list(reply.iter_lines())
    assert lines.count(": ping") >= 2
    assert client.get(f"/v1/datasets/{dataset}").json()["status"] == "validating"
