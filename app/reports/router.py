"""The report of a dataset as JSON and as one page, and what a corpus costs in tokens."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from app.errors import NotFound
from app.keys.access import TenantDep
from app.reports import corpus, page, service
from app.reports.schemas import FertilityRead, ReportRead

router = APIRouter(prefix="/v1", tags=["reports"])


@router.get(
    "/datasets/{dataset_id}/report",
    response_model=ReportRead,
    responses=NotFound.responses(),
    operation_id="get_report",
)
def get_report(dataset_id: str, tenant: TenantDep) -> Any:
    """What the dataset's rows are like: drops, scores, lengths, languages, coverage, cost, tokens.

    Computed once when the dataset has ended; before that on demand, and then remembered for half a minute.
    """
    return service.read(tenant, dataset_id)


@router.get(
    "/datasets/{dataset_id}/report.html",
    response_class=HTMLResponse,
    responses=NotFound.responses(),
    operation_id="get_report_page",
)
def get_report_page(dataset_id: str, tenant: TenantDep) -> Any:
    """The same as one page without scripts or outside files: to save, print, or send on."""
    headers = {
        "Content-Security-Policy": f"{page.policy()}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }
    return HTMLResponse(page.render(service.read(tenant, dataset_id)), headers=headers)


@router.get(
    "/corpora/{corpus_id}/fertility",
    response_model=FertilityRead,
    responses=NotFound.responses(),
    operation_id="get_fertility",
)
def get_fertility(
    corpus_id: str,
    tenant: TenantDep,
    model: Annotated[
        str | None, Query(max_length=200, description="the base model, as CORPUSMITH_TOKENIZERS names it")
    ] = None,
    max_length: Annotated[int, Query(ge=1, le=10_000_000, description="tokens: what is longer counts as cut")] = 2048,
) -> Any:
    """Tokens per word and character of the corpus by language and script, for the base model and up to four others."""
    return corpus.fertility(tenant, corpus_id, model, max_length)
