"""Plan a dataset of pre-training text: documents without furniture and repeats, packed into texts of so many tokens.

A context is one packed text: stretches of documents, each a chunk with its exact place, in the order of the documents.
"""

import hashlib
import math
import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson
from sqlalchemy import insert, select

from app import storage
from app.catalog.tasks.pretrain import PretrainOptions
from app.coverage.sections import paths
from app.coverage.sentences import split
from app.db import reading, slices, transaction
from app.models import Chunk, Dataset, Document
from app.settings import settings
from workers import boilerplate
from workers.chunk import Piece, token_counter
from workers.grouping import Group
from workers.layout import FALLBACK_LANGUAGE, Layout

CHARACTERS_A_TOKEN = 4  # where no tokenizer is configured
LEAST_ROOM = 32  # tokens: a text with less room is full
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")

Count = Callable[[str], int]


@dataclass(slots=True)
class _Pack:
    """Stretches (document's number, start, end) of one text, and how many tokens it has so far."""

    parts: list[tuple[int, int, int]] = field(default_factory=list)
    tokens: int = 0


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """A context for each packed text. No model is asked."""
    options = PretrainOptions.model_validate(dataset.spec["options"])
    texts = [storage.text(document.text_sha256 or "") for document in documents]
    kept, left_out = boilerplate.stretches(texts, furniture=options.boilerplate, repeated=options.duplicate_lines)
    count = counter()
    packs = _packed(texts, kept, options.tokens, options.pack == "across", count)
    ids = _store(documents, texts, packs)
    languages = {
        chunk: documents[part[0]].language or FALLBACK_LANGUAGE
        for pack, chunks in zip(packs, ids, strict=True)
        for part, chunk in zip(pack.parts, chunks, strict=True)
    }
    groups = [Group(chunk_ids=tuple(chunks), quality=1.0, seed=chunks[0]) for chunks in ids]
    return Layout(groups=groups, languages=languages, counts={"chunks": len(languages), "lines_left_out": left_out})


def counter() -> Count:
    """Tokens of a text, by the generator's tokenizer, or where none is configured four characters each."""
    folder = settings().generator_tokenizer
    return token_counter(folder) if folder else lambda text: math.ceil(len(text) / CHARACTERS_A_TOKEN)


def _packed(texts: list[str], kept: list[list[tuple[int, int]]], size: int, across: bool, count: Count) -> list[_Pack]:
    """Paragraph by paragraph into texts of at most `size` tokens; neighbours in a document make one stretch."""
    packs = [_Pack()]
    for number, (text, stretches) in enumerate(zip(texts, kept, strict=True)):
        if packs[-1].parts and (not across or size - packs[-1].tokens < LEAST_ROOM):
            packs.append(_Pack())
        for start, end in stretches:
            fresh = True
            for left, right in _pieces(text, start, end, size, count):
                tokens = count(text[left:right]) + 1  # what stands between two paragraphs
                if packs[-1].parts and packs[-1].tokens + tokens > size:
                    packs.append(_Pack())
                    fresh = True
                pack = packs[-1]
                if fresh:
                    pack.parts.append((number, left, right))
                else:
                    pack.parts[-1] = (number, pack.parts[-1][1], right)
                pack.tokens += tokens
                fresh = False
    return [pack for pack in packs if pack.parts]


def _pieces(text: str, start: int, end: int, size: int, count: Count) -> Iterator[tuple[int, int]]:
    """The paragraphs of text[start:end]; of one that is too long the sentences, and of those what fits."""
    cuts = [start, *(match.end() for match in _PARAGRAPH.finditer(text, start, end)), end]
    for left, right in pairwise(cuts):
        left, right = _stripped(text, left, right)
        if left >= right:
            continue
        if count(text[left:right]) < size:
            yield left, right
            continue
        sentences = [(left + one, left + other) for one, other in split(text[left:right])]
        for one, other in sentences:
            while count(text[one:other]) >= size:
                step = max(1, (other - one) * (size - 1) // (count(text[one:other]) + 1))
                yield one, one + step
                one += step
            if one < other:
                yield one, other


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


def _store(documents: list[Document], texts: list[str], packs: list[_Pack]) -> list[list[str]]:
    """The ids of each pack's chunks, stored unless they are there. The same cut of a document has the same ids."""
    cuts: dict[int, list[tuple[int, int]]] = {}
    for pack in packs:
        for number, start, end in pack.parts:
            cuts.setdefault(number, []).append((start, end))
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for number, places in cuts.items():
        recipe = hashlib.sha256(b"packed@1|" + orjson.dumps(places)).hexdigest()
        for position, row in enumerate(_rows(documents[number], texts[number], places)):
            name = hashlib.sha256(f"{row['document_id']}|{recipe}|{position}".encode()).hexdigest()[:26]
            rows[number, row["start"]] = row | {"id": f"chk_{name}", "recipe": recipe, "position": position}
    ids = [[str(rows[number, start]["id"]) for number, start, _ in pack.parts] for pack in packs]
    for some in slices(list(rows.values())):
        wanted = [row["id"] for row in some]
        with reading() as session:
            stored = set(session.scalars(select(Chunk.id).where(Chunk.id.in_(wanted))))
        if len(stored) < len(wanted):
            with transaction() as session:
                stored = set(session.scalars(select(Chunk.id).where(Chunk.id.in_(wanted))))
                if missing := [row for row in some if row["id"] not in stored]:
                    session.execute(insert(Chunk), missing)
    return ids


def _rows(document: Document, text: str, places: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    headings = document.layout.get("headings") or []
    pages = document.layout.get("pages") or []
    starts, sections = [heading[2] for heading in headings], paths(headings)
    for start, end in places:
        under = bisect_right(starts, start) - 1
        piece = Piece(text[start:end], start, sections[under] if under >= 0 else "", pages)
        yield {
            "tenant_id": document.tenant_id,
            "document_id": document.id,
            "start": piece.start,
            "end": piece.end,
            "section": piece.section[:500],
            "page": piece.page,
            "page_starts": piece.page_starts,
            "sha256": hashlib.sha256(piece.text.encode()).hexdigest(),
            "text": piece.text,
        }
