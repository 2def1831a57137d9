"""Make exports of a dataset and download them, whole or by range."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from app import catalog
from app.dependencies import After, Limit, ReadSessionDep, SessionDep
from app.downloads import Content, add_route, respond
from app.errors import InvalidRequest, NotFound, NotReady
from app.exports import service
from app.exports.schemas import ExportCreate, ExportRead
from app.idempotency import ONCE_PROBLEMS, OnceDep
from app.keys.access import TenantDep
from app.paging import Page
from app.storage import storage

router = APIRouter(prefix="/v1", tags=["exports"])


@router.post(
    "/datasets/{dataset_id}/exports",
    status_code=201,
    response_model=ExportRead,
    responses={**NotFound.responses(), **NotReady.responses(), **InvalidRequest.responses(), **ONCE_PROBLEMS},
    operation_id="create_export",
)
def create_export(
    dataset_id: str, wanted: ExportCreate, session: SessionDep, tenant: TenantDep, once: OnceDep, response: Response
) -> Any:
    """Write a finished dataset's accepted rows as files in `format`: all, those for training, those held out."""
    export = once(
        session, tenant, wanted, ExportRead, lambda: service.read(service.create(session, tenant, dataset_id, wanted))
    )
    response.headers["Location"] = f"/v1/exports/{export.id}"
    return export


@router.get("/exports", response_model=Page[ExportRead], operation_id="list_exports")
def list_exports(
    session: ReadSessionDep,
    tenant: TenantDep,
    dataset_id: Annotated[str | None, Query(max_length=60)] = None,
    after: After = None,
    limit: Limit = 20,
) -> Any:
    """Exports, newest first."""
    return service.page(session, tenant, dataset_id, after, limit)


@router.get(
    "/exports/{export_id}", response_model=ExportRead, responses=NotFound.responses(), operation_id="get_export"
)
def get_export(export_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """An export and its files."""
    return service.read(service.get(session, tenant, export_id))


FileName = Annotated[
    str,
    Path(
        max_length=40,
        pattern=r"^[a-z]+(\.[a-z0-9]+){1,2}$",
        examples=["train.jsonl"],
        description="as `files` of the export names it",
    ),
]
_MEDIA_TYPES = {entry.suffix: entry.media_type for entry in catalog.CONTAINERS.entries.values()} | {
    "zip": "application/zip"
}


def _download(export_id: str, name: FileName, session: ReadSessionDep, tenant: TenantDep, request: Request) -> Response:
    """The file's bytes. `Range` and `If-Range` resume a broken download (`curl -C -`); the ETag is its SHA-256."""
    file = service.download(session, tenant, export_id, name)
    content = Content(
        filename=f"{export_id}-{name}",
        media_type=_MEDIA_TYPES.get(name.partition(".")[2], "application/json"),
        size=file.size,
        sha256=file.sha256,
        made_at=file.made_at,
        read=lambda start, end: storage().read(file.blob, file.start + start, file.start + end),
    )
    return respond(request, content)


add_route(
    router,
    "/exports/{export_id}/{name}",
    _download,
    operations=("download_export", "head_export"),
    summary="Download Export File",
    responses={**NotFound.responses(), **NotReady.responses()},
)
