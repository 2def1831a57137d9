"""Replies about exams."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from app.exams.records import ExamReport


class ExamRead(BaseModel):
    """The exam of a job: what was asked for, and its report once it was taken."""

    id: str
    object: Literal["fine_tuning.job.exam"] = "fine_tuning.job.exam"
    job_id: str
    model: str | None = Field(description="the `ft:` name, once there is one")
    base_model: str
    method: str
    variant: str
    status: Literal["waiting", "succeeded", "failed"]
    questions: int
    error: dict[str, Any] | None
    report: ExamReport | None
    created_at: int
    finished_at: int | None
