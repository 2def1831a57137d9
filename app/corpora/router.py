"""Create, read and list corpora."""

from typing import Any

from fastapi import APIRouter, Response

from app.corpora import service
from app.corpora.schemas import CorpusCreate, CorpusDetail, CorpusRead
from app.dependencies import After, Limit, ReadSessionDep, SessionDep
from app.errors import NotFound
from app.idempotency import ONCE_PROBLEMS, OnceDep
from app.keys.access import TenantDep
from app.models import Corpus
from app.paging import Page

router = APIRouter(prefix="/v1/corpora", tags=["corpora"])


@router.post("", status_code=201, response_model=CorpusRead, responses=ONCE_PROBLEMS, operation_id="create_corpus")
def create_corpus(
    wanted: CorpusCreate, session: SessionDep, tenant: TenantDep, once: OnceDep, response: Response
) -> Any:
    """Make an empty corpus; documents are uploaded into it."""

    def make() -> CorpusRead:
        return CorpusRead.model_validate(service.create(session, tenant, wanted))

    corpus = once(session, tenant, wanted, CorpusRead, make)
    response.headers["Location"] = f"/v1/corpora/{corpus.id}"
    return corpus


@router.get("", response_model=Page[CorpusRead], operation_id="list_corpora")
def list_corpora(session: ReadSessionDep, tenant: TenantDep, after: After = None, limit: Limit = 20) -> Any:
    """Corpora, newest first."""
    return service.page(session, tenant, after, limit)


@router.get("/{corpus_id}", response_model=CorpusDetail, responses=NotFound.responses(), operation_id="get_corpus")
def get_corpus(corpus_id: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """A corpus, with how many of its documents are parsed, pending and failed."""
    corpus: Corpus = service.get(session, tenant, corpus_id)
    read = CorpusRead.model_validate(corpus)
    return CorpusDetail.model_validate({**read.model_dump(), "documents": service.document_counts(session, corpus_id)})
