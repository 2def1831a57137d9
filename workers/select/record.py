"""What the selection writes: rows dropped, masked or split, a few hundred in each transaction, behind the fence.

Rows and counters change together, so whatever ends the worker in between, the dataset's numbers are true, and the
next selection goes on from there.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import transaction
from app.models import Dataset, Sample
from workers import lease
from workers.select.candidates import Drop
from workers.select.screen import Policies, mask

AT_ONCE = 500
Item = TypeVar("Item")


class Stopped(Exception):
    """The dataset is not selecting any more, or the lease was lost: leave off, and write nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write: checked, with the dataset's row locked, in every transaction."""

    dataset_id: str
    owner: str
    attempt: int


@contextmanager
def fenced(held: Lease) -> Iterator[tuple[Session, Dataset]]:
    """A transaction in which the lease is ours and the dataset is selecting. Raises Stopped."""
    with transaction() as session:
        if not lease.still_mine(session, Dataset, held.dataset_id, held.owner, held.attempt):
            raise Stopped
        dataset = session.get_one(Dataset, held.dataset_id, with_for_update=True)
        if dataset.status != "selecting":
            raise Stopped
        yield session, dataset


def drop(held: Lease, drops: Sequence[Drop]) -> None:
    """These rows leave the dataset, each with its reason."""
    for some in batches(drops):
        with fenced(held) as (session, dataset):
            values = [{"id": one.row, "state": "dropped", "reason": one.reason, "detail": one.detail} for one in some]
            session.execute(update(Sample), values)
            dropped = Counter(dataset.dropped)
            dropped.update(one.reason for one in some)
            dataset.dropped = dict(dropped)
            dataset.accepted -= len(some)
            dataset.version += 1


def screened(held: Lease, masked: Iterable[int], found: dict[int, list[dict[str, Any]]], policies: Policies) -> None:
    """Store what was found in rows, and mask every text of those that are to be masked.

    Of a source the quote is masked; its offsets and SHA-256 stay, so that the place can still be looked up.
    """
    rewrite = set(masked)
    for some in batches(sorted(rewrite | set(found))):
        with fenced(held) as (session, _):
            for row in session.scalars(select(Sample).where(Sample.id.in_(some))):
                if row.id in found:
                    row.findings = found[row.id]
                if row.id in rewrite:
                    _mask(row, policies)


def _mask(row: Sample, policies: Policies) -> None:
    row.identity = row.content = None  # it is another text now; app.datasets.versions finds out whose
    row.question, row.answer = mask(row.question, policies), mask(row.answer, policies)
    row.parent_question = mask(row.parent_question, policies)
    row.attributes = mask(row.attributes, policies)
    row.sources = [span | {"quote": mask(span["quote"], policies)} for span in row.sources]
    row.verdicts = [verdict | {"reason": mask(verdict["reason"], policies)} for verdict in row.verdicts]


def split(held: Lease, train: Sequence[int], validation: Sequence[int]) -> None:
    """Say of each row which side it is on."""
    for name, rows in (("train", train), ("validation", validation)):
        for some in batches(rows):
            with fenced(held) as (session, _):
                session.execute(update(Sample).where(Sample.id.in_(some)).values(split=name))


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items, AT_ONCE at a time."""
    rest = iter(items)
    while some := list(islice(rest, AT_ONCE)):
        yield some
