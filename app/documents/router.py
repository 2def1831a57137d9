"""Upload documents (multipart, raw PUT, ZIP) and see what became of them."""

from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from app import storage
from app.corpora import service as corpora
from app.db import reading
from app.dependencies import After, Limit, ReadSessionDep
from app.documents import names, service, together
from app.documents.schemas import DocumentRead
from app.errors import ArchiveRefused, InvalidRequest, NoSpace, NotFound, Problem, TooLarge, UploadIncomplete
from app.keys.access import TenantDep
from app.middleware import limited
from app.paging import Page, as_page
from app.settings import settings

router = APIRouter(prefix="/v1", tags=["documents"])

MAX_FILES = 1000  # in one multipart request; more go into a ZIP
UPLOAD_PROBLEMS = {
    **NotFound.responses(),
    **TooLarge.responses(),
    **ArchiveRefused.responses(),
    **UploadIncomplete.responses(),
    **NoSpace.responses(),
}
_MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            }
        },
    }
}
_BYTES = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/corpora/{corpus_id}/documents",
    status_code=201,
    response_model=Page[DocumentRead],
    responses=UPLOAD_PROBLEMS,
    operation_id="upload_documents",
    openapi_extra=_MULTIPART,
)
async def upload_documents(corpus_id: str, request: Request, tenant: TenantDep) -> Any:
    """Upload many files as multipart/form-data, in fields of any name. A `.zip` is taken apart into its members."""
    await run_in_threadpool(_check, tenant, corpus_id, request, settings().archive_max_bytes)
    request._receive = limited(request._receive, settings().archive_max_bytes)
    try:
        async with request.form(max_files=MAX_FILES) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if not files:
                raise InvalidRequest("the form holds no file", param="files")
            return await run_in_threadpool(_store_files, tenant, corpus_id, files)
    except OSError as error:  # also from the form: it keeps large files in the system's folder for temporary ones
        raise _storing(error) from error


@router.put(
    "/corpora/{corpus_id}/documents/{name:path}",
    status_code=201,
    response_model=DocumentRead | Page[DocumentRead],
    responses={200: {"description": "These bytes were there already"}, **UPLOAD_PROBLEMS},
    operation_id="put_document",
    openapi_extra=_BYTES,
)
async def put_document(corpus_id: str, name: str, request: Request, tenant: TenantDep) -> Any:
    """Upload one file as the raw body (`curl -T`). A name ending in `.zip` is taken apart into its members."""
    limit = settings().max_upload_bytes
    await run_in_threadpool(_check, tenant, corpus_id, request, limit)
    request._receive = limited(request._receive, limit)
    try:
        with storage.storage().upload() as upload:
            async for data in request.stream():
                upload.write(data)
            announced = request.headers.get("content-length")
            if announced is not None and int(announced) != upload.size:
                raise UploadIncomplete(f"{upload.size} of {announced} bytes came")
            body, new = await run_in_threadpool(_store_upload, tenant, corpus_id, name, upload)
    except OSError as error:
        raise _storing(error) from error
    return Response(body, 201 if new else 200, media_type="application/json")


@router.get(
    "/corpora/{corpus_id}/documents",
    response_model=Page[DocumentRead],
    responses=NotFound.responses(),
    operation_id="list_documents",
)
def list_documents(
    corpus_id: str,
    session: ReadSessionDep,
    tenant: TenantDep,
    status: Annotated[Literal["pending", "parsed", "failed"] | None, Query(description="only these")] = None,
    after: After = None,
    limit: Limit = 20,
) -> Any:
    """The corpus's documents, newest first, each with what became of it."""
    return service.page(session, tenant, corpus_id, status, after, limit)


@router.get(
    "/documents/{document_id}", response_model=DocumentRead, responses=NotFound.responses(), operation_id="get_document"
)
def get_document(document_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """One document."""
    return service.get(session, tenant, document_id)


def _check(tenant_id: str, corpus_id: str, request: Request, limit: int) -> None:
    """Refuse before the first body byte is read: curl then never sends it (Expect: 100-continue)."""
    with reading() as session:
        corpora.get(session, tenant_id, corpus_id)
    announced = request.headers.get("content-length")
    if announced is not None and (not announced.isdigit() or int(announced) > limit):
        raise TooLarge(f"the body has {announced} bytes; the limit is {limit}")


def _store_files(tenant_id: str, corpus_id: str, files: list[UploadFile]) -> Page[DocumentRead]:
    stored: list[service.Stored] = []
    archived: list[service.Stored] = []
    unique = names.Unique()
    for file in files:
        if (file.filename or "").lower().endswith(".zip"):
            archived += service.keep_archive(file.file)
        else:
            stored.append(_keep(unique(names.clean(file.filename or "document")), file.file))
    return _page(together.add(tenant_id, corpus_id, stored + archived))


def _keep(name: str, file: BinaryIO) -> service.Stored:
    with storage.storage().upload() as upload:
        while data := file.read(storage.READ_BYTES):
            upload.write(data)
            if upload.size > settings().max_upload_bytes:
                raise TooLarge(f"{name} is larger than {settings().max_upload_bytes} bytes")
        return service.Stored(name, storage.storage().keep(upload), upload.size)


def _store_upload(tenant_id: str, corpus_id: str, name: str, upload: storage.Upload) -> tuple[str, bool]:
    """The reply's body, and whether any of the documents is new."""
    if not name.lower().endswith(".zip"):
        sha256 = storage.storage().keep(upload)
        [(document, new)] = together.add(tenant_id, corpus_id, [service.Stored(names.clean(name), sha256, upload.size)])
        return document.model_dump_json(), new
    upload.file.flush()
    with Path(upload.file.name).open("rb") as file:
        added = together.add(tenant_id, corpus_id, service.keep_archive(file))
    return _page(added).model_dump_json(), any(new for _, new in added)


def _page(added: together.Added) -> Page[DocumentRead]:
    return Page[DocumentRead].model_validate(as_page([document for document, _ in added], has_more=False))


def _storing(error: OSError) -> Problem:
    if storage.is_full(error):
        return NoSpace("the disk is full; nothing of this upload was kept")
    raise error
