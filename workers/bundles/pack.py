"""The ZIP file of a bundle: written as a stream, the same bytes for the same export."""

import zipfile
from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import select

from app import catalog, storage
from app.catalog.bundled import Trainer
from app.datasets import mixes
from app.db import reading
from app.models import Dataset, Document, Export
from workers import zipped
from workers.bundles import card, croissant, facts, licence
from workers.containers import File
from workers.containers.columns import Seen
from workers.containers.spool import Sink, stored

_DOCUMENTS_AT_ONCE = 1000


def pack(
    export: Export,
    dataset: Dataset,
    asked: dict[str, Any],
    written: dict[str, File],
    columns: dict[str, Seen],
    manifest: dict[str, Any],
) -> File:
    """Everything in one file: see docs/exports.md for what is in it."""
    store = storage.storage()
    with reading() as session:
        found = facts.gather(session, export, dataset, asked, written, columns, manifest)
    trainers = {name: catalog.TRAINERS[name] for name in asked["trainers"]}
    with store.upload() as upload:
        with zipfile.ZipFile(Sink(upload), "w") as file:
            for path, text in _texts(found, trainers).items():
                zipped.add(file, path, iter([text.encode()]))
            zipped.add(file, "provenance/manifest.json", iter([orjson.dumps(manifest, option=orjson.OPT_INDENT_2)]))
            zipped.add(file, "provenance/documents.jsonl", _documents(dataset))
            packed = found.container.packed
            for split in found.splits.values():
                start, size = split.file["start"], split.file["bytes"]
                zipped.add(file, split.path, store.read(split.file["blob"], start, start + size), packed, size)
        return stored(store.keep(upload), upload, found.rows)


def _texts(found: facts.Facts, trainers: dict[str, Trainer]) -> dict[str, str]:
    bundled = found.bundled()
    return {
        "README.md": card.card(found, trainers),
        "LICENSE": licence.text(found),
        "croissant.json": croissant.metadata(found, card.description(found)),
    } | {
        f"trainers/{trainer}/{name}": text
        for trainer, entry in trainers.items()
        for name, text in entry.files(bundled).items()
    }


def _documents(dataset: Dataset) -> Iterator[bytes]:
    """A line for each document of each corpus, in the order of their names."""
    with reading() as session:
        found = mixes.corpora(session, dataset)
    for corpus_id in found:
        yield from _of_corpus(corpus_id)


def _of_corpus(corpus_id: str) -> Iterator[bytes]:
    last = ""
    while True:
        page = (
            select(Document.id, Document.name, Document.sha256, Document.size, Document.media_type, Document.language)
            .where(*facts.of_corpus(corpus_id), Document.name > last)
            .order_by(Document.name)
            .limit(_DOCUMENTS_AT_ONCE)
        )
        with reading() as session:
            rows = [row._asdict() for row in session.execute(page)]
        for row in rows:
            yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        if len(rows) < _DOCUMENTS_AT_ONCE:
            return
        last = rows[-1]["name"]
