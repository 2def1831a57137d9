"""Files as OpenAI's clients send, list, read and delete them."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.orm import Session

from app import storage
from app.dependencies import After, ReadSessionDep, SessionDep
from app.downloads import Content, add_route, respond
from app.errors import BAD_REQUEST, NoSpace, NotFound, Problem, TooLarge, UploadIncomplete
from app.files import blobs, multipart, service
from app.files.once import store
from app.files.schemas import FileCreate, FileDeleted, FileRead
from app.idempotency import ONCE_PROBLEMS, Once, OnceDep
from app.keys.access import TenantDep
from app.middleware import limited
from app.paging import Page
from app.settings import settings

router = APIRouter(prefix="/v1/files", tags=["files"])

STORE_PROBLEMS = {**TooLarge.responses(), **NoSpace.responses(), **ONCE_PROBLEMS}
FORM_BYTES = 64 * 1024  # of a form beside its file: boundaries, headers and fields
_MEDIA = {"jsonl": "application/jsonl", "csv": "text/csv", "json": "application/json"}


def multipart_body(file: str, **fields: Any) -> dict[str, Any]:
    """The request body for OpenAPI: the form is read as it comes, and not by FastAPI."""
    properties = {file: {"type": "string", "format": "binary"}, **fields}
    schema = {"type": "object", "required": [file, *fields], "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post(
    "",
    response_model=FileRead,
    responses={**BAD_REQUEST, **UploadIncomplete.responses(), **STORE_PROBLEMS},
    operation_id="create_file",
    openapi_extra=multipart_body("file", purpose={"type": "string", "examples": ["fine-tune", "user_data"]}),
)
async def create_file(request: Request, tenant: TenantDep, once: OnceDep) -> Any:
    """Send one file as multipart/form-data: `file`, `purpose`, and `expires_after[anchor]`, `expires_after[seconds]`.

    It is read as it comes, and acknowledged when it is durable.
    """
    limit = settings().max_upload_bytes
    check_length(request, limit + FORM_BYTES)
    request._receive = limited(request._receive, limit + FORM_BYTES)
    try:
        with storage.storage().upload() as upload:
            form = await multipart.receive(request, upload, "file")
            if upload.size > limit:
                raise TooLarge(f"the file has {upload.size} bytes; the limit is {limit}")
            wanted = _wanted(form, upload)
            return await run_in_threadpool(_store, tenant, once, wanted, upload)
    except OSError as error:
        raise no_room(error) from error


def _wanted(form: multipart.Form, upload: storage.Upload) -> FileCreate:
    fields: dict[str, Any] = {"size": upload.size, "sha256": upload.sha256, "filename": form.filename or "file"}
    if "purpose" in form.fields:
        fields["purpose"] = form.fields["purpose"]
    expiry = {
        name: form.fields[f"expires_after[{name}]"]
        for name in ("anchor", "seconds")
        if f"expires_after[{name}]" in form.fields
    }
    try:
        wanted = FileCreate.model_validate(fields | ({"expires_after": expiry} if expiry else {}))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
    service.check_purpose(wanted.purpose)
    return wanted


def _store(tenant_id: str, once: Once, wanted: FileCreate, upload: storage.Upload) -> FileRead:
    seconds = wanted.expires_after.seconds if wanted.expires_after else None

    def make(session: Session, kept: blobs.Kept) -> FileRead:
        return service.read(service.add(session, tenant_id, kept, wanted.filename, wanted.purpose, seconds))

    return store(tenant_id, once, wanted, FileRead, upload, make)


def check_length(request: Request, limit: int) -> None:
    """Refuse before the first byte is read. Raises TooLarge."""
    announced = request.headers.get("content-length")
    if announced is not None and (not announced.isdigit() or int(announced) > limit):
        raise TooLarge(f"the body has {announced} bytes; the limit is {limit}")


def no_room(error: OSError) -> Problem:
    """Of a full disk, or the error itself."""
    if storage.is_full(error):
        return NoSpace("the disk is full; nothing of this upload was kept")
    raise error


@router.get(
    "",
    response_model=Page[FileRead],
    responses={**BAD_REQUEST, **NotFound.responses()},
    operation_id="list_files",
)
def list_files(
    session: ReadSessionDep,
    tenant: TenantDep,
    purpose: Annotated[str | None, Query(max_length=40)] = None,
    order: Annotated[Literal["asc", "desc"], Query(description="by the time of their creation")] = "desc",
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
) -> Any:
    """Files, newest first unless asked otherwise."""
    return service.page(session, tenant, purpose, after, limit, oldest_first=order == "asc")


@router.get("/{file_id}", response_model=FileRead, responses=NotFound.responses(), operation_id="get_file")
def get_file(file_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """One file."""
    return service.read(service.get(session, tenant, file_id))


@router.delete("/{file_id}", response_model=FileDeleted, responses=NotFound.responses(), operation_id="delete_file")
def delete_file(file_id: str, session: SessionDep, tenant: TenantDep) -> Any:
    """Delete a file; a job that reads it still can. Its bytes are removed by the next sweep."""
    service.delete(session, tenant, file_id)
    return FileDeleted(id=file_id)


def _content(file_id: str, session: ReadSessionDep, tenant: TenantDep, request: Request) -> Response:
    """The file's bytes. `Range` and `If-Range` resume a broken download (`curl -C -`); the ETag is its SHA-256."""
    file = service.get(session, tenant, file_id)
    media = _MEDIA.get(file.filename.rpartition(".")[2].lower(), "application/octet-stream")
    read = partial(blobs.read, file.blob, file.size)
    return respond(request, Content(file.filename, media, file.size, file.sha256, file.created_at.timestamp(), read))


add_route(
    router,
    "/{file_id}/content",
    _content,
    operations=("get_file_content", "head_file_content"),
    summary="File Content",
    responses=NotFound.responses(),
)
