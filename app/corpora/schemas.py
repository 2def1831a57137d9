"""Requests and replies about corpora."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SHOWN = r"^[^\x00-\x1f\x7f]*$"  # a name is one line


class CorpusCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(default="corpus", min_length=1, max_length=200, pattern=SHOWN, examples=["Norvik ferries"])


class DocumentCounts(BaseModel):
    """How many of a corpus's documents wait to be parsed, are parsed, have failed."""

    pending: int = 0
    parsed: int = 0
    failed: int = 0


class CorpusRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    object: Literal["corpus"] = "corpus"
    name: str
    created_at: datetime


class CorpusDetail(CorpusRead):
    documents: DocumentCounts
