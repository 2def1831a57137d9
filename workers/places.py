"""The number that a unit's shares are apportioned by, taken over from the dataset that this one makes again.

Numbers count up, so that types of questions get their shares whatever the number of units (workers.steps.shares). A
context that an earlier dataset had gets the number it had there, whatever became of the others: so it is asked the
same, and what was paid for is replayed. New contexts get the numbers that are free.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import slices
from app.models import Chunk, Context, Dataset, Unit
from workers.layout import Layout

# What must be the same for an earlier dataset to have made the same calls about the same context.
SAME = ("options", "seed", "chunking", "grouping", "language", "model")
LOOKED_AT = 50  # datasets of the task, the newest first
USED = 5  # of them that are the same; an older one can only know contexts that came, went and came back

Key = tuple[str, int]  # a context's digest, and the round


def assign(session: Session, dataset: Dataset, wanted: Sequence[Key], first: int) -> list[int]:
    """A number for each of these units; those that no earlier dataset had count up from `first`."""
    known: dict[Key, list[int]] = {}
    for dataset_id in _earlier(session, dataset):
        known = _numbers(session, dataset_id) | known
    return spread(wanted, known, first)


def digests(session: Session, layout: Layout) -> list[str]:
    """For each context what it holds, as one hash of its chunks' own; of its seed's where the others are examples."""
    texts: dict[str, str] = {}
    wanted = sorted({chunk_id for found in layout.groups for chunk_id in found.chunk_ids})
    for some in slices(wanted):
        rows = session.execute(select(Chunk.id, Chunk.sha256).where(Chunk.id.in_(some)))
        texts |= {row.id: row.sha256 for row in rows}
    held = [(found.seed,) if layout.examples else found.chunk_ids for found in layout.groups]
    return [hashlib.sha256(",".join(texts[chunk_id] for chunk_id in ids).encode()).hexdigest() for ids in held]


def spread(wanted: Sequence[Key], known: Mapping[Key, Sequence[int]], first: int) -> list[int]:
    """Known numbers where they are known and not given twice; else the lowest from `first` that nobody has.

    Several are known of a key that is there several times: of documents that hold the same text.
    """
    taken: set[int] = set()
    found: list[int | None] = []
    for key in wanted:
        number = next((one for one in known.get(key, ()) if one not in taken), None)
        if number is not None:
            taken.add(number)
        found.append(number)
    free = (number for number in count(first) if number not in taken)
    return [next(free) if number is None else number for number in found]


def _earlier(session: Session, dataset: Dataset) -> list[str]:
    """Datasets that made the same of their documents, the newest first."""
    query = (
        select(Dataset.id, Dataset.spec)
        .where(
            Dataset.tenant_id == dataset.tenant_id,
            Dataset.task == dataset.task,
            Dataset.id != dataset.id,
            Dataset.units_total > 0,
        )
        .order_by(Dataset.created_at.desc(), Dataset.id.desc())
        .limit(LOOKED_AT)
    )
    mine = _relevant(dataset.spec)
    return [other for other, spec in session.execute(query) if _relevant(spec) == mine][:USED]


def _relevant(spec: dict[str, Any]) -> list[Any]:
    return [spec.get(name) for name in SAME]


def _numbers(session: Session, dataset_id: str) -> dict[Key, list[int]]:
    query = (
        select(Context.sha256, Unit.round, Unit.place)
        .join(Context, Context.id == Unit.context_id)
        .where(Unit.dataset_id == dataset_id, Unit.work.is_(None), Context.sha256 != "")
        .order_by(Unit.position)
    )
    found: dict[Key, list[int]] = {}
    for sha256, round_, place in session.execute(query):
        found.setdefault((sha256, round_), []).append(place)
    return found
