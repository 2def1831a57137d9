"""Exams of fine-tuning jobs: kept, found, and shown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ids
from app.errors import NotFound
from app.exams.records import ExamQuestion, ExamReport
from app.exams.schemas import ExamRead
from app.models import Exam, Training
from app.trainings import service as trainings


def plan(session: Session, training: Training, questions: Sequence[ExamQuestion], left_out: Mapping[str, int]) -> Exam:
    """Keep what will be asked. Done again it replaces what was kept, unless the exam was taken."""
    exam = of(session, training.id)
    if exam is None:
        exam = Exam(id=ids.new("exam"), tenant_id=training.tenant_id, training_id=training.id)
        session.add(exam)
    if exam.report is None:
        exam.questions = [question.model_dump(mode="json") for question in questions]
        exam.left_out = dict(left_out)
    return exam


def of(session: Session, training_id: str) -> Exam | None:
    """The exam of this job, if it has one."""
    return session.scalar(select(Exam).where(Exam.training_id == training_id))


def end(session: Session, exam: Exam, report: ExamReport | None, error: dict[str, Any] | None) -> None:
    """It was taken, or it could not be."""
    exam.status = "failed" if error else "succeeded"
    exam.report, exam.error = report.model_dump(mode="json") if report else None, error
    exam.finished_at = datetime.now(UTC)


def read(session: Session, tenant_id: str, job_id: str) -> ExamRead:
    """Raises NotFound: no such job, or one without an exam."""
    training = trainings.get(session, tenant_id, job_id)
    exam = of(session, job_id)
    if exam is None:
        raise NotFound(f"exam of fine-tuning job {job_id}", param="fine_tuning_job_id")
    return ExamRead(
        id=exam.id,
        job_id=job_id,
        model=training.fine_tuned_model,
        base_model=training.model,
        method=training.method,
        variant=training.variant,
        status=exam.status,
        questions=len(exam.questions),
        error=exam.error,
        report=ExamReport.model_validate(exam.report) if exam.report else None,
        created_at=int(exam.created_at.timestamp()),
        finished_at=int(exam.finished_at.timestamp()) if exam.finished_at else None,
    )
