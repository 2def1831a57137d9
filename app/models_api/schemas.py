"""Replies about models."""

from typing import Literal

from pydantic import BaseModel


class ModelUse(BaseModel):
    """What the model is good for here."""

    served: bool
    trainable: bool
    job_id: str | None = None


class ModelRead(BaseModel):
    """A model. `owned_by`: `system`, or the tenant that trained it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    corpusmith: ModelUse


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelRead]


class ModelDeleted(BaseModel):
    id: str
    object: Literal["model"] = "model"
    deleted: Literal[True] = True
