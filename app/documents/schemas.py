"""Replies about documents."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class DocumentRead(BaseModel):
    """One uploaded file. When `status` is failed, `reason` is a code and `detail` says it in words.

    The `detail` of a parsed one says what was left out of it, if anything was.
    """

    model_config = ConfigDict(from_attributes=True)
    id: str
    object: Literal["document"] = "document"
    corpus_id: str
    name: str
    size: int
    sha256: str
    status: Literal["pending", "parsed", "failed"]
    reason: str | None
    detail: str | None
    media_type: str | None
    language: str | None
    characters: int | None
    page_count: int | None
    created_at: datetime
