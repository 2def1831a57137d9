"""Get a trained model out: as its adapter or as merged weights, each with a model card, whole or by range."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.dependencies import After, Limit, ReadSessionDep, SessionDep
from app.downloads import Content, add_route, respond
from app.errors import BAD_REQUEST, NotFound
from app.files import blobs
from app.idempotency import ONCE_PROBLEMS, OnceDep
from app.keys.access import TenantDep
from app.model_exports import service
from app.model_exports.schemas import ModelExportCreate, ModelExportDeleted, ModelExportRead
from app.paging import Page
from app.trainings import service as trainings

router = APIRouter(prefix="/v1/fine_tuning", tags=["fine-tuning"])
PROBLEMS = {**BAD_REQUEST, **NotFound.responses()}
FileName = Annotated[
    str,
    Path(
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        examples=["adapter.zip"],
        description="as `files` of the export names it",
    ),
]
_MEDIA = {"json": "application/json", "md": "text/markdown", "zip": "application/zip", "jinja": "text/plain"}


@router.post(
    "/jobs/{job_id}/exports",
    status_code=201,
    response_model=ModelExportRead,
    responses={**PROBLEMS, **ONCE_PROBLEMS},
    operation_id="create_model_export",
)
def create_export(
    job_id: str, wanted: ModelExportCreate, session: SessionDep, tenant: TenantDep, once: OnceDep, response: Response
) -> Any:
    """Write the job's model as files with a model card. Poll the export until it is `succeeded` or `failed`.

    A cpu worker packs an adapter; a gpu worker merges weights, between trainings.
    """

    def make() -> ModelExportRead:
        export = service.create(session, tenant, job_id, wanted)
        return service.read(export, trainings.get(session, tenant, job_id))

    export = once(session, tenant, wanted, ModelExportRead, make)
    response.headers["Location"] = f"/v1/fine_tuning/exports/{export.id}"
    return export


@router.get(
    "/jobs/{job_id}/exports",
    response_model=Page[ModelExportRead],
    responses=PROBLEMS,
    operation_id="list_model_exports",
)
def list_exports(
    job_id: str, session: ReadSessionDep, tenant: TenantDep, after: After = None, limit: Limit = 20
) -> Any:
    """Exports of the job's model, newest first."""
    return service.page(session, tenant, job_id, after, limit)


@router.get(
    "/exports/{model_export_id}", response_model=ModelExportRead, responses=PROBLEMS, operation_id="get_model_export"
)
def get_export(model_export_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """An export of a trained model and its files."""
    return service.read(*service.get(session, tenant, model_export_id))


@router.delete(
    "/exports/{model_export_id}",
    response_model=ModelExportDeleted,
    responses=PROBLEMS,
    operation_id="delete_model_export",
)
def delete_export(model_export_id: str, session: SessionDep, tenant: TenantDep) -> Any:
    """Remove an export; the model stays and can be exported again."""
    service.delete(session, tenant, model_export_id)
    return ModelExportDeleted(id=model_export_id)


def _download(
    model_export_id: str, name: FileName, session: ReadSessionDep, tenant: TenantDep, request: Request
) -> Response:
    """The file's bytes. `Range` and `If-Range` resume a broken download (`curl -C -`); the ETag is its SHA-256."""
    file, made_at = service.file(session, tenant, model_export_id, name)
    media = _MEDIA.get(name.rpartition(".")[2], "application/octet-stream")
    read = partial(blobs.read, file["blob"], file["bytes"])
    return respond(request, Content(name, media, file["bytes"], file["sha256"], made_at, read))


add_route(
    router,
    "/exports/{model_export_id}/{name}",
    _download,
    operations=("download_model_export", "head_model_export"),
    summary="Download Model Export File",
    responses=PROBLEMS,
)
