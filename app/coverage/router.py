"""How much of a corpus is cited; the sources of a row; whether all sources can be found again."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.coverage import measure, service, sources
from app.coverage.schemas import CoverageRead, SourcesRead, VerificationRead
from app.dependencies import After, Limit, ReadSessionDep
from app.errors import NotFound
from app.keys.access import TenantDep

router = APIRouter(prefix="/v1", tags=["coverage"])


@router.get(
    "/corpora/{corpus_id}/coverage",
    response_model=CoverageRead,
    responses=NotFound.responses(),
    operation_id="get_coverage",
)
def get_coverage(
    corpus_id: str,
    tenant: TenantDep,
    dataset: Annotated[
        str | None, Query(max_length=60, description="rows of this dataset only; empty: of all that succeeded")
    ] = None,
    unit: Annotated[
        measure.Unit, Query(description="what a source covers: its own characters, or the sentences it touches")
    ] = "sentence",
    order: Annotated[
        service.Order, Query(description="`least`: documents and sections that are cited least come first")
    ] = "newest",
    sections: Annotated[int, Query(ge=0, le=1000, description="so many sections of each document at most")] = 100,
    after: After = None,
    limit: Limit = 20,
) -> Any:
    """Which share of each current document and section the accepted rows cite, and how evenly they lie."""
    return service.page(tenant, corpus_id, dataset, unit, order, after, limit, sections)


@router.get(
    "/datasets/{dataset_id}/samples/{sample_id}/sources",
    response_model=SourcesRead,
    responses=NotFound.responses(),
    operation_id="list_sample_sources",
)
def list_sources(
    dataset_id: str,
    sample_id: str,
    session: ReadSessionDep,
    tenant: TenantDep,
    around: Annotated[int, Query(ge=0, le=2000, description="characters on either side")] = 200,
) -> Any:
    """A row's sources, each read again from the stored text, with the text around it."""
    return sources.read(session, tenant, dataset_id, sample_id, around)


@router.get(
    "/datasets/{dataset_id}/verification",
    response_model=VerificationRead,
    responses=NotFound.responses(),
    operation_id="verify_dataset",
)
def verify(dataset_id: str, tenant: TenantDep) -> Any:
    """Look up every source of every accepted row again, and count those that are where the row says."""
    return service.verify(tenant, dataset_id)
