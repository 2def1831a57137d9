"""In a mix: what belongs to the same fact as a row that one of the datasets held out is held out too."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import select

from app.db import reading, slices
from app.models import Context, Sample
from workers.select import duplicates, split
from workers.select.candidates import Row
from workers.select.words import words


class Held(Protocol):
    """A row on its way into a mix."""

    row: int
    held_out: bool


def spread(taken: Sequence[Held], alive: Callable[[], None]) -> int:
    """Set `held_out` on every row of a cluster that has a row so. Returns how many were set.

    Clusters are those of `split`: the same context or chunk, overlapping sources, near copies.
    """
    if not any(one.held_out for one in taken):
        return 0
    rows, texts, chunks = _read([one.row for one in taken])
    alive()
    roots = split.clusters_of(rows, duplicates.hashes(map(words, texts)), chunks, alive)
    held = {root for root, one in zip(roots, taken, strict=True) if one.held_out}
    moved = [one for root, one in zip(roots, taken, strict=True) if root in held and not one.held_out]
    for one in moved:
        one.held_out = True
    return len(moved)


def _read(ids: Sequence[int]) -> tuple[list[Row], list[str], list[list[str]]]:
    """The rows as the split knows them, their texts, and the chunks of each context, by its place."""
    columns = (Sample.id, Sample.context_id, Sample.kind, Sample.question, Sample.answer, Sample.sources)
    found: dict[int, Any] = {}
    for some in slices(ids):
        with reading() as session:
            found |= {row.id: row for row in session.execute(select(*columns).where(Sample.id.in_(some)))}
    contexts: dict[str, int] = {}
    documents: dict[str, int] = {}
    rows, texts = [], []
    for row_id in ids:
        row = found[row_id]
        context = contexts.setdefault(row.context_id, len(contexts))
        spans = tuple(
            (documents.setdefault(span["document_id"], len(documents)), span["start"], span["end"])
            for span in row.sources
        )
        rows.append(Row(row_id, context, row.kind, 0, spans, b"", ()))
        texts.append(f"{row.question} {row.answer}")
    return rows, texts, _chunks(contexts)


def _chunks(contexts: Iterable[str]) -> list[list[str]]:
    wanted = list(contexts)
    found: dict[str, list[str]] = {}
    for some in slices(wanted):
        with reading() as session:
            query = select(Context.id, Context.chunk_ids).where(Context.id.in_(some))
            found |= {context: chunk_ids for context, chunk_ids in session.execute(query)}
    return [found.get(context, []) for context in wanted]
