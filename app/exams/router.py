"""The exam of a fine-tuning job, as JSON and as a page."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from app.dependencies import ReadSessionDep
from app.errors import NotFound
from app.exams import page, service
from app.exams.schemas import ExamRead
from app.keys.access import TenantDep

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["fine-tuning"])


@router.get("/{job_id}/exam", response_model=ExamRead, responses=NotFound.responses(), operation_id="get_exam")
def get_exam(job_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """What training gained: scores before and after, gains with 95 % intervals, losses, general knowledge, weak facts.

    The report is null until the exam was taken, after the last step of training.
    """
    return service.read(session, tenant, job_id)


@router.get(
    "/{job_id}/exam.html",
    response_class=HTMLResponse,
    responses=NotFound.responses(),
    operation_id="get_exam_page",
)
def get_exam_page(job_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """The same as one page without scripts or outside files."""
    headers = {
        "Content-Security-Policy": f"{page.policy()}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }
    return HTMLResponse(page.render(service.read(session, tenant, job_id)), headers=headers)
