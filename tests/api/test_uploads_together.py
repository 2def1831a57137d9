"""Uploads that come at the same time: committed as one, answered each for itself."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import storage
from app.db import transaction
from app.documents import service, together
from app.errors import Busy
from app.models import Document


def blob(name: str, data: bytes) -> service.Stored:
    return service.Stored(name, storage.keep_bytes(data), len(data))


def at_once(*uploads: tuple[str, list[service.Stored]]) -> list[Any]:
    """What became of uploads that all wait while another is being committed: results, or the errors raised."""

    def one(corpus_id: str, stored: list[service.Stored]) -> Any:
        try:
            return together.add("default", corpus_id, stored)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(uploads)) as pool:
        with together._committing:
            futures = [pool.submit(one, *upload) for upload in uploads]
            while len(together._waiting) < len(uploads):
                threading.Event().wait(0.01)
        return [future.result() for future in futures]


def test_uploads_at_the_same_time_are_one_commit_and_one_doorbell(
    client: TestClient, corpus_id: str, rings: list[tuple[Any, ...]]
) -> None:
    other = client.post("/v1/corpora", json={}).json()["id"]
    stored = [blob(f"{i}.txt", f"Text {i}.".encode()) for i in range(12)]
    commits: list[Session] = []

    def committed(session: Session) -> None:
        commits.append(session)

    event.listen(Session, "after_commit", committed)
    try:
        found = at_once(*((corpus_id if i % 2 else other, [one]) for i, one in enumerate(stored)))
    finally:
        event.remove(Session, "after_commit", committed)
    assert [(document.name, document.sha256, new) for [(document, new)] in found] == [
        (one.name, one.sha256, True) for one in stored
    ]
    assert len(commits) == 1
    assert rings == [("parse",)]
    assert len(client.get(f"/v1/corpora/{corpus_id}/documents").json()["data"]) == 6


def test_of_one_name_at_the_same_time_the_last_stays_and_the_same_bytes_are_one_document(
    client: TestClient, corpus_id: str
) -> None:
    first, second = blob("a.txt", b"First."), blob("a.txt", b"Second.")
    found = at_once((corpus_id, [first]), (corpus_id, [second]), (corpus_id, [second]))
    [listed] = client.get(f"/v1/corpora/{corpus_id}/documents").json()["data"]
    assert sum(new for [(_, new)] in found) >= 2
    with transaction() as session:
        assert session.query(Document).filter(~Document.replaced).count() == 1
    assert listed["sha256"] in (first.sha256, second.sha256)


def test_one_that_the_database_refuses_does_not_take_the_others_with_it(client: TestClient, corpus_id: str) -> None:
    good, bad = at_once((corpus_id, [blob("a.txt", b"A.")]), ("crp_no", [blob("b.txt", b"B.")]))
    assert isinstance(bad, Busy), bad  # there is no such corpus, and never will be
    assert [document.name for document, _ in good] == ["a.txt"]
    kept = client.get(f"/v1/corpora/{corpus_id}/documents").json()["data"]
    assert [document["name"] for document in kept] == ["a.txt"]


@pytest.mark.parametrize("count", [together.MANY + 1])
def test_a_large_upload_does_not_keep_the_small_ones_waiting(client: TestClient, corpus_id: str, count: int) -> None:
    stored = [blob(f"{i}.txt", b"The same.") for i in range(count)]
    with together._committing:  # it would wait here for ever
        assert len(together.add("default", corpus_id, stored)) == count
