"""Documents are claimed and finished by twenties, and yet each is read, fails and is fenced alone."""

import threading
from typing import Any

import pytest
from sqlalchemy import select, update

from app import storage
from app.db import transaction
from app.documents import service
from app.domain import Parsed
from app.keys.service import tenant
from app.models import Corpus, Document
from app.settings import settings
from workers import intake, lease
from workers.parse import Jail


@pytest.fixture
def corpus_id(rings: list[tuple[Any, ...]]) -> str:
    with transaction() as session:
        tenant(session, "default")
        session.add(Corpus(id="crp_1", tenant_id="default", name="test"))
    return "crp_1"


def add(corpus_id: str, **files: bytes) -> dict[str, str]:
    """Documents of these bytes, waiting to be read; their ids by the names given."""
    stored = [service.Stored(f"{name}.txt", storage.keep_bytes(data), len(data)) for name, data in files.items()]
    with transaction() as session:
        added = service.add(session, "default", corpus_id, stored)
        return {name: document.id for name, (document, _) in zip(files, added, strict=True)}


def documents() -> dict[str, Document]:
    with transaction() as session:
        found = {document.name: document for document in session.scalars(select(Document))}
        session.expunge_all()
        return found


def begin(document_id: str, attempts: int = 1) -> None:
    """As if it had been taken so often by workers that are no more."""
    with transaction() as session:
        session.execute(update(Document).where(Document.id == document_id).values(attempt=attempts))


def test_a_bad_document_among_many_fails_alone(corpus_id: str) -> None:
    texts = {f"good{i}": f"This is document number {i}, and it is read.".encode() for i in range(intake.AT_ONCE + 3)}
    add(corpus_id, **texts, empty=b"", picture=b"\x89PNG\r\n\x1a\n not a text")
    intake.run()
    found = documents()
    failed = {name: row.reason for name, row in found.items() if row.status != "parsed"}
    assert failed == {"empty.txt": "empty", "picture.txt": "unsupported_type"}
    assert {storage.text(found[f"{name}.txt"].text_sha256 or "") for name in texts} == {
        t.decode() for t in texts.values()
    }
    assert all(row.owner is None and row.attempt == 1 for row in found.values())


def test_a_document_that_was_begun_before_is_taken_alone(corpus_id: str) -> None:
    ids = add(corpus_id, one=b"One.", two=b"Two.", suspect=b"Suspect.", other=b"Other.")
    for name in ("suspect", "other"):
        begin(ids[name])
    assert {document.id for document in intake._claim("a")} == {ids["one"], ids["two"]}
    assert [document.id for document in intake._claim("b")] in ([ids["suspect"]], [ids["other"]])
    assert len(intake._claim("c")) == 1
    assert intake._claim("d") == []


def test_a_document_that_ended_every_worker_fails(corpus_id: str) -> None:
    begin(add(corpus_id, bad=b"It is fine, but nobody knows.")["bad"], settings().document_max_attempts)
    intake.run()
    assert (documents()["bad.txt"].status, documents()["bad.txt"].reason) == ("failed", "parse_crash")


def test_what_was_not_begun_is_given_back_as_it_was(corpus_id: str, environment: pytest.MonkeyPatch) -> None:
    add(corpus_id, one=b"One.", two=b"Two.", three=b"Three.")
    environment.setattr(intake, "BEGIN_SECONDS", 0.0)
    owner = lease.new_owner()
    with Jail(settings()) as jail:
        intake._work(jail, threading.Lock(), owner, intake._claim(owner))
    left = [row for row in documents().values() if row.status == "pending"]
    assert [(row.owner, row.attempt) for row in left] == [(None, 0)] * 2


def test_who_was_thought_dead_writes_nothing_late(corpus_id: str) -> None:
    ids = add(corpus_id, mine=b"Mine.", theirs=b"Theirs.")
    claimed = intake._claim("late")
    with transaction() as session:
        session.execute(update(Document).where(Document.id == ids["theirs"]).values(owner="other", attempt=2))
    intake._finish("late", [(document, Parsed(text="Late.", media_type="text/plain")) for document in claimed])
    found = documents()
    assert (found["mine.txt"].status, found["theirs.txt"].status) == ("parsed", "pending")
    assert found["theirs.txt"].owner == "other"


def test_a_text_that_cannot_be_stored_fails_alone(corpus_id: str) -> None:
    add(corpus_id, good=b"Good.", bad=b"Bad.")
    outcomes = [
        (
            document,
            Parsed(text="half a pair: \ud800" if document.name == "bad.txt" else "Good.", media_type="text/plain"),
        )
        for document in intake._claim("me")
    ]
    intake._finish("me", outcomes)
    found = documents()
    assert (found["good.txt"].status, found["bad.txt"].status) == ("parsed", "failed")
    assert found["bad.txt"].reason == "parse_crash"


def test_a_disk_without_room_costs_no_document_an_attempt(corpus_id: str, environment: pytest.MonkeyPatch) -> None:
    add(corpus_id, one=b"One.", two=b"Two.")
    claimed = intake._claim("me")
    folder = settings().data_dir / "blobs" / "incoming"
    folder.rmdir()  # stands for any error of the file system
    with pytest.raises(OSError):
        intake._finish("me", [(document, Parsed(text="Text.", media_type="text/plain")) for document in claimed])
    folder.mkdir()
    assert [(row.status, row.owner, row.attempt) for row in documents().values()] == [("pending", None, 0)] * 2
    intake.run()
    assert {row.status for row in documents().values()} == {"parsed"}
