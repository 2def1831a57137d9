"""Models as OpenAI's clients list them: those that are served, those that can be trained, those that were."""

from typing import Any

from fastapi import APIRouter

from app.dependencies import ReadSessionDep, SessionDep
from app.errors import BAD_REQUEST, NotFound
from app.keys.access import TenantDep
from app.models_api import service
from app.models_api.schemas import ModelDeleted, ModelList, ModelRead

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", response_model=ModelList, operation_id="list_models")
def list_models(session: ReadSessionDep, tenant: TenantDep) -> Any:
    """All models that this tenant can use, in one page."""
    return ModelList(data=service.every(session, tenant))


@router.get("/{name:path}", response_model=ModelRead, responses=NotFound.responses(), operation_id="get_model")
def get_model(name: str, session: ReadSessionDep, tenant: TenantDep) -> Any:
    """One model."""
    return service.get(session, tenant, name)


@router.delete(
    "/{name:path}",
    response_model=ModelDeleted,
    responses={**BAD_REQUEST, **NotFound.responses()},
    operation_id="delete_model",
)
def delete_model(name: str, session: SessionDep, tenant: TenantDep) -> Any:
    """Delete a model that was trained here; its job stays. The sweep removes its weights."""
    service.delete(session, tenant, name)
    return ModelDeleted(id=name)
