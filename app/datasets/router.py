"""Ask for a dataset, follow it by polling or events, read its rows."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app import conditional
from app.datasets import models_served, repair, service, stream, versions
from app.datasets.schemas import DatasetCreate, DatasetRead, DatasetRepair, EventRead, SampleRead
from app.datasets.version_schemas import Change, DatasetRebuild, DiffPage
from app.db import reading
from app.dependencies import After, Limit, ReadSessionDep, SessionDep
from app.errors import EmptyCorpus, InvalidRequest, NotFound, NotReady, UnknownCatalogEntry, WrongState
from app.idempotency import ONCE_PROBLEMS, OnceDep
from app.keys.access import TenantDep
from app.paging import Page
from app.settings import settings

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])


@router.post(
    "",
    status_code=201,
    response_model=DatasetRead,
    responses={
        **NotFound.responses(),
        **InvalidRequest.responses(),
        **UnknownCatalogEntry.responses(),
        **EmptyCorpus.responses(),
        **ONCE_PROBLEMS,
    },
    operation_id="create_dataset",
)
def create_dataset(
    wanted: DatasetCreate, session: SessionDep, tenant: TenantDep, once: OnceDep, response: Response
) -> Any:
    """Ask for a dataset; it is made in the background. Poll it until its status is final."""
    served = models_served.ask(wanted.model, wanted.options.get("models"))

    def make() -> DatasetRead:
        return service.read(service.create(session, tenant, wanted, served))

    dataset = once(session, tenant, wanted, DatasetRead, make)
    response.headers["Location"] = f"/v1/datasets/{dataset.id}"
    return dataset


@router.get("", response_model=Page[DatasetRead], operation_id="list_datasets")
def list_datasets(
    session: ReadSessionDep,
    tenant: TenantDep,
    corpus_id: Annotated[str | None, Query(max_length=60)] = None,
    after: After = None,
    limit: Limit = 20,
) -> Any:
    """Datasets, newest first."""
    return service.page(session, tenant, corpus_id, after, limit)


@router.get(
    "/{dataset_id}",
    response_model=DatasetRead,
    responses={304: {"description": "Unchanged since the ETag in If-None-Match"}, **NotFound.responses()},
    operation_id="get_dataset",
)
def get_dataset(dataset_id: str, tenant: TenantDep, request: Request) -> Any:
    """A dataset and its progress. Send the ETag back as If-None-Match to poll cheaply."""
    # Polls are most of all requests: one turn in a thread, one statement, and a reply that is not validated again.
    with reading() as session:
        if known := request.headers.get("if-none-match"):
            etag = f'"{service.version(session, tenant, dataset_id)}"'
            if conditional.matches(known, etag):
                return Response(status_code=304, headers={"ETag": etag})
        dataset = service.get(session, tenant, dataset_id)
        etag, body = f'"{dataset.version}"', service.read(dataset).model_dump_json()
    return Response(body, headers={"ETag": etag}, media_type="application/json")


def _verb(name: str, act: Callable[..., Any], summary: str) -> None:
    def endpoint(dataset_id: str, session: SessionDep, tenant: TenantDep) -> Any:
        return service.read(act(session, tenant, dataset_id))

    endpoint.__doc__ = summary
    responses = {**NotFound.responses(), **WrongState.responses()}
    router.add_api_route(
        f"/{{dataset_id}}/{name}",
        endpoint,
        methods=["POST"],
        response_model=DatasetRead,
        responses=responses,
        operation_id=f"{name}_dataset",
        summary=f"{name.capitalize()} Dataset",
    )


_verb(
    "cancel", service.cancel, "End it now, and keep the rows accepted so far. A finished dataset is returned as it is."
)
_verb("pause", service.pause, "Make no more model calls until it is resumed.")
_verb("resume", service.resume, "Go on where it was paused; nothing that was paid for is paid for again.")


@router.post(
    "/{dataset_id}/repair",
    status_code=202,
    response_model=DatasetRead,
    responses={**NotFound.responses(), **InvalidRequest.responses(), **WrongState.responses(), **ONCE_PROBLEMS},
    operation_id="repair_dataset",
)
def repair_dataset(
    dataset_id: str, wanted: DatasetRepair, session: SessionDep, tenant: TenantDep, once: OnceDep
) -> Any:
    """Try rows that were dropped for one reason again, each by one model call that says what was wrong with it.

    The gates measure the new rows as any other. The dataset goes back to `generating` and ends again; `repaired` says
    how many were tried and accepted. Exports made before stay as they are.
    """

    def make() -> DatasetRead:
        return service.read(repair.repair(session, tenant, dataset_id, wanted))

    return once(session, tenant, wanted, DatasetRead, make)


@router.post(
    "/{dataset_id}/rebuild",
    status_code=201,
    response_model=DatasetRead,
    responses={
        **NotFound.responses(),
        **InvalidRequest.responses(),
        **EmptyCorpus.responses(),
        **NotReady.responses(),
        **ONCE_PROBLEMS,
    },
    operation_id="rebuild_dataset",
)
def rebuild_dataset(
    dataset_id: str, wanted: DatasetRebuild, session: SessionDep, tenant: TenantDep, once: OnceDep, response: Response
) -> Any:
    """Make it again, by the same request, of its corpus as it is now. What did not change is not paid for again.

    A new dataset, whose `rebuilt_from` is this one. This one stays as it is.
    """
    model = service.get(session, tenant, dataset_id).spec["model"]
    # The configured model is taken at its word, as in a request that names none.
    served = models_served.ask(model) if model != settings().generator_model else None

    def make() -> DatasetRead:
        return service.read(versions.rebuild(session, tenant, dataset_id, wanted, served))

    dataset = once(session, tenant, wanted, DatasetRead, make)
    response.headers["Location"] = f"/v1/datasets/{dataset.id}"
    return dataset


@router.get(
    "/{dataset_id}/versions",
    response_model=Page[DatasetRead],
    responses=NotFound.responses(),
    operation_id="list_dataset_versions",
)
def list_versions(
    dataset_id: str, session: ReadSessionDep, tenant: TenantDep, after: After = None, limit: Limit = 20
) -> Any:
    """The dataset, all that it was rebuilt from, and all that were rebuilt from any of them; newest first."""
    return versions.page(session, tenant, dataset_id, after, limit)


@router.get(
    "/{dataset_id}/diff/{other_id}",
    response_model=DiffPage,
    responses={**NotFound.responses(), **NotReady.responses()},
    operation_id="diff_datasets",
)
def diff_datasets(
    dataset_id: str,
    other_id: str,
    tenant: TenantDep,
    change: Annotated[Change | None, Query(description="only these rows; empty: all that are not the same")] = None,
    after: After = None,
    limit: Limit = 20,
) -> Any:
    """What became of the accepted rows of the first dataset in the second: how many of each kind, and which.

    A row is the same row if it asks the same about documents of the same names; it has changed if it is answered
    otherwise.
    """
    return versions.diff(tenant, dataset_id, other_id, change, after, limit)


@router.get(
    "/{dataset_id}/samples",
    response_model=Page[SampleRead],
    responses=NotFound.responses(),
    operation_id="list_samples",
)
def list_samples(
    dataset_id: str,
    session: ReadSessionDep,
    tenant: TenantDep,
    state: Annotated[Literal["accepted", "dropped"] | None, Query()] = None,
    reason: Annotated[str | None, Query(max_length=60, description="only rows dropped for this")] = None,
    split: Annotated[Literal["train", "validation"] | None, Query()] = None,
    after: After = None,
    limit: Limit = 20,
) -> Any:
    """Rows, kept and dropped, in the order they were made."""
    return service.samples(session, tenant, dataset_id, state, reason, split, after, limit)


@router.get(
    "/{dataset_id}/events",
    response_model=Page[EventRead],
    responses={200: {"content": {"text/event-stream": {}}}, **NotFound.responses()},
    operation_id="list_dataset_events",
)
def list_events(
    dataset_id: str,
    session: ReadSessionDep,
    tenant: TenantDep,
    request: Request,
    after: After = None,
    limit: Limit = 20,
    as_stream: Annotated[bool, Query(alias="stream", description="server-sent events instead of a page")] = False,
) -> Any:
    """Events, oldest first; with `stream=true` as server-sent events that go on from `Last-Event-ID`."""
    last = (request.headers.get("last-event-id") if as_stream else None) or after or "0"
    page = service.events(session, tenant, dataset_id, last, limit)
    if not as_stream:
        return page
    return StreamingResponse(
        stream.events(request, dataset_id, last),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
