"""create_app(): routers, problem handler, request id. Nothing else."""

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from app import browse, log, problems
from app.corpora.router import router as corpora
from app.coverage.router import router as coverage
from app.datasets.router import router as datasets
from app.documents.router import router as documents
from app.errors import Busy, InvalidRequest, TooLarge, Unauthorized
from app.exams.router import router as exams
from app.exports.router import router as exports
from app.files.router import router as files
from app.middleware import BodyLimit, RequestId
from app.model_exports.router import router as model_exports
from app.models_api.router import router as models
from app.reports.router import router as reports
from app.serving.router import router as serving
from app.settings import settings
from app.trainings.router import router as trainings
from app.uploads.router import router as uploads
from app.version import VERSION

DESCRIPTION = """Documents in, checked fine-tuning data out.

Upload documents into a corpus, ask for a dataset, poll it (or follow its events), make an export and download it.
Errors are `application/problem+json` (RFC 9457) with an `error` member that OpenAI clients read.
"""


EVERYWHERE = {**Unauthorized.responses(), **InvalidRequest.responses(), **TooLarge.responses(), **Busy.responses()}


def create_app() -> FastAPI:
    """The API as an ASGI application."""
    log.configure()
    bearer = HTTPBearer(auto_error=False, description="needed as soon as one API key exists")
    app = FastAPI(
        title="Corpusmith", version=VERSION, description=DESCRIPTION, docs_url="/docs", dependencies=[Depends(bearer)]
    )
    problems.install(app)
    app.add_middleware(BodyLimit, limit=settings().max_json_bytes)
    app.add_middleware(RequestId)
    for router in (
        corpora,
        documents,
        datasets,
        exports,
        coverage,
        reports,
        files,
        uploads,
        trainings,
        exams,
        serving,
        model_exports,
        models,
        browse.catalogue,
    ):
        app.include_router(router, responses=EVERYWHERE)
    app.include_router(browse.service)
    return app
