"""Datasets: ask for one, follow it, pause, resume and cancel it, read its rows and events."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import catalog, ids, paging
from app.corpora import service as corpora
from app.datasets import checks, mixes
from app.datasets.models_served import check_adapters, check_model, check_others, usable
from app.datasets.schemas import DatasetCreate, DatasetRead, EventRead, SampleRead
from app.documents import service as documents
from app.errors import EmptyCorpus, InvalidRequest, NotFound, WrongState
from app.models import Dataset, Event, Sample
from app.models.datasets import FINAL
from app.queue import ring


def create(
    session: Session, tenant_id: str, wanted: DatasetCreate, served: list[str] | None, *, held_in: str | None = None
) -> Dataset:
    """Check everything a worker would stumble over later, then plan. `served`: the models there are, if known.

    `held_in`: the corpus that has the document which the options hold already, for a task that needs no other.
    Raises UnknownCatalogEntry, InvalidRequest, NotFound (corpus) or EmptyCorpus.
    """
    task = catalog.TASKS.get(wanted.task, "task")
    options = checks.options(task, wanted.options)
    checks.extra(wanted.task, task)
    checks.settings_needed(task, options)
    checks.gates(wanted.task, wanted.gates)
    if wanted.chunking.overlap >= wanted.chunking.size:
        message = "chunking.overlap: must be smaller than chunking.size"
        raise InvalidRequest(message, param="chunking.overlap", fields=[("/chunking/overlap", message)])
    grouping = checks.grouping(task, options, wanted.grouping)
    mixed = mixes.check(session, tenant_id, wanted, options) if task.source == "datasets" else ()
    held = ("", b"") if mixed else checks.carried(task, options, wanted.corpus_id)
    if wanted.corpus_id is not None:
        _check_corpus(session, tenant_id, wanted.corpus_id)
    _check_test_sets(session, tenant_id, wanted)
    _check_datasets(session, tenant_id, wanted)
    if wanted.selection.strategy == "deita" and not {"complexity", "quality"} <= set(wanted.gates):
        message = "selection.strategy: deita needs the gates `complexity` and `quality`; 0 records without dropping"
        param = "selection.strategy"
        raise InvalidRequest(message, param=param, fields=[("/selection/strategy", message)])
    check_adapters(session, tenant_id, wanted.model, options)
    served = usable(session, tenant_id, served)
    check_others(options, served)
    model = (
        ", ".join(dict.fromkeys(source.spec["model"] for source in mixed))
        if mixed
        else check_model(wanted.model, wanted.chunking.splitter, served)
    )
    spec = wanted.model_dump() | {"options": options, "gates": task.gates | wanted.gates, "model": model}
    spec["grouping"] = grouping.model_dump()
    corpus_id = mixed[0].corpus_id if mixed else wanted.corpus_id
    corpus_id = corpus_id or held_in or documents.carry(session, tenant_id, wanted.name, *held)
    spec["corpus_id"] = corpus_id
    dataset = Dataset(
        id=ids.new("dst"),
        tenant_id=tenant_id,
        corpus_id=corpus_id,
        name=wanted.name,
        task=wanted.task,
        spec=spec,
    )
    session.add(dataset)
    session.flush()
    for source in mixed:
        source.sealed = True
        source.version += 1
    over = f"of {len(mixed)} datasets" if mixed else f"over corpus {corpus_id}"
    record(session, dataset, "created", f"asked for {wanted.task} {over}")
    ring(session, "plan", dataset.id)
    return dataset


def _check_corpus(session: Session, tenant_id: str, corpus_id: str) -> None:
    corpora.get(session, tenant_id, corpus_id)
    counts = corpora.document_counts(session, corpus_id)
    if not counts.get("pending", 0) + counts.get("parsed", 0):
        raise EmptyCorpus(f"corpus {corpus_id} has no usable document", param="corpus_id")


def _check_test_sets(session: Session, tenant_id: str, wanted: DatasetCreate) -> None:
    for i, corpus_id in enumerate(wanted.selection.decontaminate):
        param = f"selection.decontaminate.{i}"
        if corpus_id == wanted.corpus_id:
            message = f"{param}: the rows are made of this corpus, so all of them would repeat it"
            raise InvalidRequest(message, param=param, fields=[(f"/{param.replace('.', '/')}", message)])
        try:
            corpora.get(session, tenant_id, corpus_id)
        except NotFound:
            raise NotFound(f"corpus {corpus_id}", param=param) from None


def _check_datasets(session: Session, tenant_id: str, wanted: DatasetCreate) -> None:
    for i, dataset_id in enumerate(wanted.selection.deduplicate_against):
        param = f"selection.deduplicate_against.{i}"
        other = session.get(Dataset, dataset_id)
        if other is None or other.tenant_id != tenant_id:
            raise NotFound(f"dataset {dataset_id}", param=param)
        if other.status not in FINAL:
            raise checks.invalid(param, f"dataset {dataset_id} is {other.status}; wait until it has ended")


def get(session: Session, tenant_id: str, dataset_id: str, *, lock: bool = False) -> Dataset:
    """Raises NotFound, for a foreign dataset as for a missing one."""
    dataset = session.get(Dataset, dataset_id, with_for_update=lock or None)
    if dataset is None or dataset.tenant_id != tenant_id:
        raise NotFound(f"dataset {dataset_id}", param="dataset_id")
    return dataset


# Made once, of the bare table: to build it and pass it through the ORM took as long as to ask it.
_VERSION = select(Dataset.__table__.c.version).where(
    Dataset.__table__.c.id == bindparam("dataset_id"), Dataset.__table__.c.tenant_id == bindparam("tenant_id")
)


def version(session: Session, tenant_id: str, dataset_id: str) -> int:
    """Its version alone. Raises NotFound."""
    found: int | None = session.connection().scalar(_VERSION, {"dataset_id": dataset_id, "tenant_id": tenant_id})
    if found is None:
        raise NotFound(f"dataset {dataset_id}", param="dataset_id")
    return found


def page(session: Session, tenant_id: str, corpus_id: str | None, after: str | None, limit: int) -> dict[str, Any]:
    query = select(Dataset).where(Dataset.tenant_id == tenant_id)
    if corpus_id:
        query = query.where(Dataset.corpus_id == corpus_id)
    found = paging.page(session, query, Dataset, tenant_id, after, limit)
    return found | {"data": [read(dataset) for dataset in found["data"]]}


def cancel(session: Session, tenant_id: str, dataset_id: str) -> Dataset:
    """End it now; rows accepted so far stay. A finished dataset is left as it is."""
    dataset = get(session, tenant_id, dataset_id, lock=True)
    if dataset.status not in FINAL:
        move(session, dataset, "cancelled", "cancelled on request")
    return dataset


def pause(session: Session, tenant_id: str, dataset_id: str) -> Dataset:
    """Make no more calls until it is resumed. Raises WrongState unless it is generating."""
    dataset = get(session, tenant_id, dataset_id, lock=True)
    if dataset.status == "generating":
        move(session, dataset, "paused", "paused on request")
    elif dataset.status != "paused":
        raise WrongState(f"a dataset that is {dataset.status} cannot be paused", headers={"x-should-retry": "false"})
    return dataset


def resume(session: Session, tenant_id: str, dataset_id: str) -> Dataset:
    """Go on. Raises WrongState unless it is paused."""
    dataset = get(session, tenant_id, dataset_id, lock=True)
    if dataset.status == "paused":
        move(session, dataset, "generating", "resumed on request")
        ring(session, "drain")
    elif dataset.status != "generating":
        raise WrongState(f"a dataset that is {dataset.status} cannot be resumed", headers={"x-should-retry": "false"})
    return dataset


def move(session: Session, dataset: Dataset, status: str, message: str, **data: Any) -> None:
    """Change the status, with its event; a final status also gets its time."""
    dataset.status = status
    dataset.version += 1
    if status in FINAL:
        dataset.finished_at, dataset.waiting = datetime.now(UTC), None
    level = "error" if status == "failed" else "info"
    record(session, dataset, f"status.{status}", message, level=level, **data)


def fail(session: Session, dataset: Dataset, code: str, message: str, param: str | None = None) -> None:
    """End it with a typed error; a finished dataset is left as it is."""
    if dataset.status not in FINAL:
        dataset.error = {"code": code, "message": message, "param": param}
        move(session, dataset, "failed", message, code=code)


def record(session: Session, dataset: Dataset, kind: str, message: str, *, level: str = "info", **data: Any) -> None:
    session.add(
        Event(tenant_id=dataset.tenant_id, dataset_id=dataset.id, type=kind, level=level, message=message, data=data)
    )


def read(dataset: Dataset) -> DatasetRead:
    """A row as the API shows it."""
    task = catalog.TASKS[dataset.task]
    cost = task.calls(dataset.spec["options"], dataset.spec["gates"], catalog.METRICS.entries)
    planned = dataset.units_total or dataset.planning_calls
    expected = dataset.planning_calls + cost * dataset.units_total
    return DatasetRead.model_validate(
        {
            **{name: getattr(dataset, name) for name in DatasetRead.model_fields if hasattr(dataset, name)},
            "object": "dataset",
            "rows_wanted": dataset.spec.get("rows"),
            "units": {"total": dataset.units_total, "done": dataset.units_done, "failed": dataset.units_failed},
            "usage": dataset,
            "expected_calls": expected if planned else None,  # a cloze costs nothing, and 0 says so
            "estimated_finish": _estimated_finish(dataset),
            "model": dataset.spec["model"],
        },
        from_attributes=True,
    )


def _estimated_finish(dataset: Dataset) -> datetime | None:
    """By the pace of the units done so far."""
    done = dataset.units_done + dataset.units_failed
    if dataset.status != "generating" or not done or dataset.started_at is None:
        return None
    now = datetime.now(UTC)
    left = max(0, dataset.units_total - done)
    return now + timedelta(seconds=(now - dataset.started_at).total_seconds() / done * left)


def samples(
    session: Session,
    tenant_id: str,
    dataset_id: str,
    state: str | None,
    reason: str | None,
    split: str | None,
    after: str | None,
    limit: int,
) -> dict[str, Any]:
    """Rows in the order they were made, by keyset."""
    get(session, tenant_id, dataset_id)
    query = select(Sample).where(Sample.dataset_id == dataset_id)
    for column, value in ((Sample.state, state), (Sample.reason, reason), (Sample.split, split)):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(Sample.id > _serial(after))
    rows = session.scalars(query.order_by(Sample.id).limit(limit + 1)).all()
    page = paging.as_page(rows[:limit], has_more=len(rows) > limit)
    return page | {"data": [_as_read(SampleRead, row) for row in rows[:limit]]}


def events(session: Session, tenant_id: str, dataset_id: str, after: str | None, limit: int) -> dict[str, Any]:
    """Events in the order they happened."""
    get(session, tenant_id, dataset_id)
    query = select(Event).where(Event.dataset_id == dataset_id, Event.id > _serial(after or "0"))
    rows = session.scalars(query.order_by(Event.id).limit(limit + 1)).all()
    page = paging.as_page(rows[:limit], has_more=len(rows) > limit)
    return page | {"data": [_as_read(EventRead, row) for row in rows[:limit]]}


def _serial(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 18:
        raise NotFound(f"after={cursor}")
    return int(cursor)


def _as_read(shape: Any, row: Any) -> Any:
    values = {name: getattr(row, name) for name in shape.model_fields if name != "object"}
    return shape.model_validate(values | {"id": str(row.id)})
