"""Serve a trained model, and ask any served model the way OpenAI's clients do."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.dependencies import ReadSessionDep, SessionDep
from app.errors import BAD_REQUEST, NotFound
from app.keys.access import TenantDep
from app.serving import proxy, service, upstream
from app.serving.schemas import ServingRead

router = APIRouter(prefix="/v1", tags=["serving"])
PROBLEMS = {**BAD_REQUEST, **NotFound.responses()}


@router.post(
    "/fine_tuning/jobs/{job_id}/serve", response_model=ServingRead, responses=PROBLEMS, operation_id="serve_model"
)
def serve(job_id: str, session: SessionDep, tenant: TenantDep) -> Any:
    """Load the job's adapter into the model servers that have its base model, if it passes the parity gate.

    A gpu worker does it; poll `GET .../serving` until its status is `served` or `refused`.
    """
    return service.serve(session, tenant, job_id)


@router.post(
    "/fine_tuning/jobs/{job_id}/unload", response_model=ServingRead, responses=PROBLEMS, operation_id="unload_model"
)
def unload(job_id: str, session: SessionDep, tenant: TenantDep) -> Any:
    """Take the job's adapter off the model servers."""
    return service.unload(session, tenant, job_id)


@router.get(
    "/fine_tuning/jobs/{job_id}/serving", response_model=ServingRead, responses=PROBLEMS, operation_id="get_serving"
)
def get_serving(job_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """Whether the job's model is served, and what the parity gate found."""
    return service.read(service.find(session, tenant, job_id))


@router.post("/chat/completions", responses=PROBLEMS, operation_id="create_chat_completion")
async def chat(request: Request, tenant: TenantDep) -> Response:
    """OpenAI's chat completions, by a served model: a configured one, or one that was trained here (`ft:...`).

    The body goes to the model server as it is, and its reply comes back as it is, streamed if `stream` is true.
    """
    body, target = await proxy.understand(request, lambda model: run_in_threadpool(upstream.target, tenant, model))
    return await proxy.forward(request, body, target)
