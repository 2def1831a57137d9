"""Models: the servers' by the settings, the base models, and what a tenant has trained."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import InvalidRequest, NotFound
from app.llm.pool import targets
from app.models import Training
from app.models_api.schemas import ModelRead, ModelUse
from app.settings import settings
from app.trainings import asked

ROLES = ("generator", "judge", "trainee")


def every(session: Session, tenant_id: str) -> list[ModelRead]:
    """Those of the service by name, then what was trained, newest first."""
    own = (Training.tenant_id == tenant_id, Training.fine_tuned_model.is_not(None), ~Training.model_deleted)
    query = select(Training).where(*own).order_by(Training.created_at.desc(), Training.id.desc())
    return [*_system(), *(_trained(training) for training in session.scalars(query))]


def _system() -> list[ModelRead]:
    served = {target.model for role in ROLES for target in targets(settings(), role)}
    names = sorted(served | set(settings().base_models))
    return [
        ModelRead(
            id=name,
            created=0,
            owned_by="system",
            corpusmith=ModelUse(served=name in served, trainable=name in settings().base_models),
        )
        for name in names
    ]


def _trained(training: Training) -> ModelRead:
    return ModelRead(
        id=training.fine_tuned_model or "",
        created=int((training.finished_at or training.created_at).timestamp()),
        owned_by=training.tenant_id,
        corpusmith=ModelUse(served=False, trainable=True, job_id=training.id),
    )


def get(session: Session, tenant_id: str, name: str) -> ModelRead:
    """Raises NotFound."""
    found = next((model for model in _system() if model.id == name), None)
    if found is not None:
        return found
    training = asked.trained(session, tenant_id, name)
    if training is None:
        raise NotFound(f"model {name}", param="model")
    return _trained(training)


def delete(session: Session, tenant_id: str, name: str) -> None:
    """Raises NotFound, or InvalidRequest for a model that was not trained here."""
    training = asked.trained(session, tenant_id, name)
    if training is None:
        get(session, tenant_id, name)
        raise InvalidRequest(f"model: {name!r} was not trained here and cannot be deleted", param="model")
    training.model_deleted = True
    training.version += 1
