"""Exports of trained models: ask for one, follow it, find its files, remove it."""

from typing import Any

from sqlalchemy import false, select
from sqlalchemy.orm import Session

from app import catalog, ids, paging
from app.errors import NotFound, NotReady, RefusedCombination, WrongState
from app.model_exports.schemas import ModelExportCreate, ModelExportRead
from app.models import ModelExport, Training
from app.queue import TaskName, ring
from app.trainings import service as trainings

DOORBELLS: dict[str, TaskName] = {"adapter": "pack", "merged": "merge"}


def create(session: Session, tenant_id: str, job_id: str, wanted: ModelExportCreate) -> ModelExport:
    """A new export, or the same one if it was asked for before and has not failed.

    Raises NotFound, WrongState: the job has no model, or RefusedCombination: the job has no adapter.
    """
    training = trainings.get(session, tenant_id, job_id, lock=True)
    if training.status != "succeeded" or not training.fine_tuned_model or training.model_deleted:
        message = f"fine-tuning job {job_id} has no model to export; it is {training.status}"
        raise WrongState(message, param="fine_tuning_job_id", headers={"x-should-retry": "false"})
    if wanted.kind == "adapter" and not catalog.VARIANTS[training.variant].adapter:
        message = f"kind: {training.variant} trains whole weights and leaves no adapter; ask for `merged`"
        raise RefusedCombination(message, param="kind", fields=[("/kind", message)])
    options = wanted.model_dump(exclude={"kind"})
    if wanted.kind == "adapter":
        del options["precision"]  # an adapter is given as it was trained
    there = select(ModelExport).where(*_of(job_id), ModelExport.kind == wanted.kind, ModelExport.status != "failed")
    for export in session.scalars(there):
        if export.options == options:
            return export
    export = ModelExport(id=ids.new("mexp"), tenant_id=tenant_id, training_id=job_id, kind=wanted.kind, options=options)
    session.add(export)
    session.flush()
    ring(session, DOORBELLS[export.kind], export.id)
    return export


def _of(job_id: str) -> tuple[Any, ...]:
    return (ModelExport.training_id == job_id, ~ModelExport.deleted)


def get(session: Session, tenant_id: str, export_id: str) -> tuple[ModelExport, Training]:
    """An export and its job. Raises NotFound, also when the export or its model was deleted."""
    export = session.get(ModelExport, export_id)
    training = session.get(Training, export.training_id) if export else None
    if export is None or training is None or export.tenant_id != tenant_id or export.deleted or training.model_deleted:
        raise NotFound(f"model export {export_id}", param="model_export_id")
    return export, training


def page(session: Session, tenant_id: str, job_id: str, after: str | None, limit: int) -> dict[str, Any]:
    """Exports of a job, newest first. Raises NotFound."""
    training = trainings.get(session, tenant_id, job_id)
    query = select(ModelExport).where(*_of(job_id))
    if training.model_deleted:
        query = query.where(false())
    found = paging.page(session, query, ModelExport, tenant_id, after, limit)
    return found | {"data": [read(export, training) for export in found["data"]]}


def read(export: ModelExport, training: Training) -> ModelExportRead:
    """A row as the API shows it."""
    files = {
        name: {"url": f"/v1/fine_tuning/exports/{export.id}/{name}", "bytes": file["bytes"], "sha256": file["sha256"]}
        for name, file in export.files.items()
    }
    same = ("id", "kind", "options", "status", "error", "parity")
    return ModelExportRead.model_validate(
        {name: getattr(export, name) for name in same}
        | {
            "job_id": export.training_id,
            "model": training.fine_tuned_model or "",
            "files": files,
            "created_at": int(export.created_at.timestamp()),
            "finished_at": int(export.finished_at.timestamp()) if export.finished_at else None,
        }
    )


def file(session: Session, tenant_id: str, export_id: str, name: str) -> tuple[dict[str, Any], float]:
    """Where a file's bytes are (blob, sha256, bytes), and when it was made. Raises NotFound or NotReady."""
    export, _ = get(session, tenant_id, export_id)
    if export.status != "succeeded" or export.finished_at is None:
        raise NotReady(f"model export {export_id} is {export.status}", param="model_export_id")
    found = export.files.get(name)
    if found is None:
        raise NotFound(f"file {name}; there are: {', '.join(export.files)}", param="name")
    return found, export.finished_at.timestamp()


def delete(session: Session, tenant_id: str, export_id: str) -> None:
    """Raises NotFound."""
    export, _ = get(session, tenant_id, export_id)
    export.deleted = True
