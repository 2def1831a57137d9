"""Exports: ask for one, follow it, and find its files."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import catalog, ids, paging
from app.datasets import service as datasets
from app.errors import NotFound, NotReady
from app.exports import checks
from app.exports.schemas import ExportCreate, ExportRead
from app.models import Export
from app.queue import ring


def create(session: Session, tenant_id: str, dataset_id: str, wanted: ExportCreate) -> Export:
    """Raises NotFound, UnknownCatalogEntry, InvalidRequest, MissingExtra, or NotReady: the dataset has not ended."""
    dataset = datasets.get(session, tenant_id, dataset_id)
    checks.check_format(dataset.task, wanted.format, dataset.spec["options"])
    checks.check_container(wanted)
    if dataset.status not in ("succeeded", "cancelled", "failed"):
        raise NotReady(f"dataset {dataset_id} is {dataset.status}; an export needs one that has ended")
    options = wanted.model_dump(exclude={"format"})
    if wanted.bundle is not None:
        shape = catalog.TASKS[dataset.task].shape_of(dataset.spec["options"])
        options["bundle"]["trainers"] = checks.trainers(wanted, shape)
    export = Export(
        id=ids.new("exp"),
        tenant_id=tenant_id,
        dataset_id=dataset_id,
        format=wanted.format,
        options=options,
    )
    session.add(export)
    session.flush()
    ring(session, "export", export.id)
    return export


def get(session: Session, tenant_id: str, export_id: str) -> Export:
    """Raises NotFound."""
    export = session.get(Export, export_id)
    if export is None or export.tenant_id != tenant_id:
        raise NotFound(f"export {export_id}")
    return export


def page(session: Session, tenant_id: str, dataset_id: str | None, after: str | None, limit: int) -> dict[str, Any]:
    query = select(Export).where(Export.tenant_id == tenant_id)
    if dataset_id:
        query = query.where(Export.dataset_id == dataset_id)
    found = paging.page(session, query, Export, tenant_id, after, limit)
    return found | {"data": [read(export) for export in found["data"]]}


def read(export: Export) -> ExportRead:
    """A row as the API shows it."""
    files = {
        name: {"url": f"/v1/exports/{export.id}/{name}", **{k: file[k] for k in ("bytes", "sha256", "rows")}}
        for name, file in export.files.items()
    }
    values = {name: getattr(export, name) for name in ExportRead.model_fields if name not in _MADE}
    container = export.options.get("container", "jsonl")
    return ExportRead.model_validate(values | {"files": files, "container": container})


_MADE = ("object", "files", "container")


@dataclass(frozen=True, slots=True)
class Download:
    """Where a file's bytes are: [start, start + size) of a blob."""

    blob: str
    start: int
    size: int
    sha256: str
    made_at: float


def download(session: Session, tenant_id: str, export_id: str, name: str) -> Download:
    """Raises NotFound or NotReady."""
    export = get(session, tenant_id, export_id)
    if export.status != "succeeded" or export.finished_at is None:
        raise NotReady(f"export {export_id} is {export.status}")
    file = export.files.get(name)
    if file is None:
        raise NotFound(f"file {name}; there are: {', '.join(export.files)}")
    return Download(file["blob"], file["start"], file["bytes"], file["sha256"], export.finished_at.timestamp())
