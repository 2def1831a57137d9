"""Which trained models are to be served, and which are."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ids
from app.errors import NotFound, WrongState
from app.models import Serving, Training
from app.queue import ring
from app.serving.schemas import ParityRead, ServingRead
from app.trainings import service as trainings


def serve(session: Session, tenant_id: str, job_id: str) -> ServingRead:
    """Have the model checked and loaded; one that is served, or being checked, is left as it is.

    Raises NotFound, or WrongState when the job has no model.
    """
    training = trainings.get(session, tenant_id, job_id, lock=True)
    if training.status != "succeeded" or not training.fine_tuned_model or training.model_deleted:
        message = f"fine-tuning job {job_id} has no model to serve; it is {training.status}"
        raise WrongState(message, param="fine_tuning_job_id", headers={"x-should-retry": "false"})
    serving = of(session, job_id)
    if serving is None:
        serving = Serving(id=ids.new("srv"), tenant_id=tenant_id, training_id=job_id, model=training.fine_tuned_model)
        session.add(serving)
    elif serving.status in ("checking", "served"):
        return read(serving)
    serving.status, serving.error, serving.parity, serving.finished_at = "checking", None, None, None
    serving.attempt = 0
    session.flush()
    ring(session, "serve")
    return read(serving)


def unload(session: Session, tenant_id: str, job_id: str) -> ServingRead:
    """Take the model off the servers; it can be served again. Raises NotFound."""
    serving = find(session, tenant_id, job_id)
    if serving.status != "unloaded":
        serving.status, serving.finished_at = "unloaded", datetime.now(UTC)
        ring(session, "serve")
    return read(serving)


def of(session: Session, job_id: str) -> Serving | None:
    return session.scalar(select(Serving).where(Serving.training_id == job_id))


def find(session: Session, tenant_id: str, job_id: str) -> Serving:
    """Raises NotFound: no such job, or one whose model nobody asked to serve."""
    trainings.get(session, tenant_id, job_id)
    serving = of(session, job_id)
    if serving is None:
        raise NotFound(f"serving of fine-tuning job {job_id}", param="fine_tuning_job_id")
    return serving


def served(session: Session, tenant_id: str, model: str) -> Serving | None:
    """The served model of this name, if this tenant has one."""
    mine = (Serving.tenant_id == tenant_id, Serving.model == model, Serving.status == "served")
    return session.scalar(select(Serving).where(*mine))


def read(serving: Serving) -> ServingRead:
    return ServingRead(
        id=serving.id,
        job_id=serving.training_id,
        model=serving.model,
        status=serving.status,
        servers=len(serving.servers),
        parity=ParityRead.model_validate(serving.parity) if serving.parity else None,
        error=serving.error,
        created_at=int(serving.created_at.timestamp()),
        finished_at=int(serving.finished_at.timestamp()) if serving.finished_at else None,
    )


def end(serving: Serving, status: str, *, error: dict[str, Any] | None = None, parity: Any = None) -> None:
    """How serving it went."""
    serving.status, serving.error, serving.parity = status, error, parity
    serving.owner, serving.finished_at = None, datetime.now(UTC)


def job_of(session: Session, serving: Serving) -> Training:
    return session.get_one(Training, serving.training_id)
