"""Files of records, one JSON value a line or one array: the places of the records, and chunks that hold them.

A chunk holds the record as it was uploaded: text[start:end] of the decoded file. So nothing of its structure is lost.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from sqlalchemy import insert, select

from app import storage
from app.db import reading, transaction
from app.models import Chunk, Document
from workers.parse import encoding

KINDS = (".jsonl", ".ndjson", ".json")
NAMED = 20  # places that a report lists


@dataclass(frozen=True, slots=True)
class Piece:
    """A record as text, and where it stands: the file's `number`-th line or element, at [start, ...) when decoded."""

    number: int
    place: str
    start: int
    text: str


def is_read(document: Document) -> bool:
    """Is it a file of records, by its name?"""
    return PurePath(document.name).suffix.lower() in KINDS


def pieces(document: Document) -> Iterator[Piece]:
    """Every line that is not blank, or every element; whether each is JSON shows when it is read."""
    text, _ = encoding.decode(b"".join(storage.storage().read(document.sha256)))
    text = text.replace("\0", "\ufffd")  # which no database stores in a text
    array = document.name.lower().endswith(".json")
    for number, start, piece in _elements(text) if array else _lines(text):
        yield Piece(number, f"{'record' if array else 'line'} {number}", start, piece)


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    start = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, start, line
        start += len(line) + 1


def _elements(text: str) -> Iterator[tuple[int, int, str]]:
    """The elements of an array, or the one value there is; the parser has seen that the whole is JSON."""
    start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    if text[start : start + 1] != "[":
        yield 1, start, text[start:].rstrip()
        return
    decoder, number, at = json.JSONDecoder(), 0, start + 1
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text) or text[at] == "]":
            return
        _, end = decoder.raw_decode(text, at)
        number += 1
        yield number, at, text[at:end]
        at = end


def report(name: str, faults: dict[str, list[str]]) -> list[str]:
    """A sentence for each fault, with the numbers of the places where it was found."""
    found = []
    for fault, places in faults.items():
        numbers = ", ".join(place.split()[1] for place in places[:NAMED])
        more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
        where = f"{places[0].split()[0]}{'s' if len(places) > 1 else ''} {numbers}{more}: " if places else ""
        found.append(f"{name}: {where}{fault}")
    return found


def store(document: Document, recipe: str, records: Sequence[Piece]) -> list[str]:
    """The ids of the records' chunks, stored in one transaction unless they are there."""
    rows = [
        {
            "id": f"chk_{hashlib.sha256(f'{document.id}|{recipe}|{record.number}'.encode()).hexdigest()[:26]}",
            "tenant_id": document.tenant_id,
            "document_id": document.id,
            "recipe": recipe,
            "position": record.number,
            "start": record.start,
            "end": record.start + len(record.text),
            "section": record.place,
            "page_starts": [],
            "sha256": hashlib.sha256(record.text.encode()).hexdigest(),
            "text": record.text,
        }
        for record in records
    ]
    mine = select(Chunk.id).where(Chunk.document_id == document.id, Chunk.recipe == recipe)
    with reading() as session:
        stored = set(session.scalars(mine))
    if any(row["id"] not in stored for row in rows):
        with transaction() as session:
            stored = set(session.scalars(mine))  # another plan may have been as far meanwhile
            if missing := [row for row in rows if row["id"] not in stored]:
                session.execute(insert(Chunk), missing)
    return [str(row["id"]) for row in rows]
