"""Reads the test sets of a dataset: the documents of the corpora that `decontaminate` names."""

from collections.abc import Callable

from sqlalchemy import select

from app import storage
from app.db import reading
from app.models import Document
from workers.parse import encoding
from workers.parse.failure import ParseFailed
from workers.select.contamination import TestSet, strings

_AS_UPLOADED = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")  # their fields are lost in the text that a model reads


def load(corpus_ids: list[str], size: int, alive: Callable[[], None]) -> tuple[TestSet | None, list[str]]:
    """What rows are compared with, and the names of documents that could not be read. None: there are no test sets."""
    if not corpus_ids:
        return None, []
    tests, unread = TestSet(size), []
    query = select(Document.name, Document.sha256, Document.text_sha256).where(
        Document.corpus_id.in_(corpus_ids), ~Document.replaced
    )
    with reading() as session:
        documents = session.execute(query.order_by(Document.name)).all()
    for name, sha256, text_sha256 in documents:
        alive()
        if name.lower().endswith(_AS_UPLOADED):
            data = b"".join(storage.storage().read(sha256))
            try:
                tests.add(strings(name, encoding.decode(data)[0]))
            except ParseFailed:
                unread.append(name)
        elif text_sha256:
            tests.add(strings(name, storage.text(text_sha256)))
        else:
            unread.append(name)
    return tests, unread
