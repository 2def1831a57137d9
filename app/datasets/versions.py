"""Versions of a dataset: made again of its corpus as it is now, and compared row by row."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from app import catalog, paging
from app.datasets import service
from app.datasets.identity import content, identity
from app.datasets.schemas import DatasetCreate
from app.datasets.version_schemas import Change, DatasetRebuild, DiffCounts, DiffPage, DiffRow, DiffSide
from app.db import reading, slices, transaction
from app.errors import NotFound, NotReady
from app.models import Chunk, Context, Dataset, Document, Sample
from app.models.datasets import FINAL
from app.remembered import Remembered

AT_ONCE = 500
WINDOW, WIDEST = 200, 20_000  # rows of each dataset compared at once for a page, growing while little is found

_counts: Remembered[DiffCounts] = Remembered(most=200, seconds=3600)


def rebuild(
    session: Session, tenant_id: str, dataset_id: str, wanted: DatasetRebuild, served: list[str] | None
) -> Dataset:
    """A new dataset by the same request over the corpus as it is now; the old one is never repaired again.

    Raises what asking for it raises, NotFound, and NotReady while the old one has not ended.
    """
    parent = ended(session, tenant_id, dataset_id, lock=True)
    asked = {name: value for name, value in parent.spec.items() if name in DatasetCreate.model_fields}
    task = catalog.TASKS[parent.task]
    if task.carried or task.source == "datasets":  # what they are made of stands in the options
        asked["corpus_id"] = None
    if task.source == "datasets":
        asked["model"] = None
    again = DatasetCreate.model_validate(asked | {"name": wanted.name or parent.name})
    held_in = parent.corpus_id if task.carried else None  # its document: a database may have reordered the options
    dataset = service.create(session, tenant_id, again, served, held_in=held_in)
    dataset.rebuilt_from, dataset.origin = parent.id, parent.origin or parent.id
    parent.sealed = True
    parent.version += 1
    return dataset


def ended(session: Session, tenant_id: str, dataset_id: str, *, lock: bool = False) -> Dataset:
    """A dataset whose rows do not change any more. Raises NotFound or NotReady."""
    dataset = service.get(session, tenant_id, dataset_id, lock=lock)
    if dataset.status not in FINAL:
        raise NotReady(f"dataset {dataset_id} is {dataset.status}; wait until it has ended")
    return dataset


def chain(dataset: Dataset) -> ColumnElement[bool]:
    """The datasets that it and others were made again from, and those made of them."""
    origin = dataset.origin or dataset.id
    return and_(Dataset.tenant_id == dataset.tenant_id, or_(Dataset.id == origin, Dataset.origin == origin))


def page(session: Session, tenant_id: str, dataset_id: str, after: str | None, limit: int) -> dict[str, Any]:
    """All datasets of its chain, newest first."""
    dataset = service.get(session, tenant_id, dataset_id)
    found = paging.page(session, select(Dataset).where(chain(dataset)), Dataset, tenant_id, after, limit)
    return found | {"data": [service.read(one) for one in found["data"]]}


def diff(tenant_id: str, a: str, b: str, change: Change | None, after: str | None, limit: int) -> DiffPage:
    """What became of the accepted rows of `a` in `b`: a page of rows, and the counts of all.

    Rows are the same by `identity`; of several with one identity those that say the same are matched first, and the
    others in the order of their contents. Raises NotFound or NotReady.
    """
    with reading() as session:
        old, new = ended(session, tenant_id, a), ended(session, tenant_id, b)
    for one in (old, new):
        complete(one)
    key = (a, old.version, b, new.version)
    counts = _counts.get(key, lambda: _count(a, b))
    with reading() as session:
        rows = _rows(session, a, b, change, _cursor(after), limit + 1)
    shown = rows[:limit]
    return DiffPage(
        a=a,
        b=b,
        counts=counts,
        data=shown,
        has_more=len(rows) > limit,
        first_id=shown[0].id if shown else None,
        last_id=shown[-1].id if shown else None,
    )


def complete(dataset: Dataset) -> None:
    """Give identities to accepted rows that have none: made before rows had any, or masked since."""
    dataset_id, about = dataset.id, catalog.TASKS[dataset.task].source != "rows"
    missing = (
        select(Sample.id, Sample.question, Sample.answer, Sample.attributes, Context.chunk_ids)
        .outerjoin(Context, and_(Context.id == Sample.context_id, Context.dataset_id == dataset_id))
        .where(Sample.dataset_id == dataset_id, Sample.state == "accepted", Sample.identity.is_(None))
        .limit(AT_ONCE)
    )
    while True:
        with reading() as session:
            rows = session.execute(missing).all()
            names = _documents(session, sorted({chunk for row in rows for chunk in row.chunk_ids or ()}))
        if not rows:
            return
        values = [
            {
                "id": row.id,
                "identity": identity(
                    row.question,
                    row.answer,
                    row.attributes,
                    (names[chunk] for chunk in (row.chunk_ids or () if about else ())),
                ),
                "content": content(row.answer, row.attributes),
            }
            for row in rows
        ]
        with transaction() as session:
            session.execute(update(Sample), values)


def _documents(session: Session, chunks: Sequence[str]) -> dict[str, str]:
    """Chunk -> the name of its document."""
    found: dict[str, str] = {}
    for some in slices(chunks):
        query = select(Chunk.id, Document.name).join(Document, Document.id == Chunk.document_id)
        found |= {chunk: name for chunk, name in session.execute(query.where(Chunk.id.in_(some)))}
    return found


def _by_identity(a: str, b: str, *within: ColumnElement[bool]) -> Subquery:
    """Identity -> its rows in `a` and in `b`, and how many of them say the same in both."""
    ours, theirs = (func.sum(case((Sample.dataset_id == one, 1), else_=0)) for one in (a, b))
    said = (
        select(Sample.identity, Sample.content, ours.label("a"), theirs.label("b"))
        .where(Sample.dataset_id.in_({a, b}), Sample.state == "accepted", *within)
        .group_by(Sample.identity, Sample.content)
        .subquery()
    )
    same = func.sum(case((said.c.a < said.c.b, said.c.a), else_=said.c.b))
    return (
        select(said.c.identity, func.sum(said.c.a).label("a"), func.sum(said.c.b).label("b"), same.label("kept"))
        .group_by(said.c.identity)
        .subquery()
    )


def _count(a: str, b: str) -> DiffCounts:
    per = _by_identity(a, b)
    both = case((per.c.a < per.c.b, per.c.a), else_=per.c.b)
    sums = (per.c.b - both, per.c.a - both, both - per.c.kept, per.c.kept)
    with reading() as session:
        added, removed, changed, kept = session.execute(select(*map(func.sum, sums))).one()
    return DiffCounts(added=added or 0, removed=removed or 0, changed=changed or 0, kept=kept or 0)


def _rows(
    session: Session, a: str, b: str, change: Change | None, cursor: tuple[str, int], limit: int
) -> list[DiffRow]:
    identities = _differing(session, a, b, change, cursor[0], limit + 1)
    sides: dict[str, dict[str, list[DiffSide]]] = {one: {a: [], b: []} for one in identities}
    for some in slices(identities):
        rows = session.scalars(
            select(Sample)
            .where(Sample.dataset_id.in_({a, b}), Sample.state == "accepted", Sample.identity.in_(some))
            .order_by(Sample.content, Sample.id)
        )
        for row in rows:
            sides[str(row.identity)][row.dataset_id].append(DiffSide.model_validate(row))
    found: list[DiffRow] = []
    for one in identities:
        pairs = _paired(sides[one][a], sides[one][b])
        for number, (before, after) in enumerate(pairs):
            kind = _kind(before, after)
            if (one, number) > cursor and kind == (change or kind) and (change or kind != "kept"):
                shown = after or before
                assert shown is not None
                told = {"before": before, "after": after}
                found.append(DiffRow(id=f"{one}.{number}", change=kind, question=shown.question, **told))
    return found[:limit]


def _differing(session: Session, a: str, b: str, change: Change | None, least: str, count: int) -> list[str]:
    """The first `count` identities from `least` on that have such rows, looked for window by window."""
    found: list[str] = []
    begin: ColumnElement[bool] = Sample.identity >= least
    width = WINDOW
    while len(found) < count:
        upto = _end_of_window(session, a, b, begin, width)
        per = _by_identity(a, b, begin, *([Sample.identity <= upto] if upto else []))
        both = case((per.c.a < per.c.b, per.c.a), else_=per.c.b)
        having = {
            "added": per.c.b > both, "removed": per.c.a > both, "changed": both > per.c.kept, "kept": per.c.kept > 0,
        }  # fmt: skip
        wanted = having[change] if change else or_(having["added"], having["removed"], having["changed"])
        query = select(per.c.identity).where(wanted).order_by(per.c.identity).limit(count - len(found))
        found += session.scalars(query)
        if upto is None:
            break
        begin, width = Sample.identity > upto, min(2 * width, WIDEST)
    return found


def _end_of_window(session: Session, a: str, b: str, begin: ColumnElement[bool], width: int) -> str | None:
    """The identity up to which neither dataset has more than `width` rows, by the index; None: both end before."""
    ends = []
    for dataset_id in (a, b):
        query = select(Sample.identity).where(Sample.dataset_id == dataset_id, begin).order_by(Sample.identity)
        ends.append(session.scalar(query.offset(width - 1).limit(1)))
    return min((end for end in ends if end is not None), default=None)


def _paired(old: list[DiffSide], new: list[DiffSide]) -> list[tuple[DiffSide | None, DiffSide | None]]:
    """The same contents first, then the others as they come."""
    pairs: list[tuple[DiffSide | None, DiffSide | None]] = []
    left = list(new)
    alone = []
    for row in old:
        twin = next((other for other in left if other.content == row.content), None)
        if twin:
            left.remove(twin)
            pairs.append((row, twin))
        else:
            alone.append(row)
    most = max(len(alone), len(left))
    pad: list[None] = [None] * most
    rest = zip([*alone, *pad][:most], [*left, *pad][:most], strict=True)
    return [*pairs, *rest]


def _kind(before: DiffSide | None, after: DiffSide | None) -> Change:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "kept" if before.content == after.content else "changed"


def _cursor(after: str | None) -> tuple[str, int]:
    if after is None:
        return "", -1
    name, _, number = after.partition(".")
    if len(name) != 32 or not (number.isascii() and number.isdecimal()) or len(number) > 9:
        raise NotFound(f"after={after}")
    return name, int(number)
