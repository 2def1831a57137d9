"""Uploads in parts: for files that are large, or lines that break."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from app import storage
from app.db import reading
from app.dependencies import SessionDep
from app.errors import BAD_REQUEST, NotFound, TooLarge, UploadIncomplete
from app.files import blobs, multipart
from app.files.once import store
from app.files.router import FORM_BYTES, STORE_PROBLEMS, check_length, multipart_body, no_room
from app.idempotency import ONCE_PROBLEMS, Once, OnceDep
from app.keys.access import TenantDep
from app.middleware import limited
from app.settings import settings
from app.uploads import service
from app.uploads.schemas import PartCreate, PartRead, UploadComplete, UploadCreate, UploadRead

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])


@router.post(
    "",
    response_model=UploadRead,
    responses={**BAD_REQUEST, **TooLarge.responses(), **ONCE_PROBLEMS},
    operation_id="create_upload",
)
def create_upload(wanted: UploadCreate, session: SessionDep, tenant: TenantDep, once: OnceDep) -> Any:
    """Announce a file; then send its bytes in parts, and complete it."""

    def make() -> UploadRead:
        return service.read(session, service.create(session, tenant, wanted))

    return once(session, tenant, wanted, UploadRead, make)


@router.post(
    "/{upload_id}/parts",
    response_model=PartRead,
    responses={**BAD_REQUEST, **NotFound.responses(), **UploadIncomplete.responses(), **STORE_PROBLEMS},
    operation_id="create_upload_part",
    openapi_extra=multipart_body("data"),
)
async def create_upload_part(upload_id: str, request: Request, tenant: TenantDep, once: OnceDep) -> Any:
    """Send one part as multipart/form-data, field `data`. Parts may be sent at the same time and in any order."""
    limit = settings().max_part_bytes
    await run_in_threadpool(_check, tenant, upload_id, request, limit)
    request._receive = limited(request._receive, limit + FORM_BYTES)
    try:
        with storage.storage().upload() as upload:
            await multipart.receive(request, upload, "data")
            if upload.size > limit:
                raise TooLarge(f"the part has {upload.size} bytes; the limit is {limit}")
            return await run_in_threadpool(_store, tenant, upload_id, once, upload)
    except OSError as error:
        raise no_room(error) from error


def _check(tenant_id: str, upload_id: str, request: Request, limit: int) -> None:
    with reading() as session:
        service.check_open(service.get(session, tenant_id, upload_id))
    check_length(request, limit + FORM_BYTES)


def _store(tenant_id: str, upload_id: str, once: Once, upload: storage.Upload) -> PartRead:
    wanted = PartCreate(size=upload.size, sha256=upload.sha256)

    def make(session: Session, kept: blobs.Kept) -> PartRead:
        return service.add_part(session, tenant_id, upload_id, kept)

    return store(tenant_id, once, wanted, PartRead, upload, make)


@router.post(
    "/{upload_id}/complete",
    response_model=UploadRead,
    responses={**BAD_REQUEST, **NotFound.responses(), **STORE_PROBLEMS},
    operation_id="complete_upload",
)
def complete_upload(upload_id: str, wanted: UploadComplete, tenant: TenantDep) -> Any:
    """Make a file of the parts, in the order given. Their size must be as announced, and `md5` that of the whole."""
    try:
        return service.complete(tenant, upload_id, wanted)
    except OSError as error:
        raise no_room(error) from error


@router.post(
    "/{upload_id}/cancel",
    response_model=UploadRead,
    responses={**BAD_REQUEST, **NotFound.responses()},
    operation_id="cancel_upload",
)
def cancel_upload(upload_id: str, session: SessionDep, tenant: TenantDep) -> Any:
    """Give an upload up; its parts are removed."""
    return service.read(session, service.cancel(session, tenant, upload_id))
