"""From uploaded files of instructions to chunks and contexts: one record is one chunk, and the seed of one context.

A chunk holds the record as it was uploaded: text[start:end] of the decoded file. So nothing of its structure is lost.
"""

import bisect
import hashlib
import json
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import PurePath

from sqlalchemy import insert, select

from app import storage
from app.db import reading, transaction
from app.models import Chunk, Dataset, Document
from workers.grouping import Group
from workers.grouping.seeds import drawn
from workers.layout import FALLBACK_LANGUAGE, Layout
from workers.parse import encoding, language
from workers.steps.instruction import Instruction, read

KINDS = (".jsonl", ".ndjson", ".json")
RECIPE = "instructions@1"
EXAMPLES = 7  # beside the seed: Self-Instruct shows eight
NAMED = 20  # places that a report lists
NOT_LATIN = frozenset(
    {"ru", "uk", "be", "bg", "sr", "mk", "kk", "el", "he", "ar", "fa", "ur", "hi", "bn", "zh", "ja", "ko", "th", "ka"}
)


@dataclass(frozen=True, slots=True)
class Record:
    """An instruction and where it stands: the file's `number`-th line or element, at [start, ...) when decoded."""

    number: int
    place: str
    start: int
    text: str
    found: Instruction


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """One context for each instruction of the corpus, documents in turn, each document's in an order drawn by seed."""
    planned = Layout(examples=True)
    seed: int = dataset.spec["seed"]
    known: set[str] = set()
    texts: dict[str, str] = {}
    by_document = []
    for document in documents:
        records, faults = _records(document, known)
        planned.left_out += _report(document.name, faults)
        ids = _store(document, records)
        own = document.language or FALLBACK_LANGUAGE
        planned.languages |= {ids[i]: _language(record.found.text, own) for i, record in enumerate(records)}
        texts |= {ids[i]: record.text for i, record in enumerate(records)}
        by_document.append(sorted(ids, key=lambda chunk_id: drawn(seed, texts[chunk_id])))
    order = [found for turn in zip_longest(*by_document) for found in turn if found is not None]
    examples = EXAMPLES if dataset.spec["options"].get("grow") else 0
    ring = sorted((drawn(seed, texts[chunk_id]), chunk_id) for chunk_id in order) if examples else []
    for chunk_id in order:
        others = _others(ring, seed, chunk_id, texts[chunk_id], examples)
        planned.groups.append(Group(chunk_ids=(chunk_id, *others), quality=1.0, seed=chunk_id))
    planned.counts = {"chunks": len(order)}
    return planned


def _others(ring: list[tuple[bytes, str]], seed: int, chunk_id: str, text: str, count: int) -> list[str]:
    """Examples beside a record: those that follow points drawn by its text on a ring of all records' hashes.

    So a record that is added or changed is an example of some others, and leaves those of the rest as they are
    (consistent hashing, Karger et al. 1997). All of them where there are no more than `count`.
    """
    if len(ring) <= count + 1:
        return [other for _, other in ring if other != chunk_id]
    found: dict[str, None] = {}
    for number in range(count):
        at = bisect.bisect_left(ring, (drawn(seed, text, str(number)), ""))
        while (other := ring[at % len(ring)][1]) == chunk_id or other in found:
            at += 1
        found[other] = None
    return list(found)


def _records(document: Document, known: set[str]) -> tuple[list[Record], dict[str, list[str]]]:
    """The document's instructions, and the places of what is none, by fault. `known` grows by what was read."""
    records: list[Record] = []
    faults: dict[str, list[str]] = {}
    if PurePath(document.name).suffix.lower() not in KINDS:
        return [], {f"it is no file of instructions ({', '.join(KINDS)})": []}
    text, _ = encoding.decode(b"".join(storage.storage().read(document.sha256)))
    array = document.name.lower().endswith(".json")
    pieces, what = (_elements(text), "record") if array else (_lines(text), "line")
    for number, start, piece in pieces:
        place = f"{what} {number}"
        try:
            found = read(json.loads(piece))
        except (ValueError, RecursionError):
            found = "it is not JSON"
        if isinstance(found, Instruction) and found.text in known:
            found = "it repeats an earlier instruction"
        if isinstance(found, str):
            faults.setdefault(found, []).append(place)
            continue
        known.add(found.text)
        records.append(Record(number, place, start, piece, found))
    return records, faults


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


def _report(name: str, faults: dict[str, list[str]]) -> list[str]:
    found = []
    for fault, places in faults.items():
        numbers = ", ".join(place.split()[1] for place in places[:NAMED])
        more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
        where = f"{places[0].split()[0]}{'s' if len(places) > 1 else ''} {numbers}{more}: " if places else ""
        found.append(f"{name}: {where}{fault}")
    return found


def _store(document: Document, records: list[Record]) -> list[str]:
    """The ids of the records' chunks, stored in one transaction unless they are there."""
    rows = [
        {
            "id": f"chk_{hashlib.sha256(f'{document.id}|{RECIPE}|{record.number}'.encode()).hexdigest()[:26]}",
            "tenant_id": document.tenant_id,
            "document_id": document.id,
            "recipe": RECIPE,
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
    mine = select(Chunk.id).where(Chunk.document_id == document.id, Chunk.recipe == RECIPE)
    with reading() as session:
        stored = set(session.scalars(mine))
    if any(row["id"] not in stored for row in rows):
        with transaction() as session:
            stored = set(session.scalars(mine))  # another plan may have been as far meanwhile
            if missing := [row for row in rows if row["id"] not in stored]:
                session.execute(insert(Chunk), missing)
    return [str(row["id"]) for row in rows]


def _language(text: str, document: str) -> str:
    """The document's, unless the instruction is written in another script: short texts are guessed badly."""
    script = Counter(unicodedata.name(letter, "?").split(" ")[0] for letter in text[:400] if letter.isalpha())
    if not script or (script.most_common(1)[0][0] == "LATIN") == (document not in NOT_LATIN):
        return document
    return language.detect(text) or document
