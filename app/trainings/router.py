"""Fine-tuning jobs as OpenAI's clients drive them, and what those have no word for: start and estimate."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from app.db import reading, transaction
from app.dependencies import After, Limit, ReadSessionDep, SessionDep
from app.errors import BAD_REQUEST, NotFound
from app.idempotency import ONCE_PROBLEMS, Once, OnceDep
from app.keys.access import TenantDep
from app.paging import Page
from app.trainings import service, show
from app.trainings.schemas import CheckpointRead, EstimateRead, JobCreate, JobEventRead, JobRead

router = APIRouter(prefix="/v1/fine_tuning", tags=["fine-tuning"])

PROBLEMS = {**BAD_REQUEST, **NotFound.responses()}
ESTIMATE_SECONDS = 25.0  # longer than that nobody waits for a reply
_LABEL = re.compile(r"metadata\[([^\]]{1,64})\]", re.DOTALL)


@router.post(
    "/jobs", response_model=JobRead, responses={**PROBLEMS, **ONCE_PROBLEMS}, operation_id="create_fine_tuning_job"
)
def create_job(wanted: JobCreate, session: SessionDep, tenant: TenantDep, once: OnceDep) -> Any:
    """Train a base model on a file or a dataset. Poll the job, or follow its events, until its status is final.

    `corpusmith` chooses method, variant and every hyperparameter; with `start: false` the job waits, checked, for
    `POST .../start`; with `dry_run: true` it ends when it is checked and estimated.
    """
    return once(session, tenant, wanted, JobRead, lambda: show.job(service.create(session, tenant, wanted)))


@router.post(
    "/estimate",
    response_model=EstimateRead,
    responses={**PROBLEMS, **ONCE_PROBLEMS},
    operation_id="estimate_fine_tuning_job",
)
async def estimate(wanted: JobCreate, tenant: TenantDep, once: OnceDep) -> Any:
    """Check the files of a job and say what it would take: tokens, steps, memory, time. Nothing is trained.

    A worker does it, as a job with `dry_run`; where that takes long, the reply has no estimate yet: ask for the job.
    """
    dry = wanted.model_copy(update={"corpusmith": wanted.corpusmith.model_copy(update={"dry_run": True})})
    job = await run_in_threadpool(_dry_run, tenant, once, dry)
    until = time.monotonic() + ESTIMATE_SECONDS
    while True:
        found = await run_in_threadpool(_estimated, tenant, job.id)
        if found.status != "validating_files" or time.monotonic() > until:
            return found
        await asyncio.sleep(0.25)


def _dry_run(tenant_id: str, once: Once, wanted: JobCreate) -> JobRead:
    with transaction() as session:
        return once(session, tenant_id, wanted, JobRead, lambda: show.job(service.create(session, tenant_id, wanted)))


def _estimated(tenant_id: str, job_id: str) -> EstimateRead:
    with reading() as session:
        return show.estimate(service.get(session, tenant_id, job_id))


@router.get("/jobs", response_model=Page[JobRead], responses=PROBLEMS, operation_id="list_fine_tuning_jobs")
def list_jobs(
    request: Request, session: ReadSessionDep, tenant: TenantDep, after: After = None, limit: Limit = 20
) -> Any:
    """Jobs, newest first. `metadata[key]=value`, as often as you like, leaves only those that have it."""
    labels = {found[1]: value for name, value in request.query_params.items() if (found := _LABEL.fullmatch(name))}
    return service.page(session, tenant, labels, after, limit)


@router.get("/jobs/{job_id}", response_model=JobRead, responses=PROBLEMS, operation_id="get_fine_tuning_job")
def get_job(job_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """A job and how far it is."""
    return show.job(service.get(session, tenant, job_id))


def _verb(name: str, act: Callable[..., Any], summary: str) -> None:
    def endpoint(job_id: str, session: SessionDep, tenant: TenantDep) -> Any:
        return show.job(act(session, tenant, job_id))

    endpoint.__doc__ = summary
    router.add_api_route(
        f"/jobs/{{job_id}}/{name}",
        endpoint,
        methods=["POST"],
        response_model=JobRead,
        responses=PROBLEMS,
        operation_id=f"{name}_fine_tuning_job",
        summary=f"{name.capitalize()} Fine Tuning Job",
    )


_verb("cancel", service.cancel, "End it now; checkpoints stay. A cancelled job is returned as it is.")
_verb("pause", service.pause, "Save a checkpoint and give the device to others.")
_verb("resume", service.resume, "Go on from the newest checkpoint, in the same precision and order of rows.")
_verb("start", service.start, "Let a job begin that was created with `corpusmith.start: false`.")


@router.get(
    "/jobs/{job_id}/events",
    response_model=Page[JobEventRead],
    responses=PROBLEMS,
    operation_id="list_fine_tuning_events",
)
def list_events(
    job_id: str,
    session: ReadSessionDep,
    tenant: TenantDep,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> Any:
    """What happened, newest first; events of type `metrics` have the numbers of a step in `data`."""
    return service.events(session, tenant, job_id, after, limit)


@router.get(
    "/jobs/{job_id}/checkpoints",
    response_model=Page[CheckpointRead],
    responses=PROBLEMS,
    operation_id="list_fine_tuning_checkpoints",
)
def list_checkpoints(
    job_id: str, session: ReadSessionDep, tenant: TenantDep, after: After = None, limit: Limit = 10
) -> Any:
    """Whole checkpoints, newest first."""
    return service.checkpoints(session, tenant, job_id, after, limit)
