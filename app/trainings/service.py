"""Fine-tuning jobs: ask for one, follow it, hold it, end it."""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ids, paging
from app.errors import InvalidRequest, NotFound, WrongState
from app.models import Training, TrainingCheckpoint, TrainingEvent
from app.models.trainings import FINAL
from app.queue import ring
from app.trainings import asked, show
from app.trainings.schemas import JobCreate

_FINAL_WORD = {"x-should-retry": "false"}  # OpenAI's clients try again otherwise


def create(session: Session, tenant_id: str, wanted: JobCreate) -> Training:
    """Check what can be known now; a worker then checks every row.

    Raises InvalidRequest and what is below it, NotFound (a file or dataset) or NotReady (a dataset).
    """
    if wanted.integrations:
        message = "integrations: none is offered here; metrics are in the job's events and result file"
        raise InvalidRequest(message, param="integrations", fields=[("/integrations", message)])
    meant = asked.understand(wanted)
    asked.check_exam(wanted, meant.method)
    asked.check_judge(session, tenant_id, meant)
    asked.check_model(session, tenant_id, wanted.model)
    asked.check_file(session, tenant_id, wanted.training_file, "training_file", meant.method)
    if wanted.validation_file is not None:
        asked.check_file(session, tenant_id, wanted.validation_file, "validation_file", meant.method)
    ours = wanted.corpusmith
    training = Training(
        id=ids.new("ftjob"),
        tenant_id=tenant_id,
        model=wanted.model,
        suffix=wanted.suffix,
        method=meant.method,
        variant=ours.variant,
        spec={
            "method_options": meant.method_options,
            "variant_options": ours.variant_options,
            "hyperparameters": meant.given,
            "resolved": meant.choice.hyperparameters.model_dump(),
            "device": ours.device,
            "exam": ours.exam.model_dump() if ours.exam else None,
        },
        training_file=wanted.training_file,
        validation_file=wanted.validation_file,
        seed=secrets.randbelow(2**31) if wanted.seed is None else wanted.seed,
        labels=wanted.metadata or {},
        held=not ours.start,
        dry_run=ours.dry_run,
    )
    session.add(training)
    session.flush()
    record(session, training, f"Created fine-tuning job: {training.id}")
    ring(session, "check", training.id)
    return training


def get(session: Session, tenant_id: str, job_id: str, *, lock: bool = False) -> Training:
    """Raises NotFound, for a foreign job as for a missing one."""
    training = session.get(Training, job_id, with_for_update=lock or None)
    if training is None or training.tenant_id != tenant_id:
        raise NotFound(f"fine-tuning job {job_id}", param="fine_tuning_job_id")
    return training


def page(session: Session, tenant_id: str, labels: dict[str, str], after: str | None, limit: int) -> dict[str, Any]:
    """Jobs, newest first; `labels`: only those with this metadata."""
    query = select(Training).where(Training.tenant_id == tenant_id)
    for key, value in labels.items():
        query = query.where(Training.labels[key].as_string() == value)
    found = paging.page(session, query, Training, tenant_id, after, limit)
    return found | {"data": [show.job(training) for training in found["data"]]}


def cancel(session: Session, tenant_id: str, job_id: str) -> Training:
    """End it now; its checkpoints stay. Raises WrongState for one that has ended otherwise."""
    training = get(session, tenant_id, job_id, lock=True)
    if training.status in FINAL and training.status != "cancelled":
        raise _wrong(training, "cancelled")
    if training.status != "cancelled":
        move(session, training, "cancelled", "Fine-tuning job was cancelled")
    return training


def pause(session: Session, tenant_id: str, job_id: str) -> Training:
    """Save a checkpoint and stop. Raises WrongState unless it is queued or running."""
    training = get(session, tenant_id, job_id, lock=True)
    if training.status in ("queued", "running"):
        move(session, training, "paused", "Fine-tuning job was paused")
    elif training.status != "paused":
        raise _wrong(training, "paused")
    return training


def resume(session: Session, tenant_id: str, job_id: str) -> Training:
    """Go on from the newest checkpoint. Raises WrongState unless it is paused."""
    training = get(session, tenant_id, job_id, lock=True)
    if training.status == "paused":
        training.failures = 0
        move(session, training, "queued", "Fine-tuning job was resumed")
        ring(session, "train")
    elif training.status not in ("queued", "running"):
        raise _wrong(training, "resumed")
    return training


def start(session: Session, tenant_id: str, job_id: str) -> Training:
    """Let a job that was held begin. Raises WrongState for one that has ended; any other goes on as it is."""
    training = get(session, tenant_id, job_id, lock=True)
    if training.status in FINAL:
        raise _wrong(training, "started")
    if training.held:
        training.held = False
        training.version += 1
        record(session, training, "Fine-tuning job was started")
        if training.status == "queued":
            ring(session, "train")
    return training


def _wrong(training: Training, verb: str) -> WrongState:
    message = f"fine-tuning job {training.id} is {training.status} and cannot be {verb}"
    return WrongState(message, param="fine_tuning_job_id", headers=_FINAL_WORD)


def move(session: Session, training: Training, status: str, message: str) -> None:
    """Change the status, with its event; a final status also gets its time."""
    training.status = status
    training.version += 1
    if status in FINAL:
        training.finished_at, training.device = datetime.now(UTC), None
    record(session, training, message, level="error" if status == "failed" else "info", status=status)


def fail(
    session: Session, training: Training, code: str, message: str, param: str | None = None, line: int | None = None
) -> None:
    """End it with a typed error; one that has ended is left as it is."""
    if training.status not in FINAL:
        training.error = {"code": code, "message": message, "param": param, "line": line}
        move(session, training, "failed", message)


def record(session: Session, training: Training, message: str, *, level: str = "info", **data: Any) -> None:
    session.add(
        TrainingEvent(tenant_id=training.tenant_id, training_id=training.id, level=level, message=message, data=data)
    )


def events(session: Session, tenant_id: str, job_id: str, after: str | None, limit: int) -> dict[str, Any]:
    """Events, newest first."""
    get(session, tenant_id, job_id)
    query = select(TrainingEvent).where(TrainingEvent.training_id == job_id)
    if after is not None:
        query = query.where(TrainingEvent.id < _serial(after))
    rows = session.scalars(query.order_by(TrainingEvent.id.desc()).limit(limit + 1)).all()
    return _page([show.event(row) for row in rows[:limit]], has_more=len(rows) > limit)


def checkpoints(session: Session, tenant_id: str, job_id: str, after: str | None, limit: int) -> dict[str, Any]:
    """Checkpoints, newest first."""
    training = get(session, tenant_id, job_id)
    query = select(TrainingCheckpoint).where(TrainingCheckpoint.training_id == job_id)
    if after is not None:
        last = session.get(TrainingCheckpoint, after)
        if last is None or last.training_id != job_id:
            raise NotFound(f"after={after}", param="after")
        query = query.where(TrainingCheckpoint.step < last.step)
    rows = session.scalars(query.order_by(TrainingCheckpoint.step.desc()).limit(limit + 1)).all()
    return _page([show.checkpoint(training, row) for row in rows[:limit]], has_more=len(rows) > limit)


def _page(shown: list[Any], *, has_more: bool) -> dict[str, Any]:
    return paging.as_page(shown, has_more=has_more)


def _serial(cursor: str) -> int:
    number = cursor.removeprefix(show.EVENT)
    if not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise NotFound(f"after={cursor}", param="after")
    return int(number)
