"""Requests and replies about exports."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FILES = ("data.jsonl", "train.jsonl", "validation.jsonl", "manifest.json")


class ExportCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    format: str = Field(default="messages", max_length=60, examples=["messages", "alpaca"])
    include_sources: bool = Field(default=False, description="add each row's sources, kind and scores as extra members")


class ExportFile(BaseModel):
    """One file to download; `url` is relative to the service."""

    url: str
    bytes: int
    sha256: str
    rows: int | None


class ExportRead(BaseModel):
    """An export. Its files never change once `status` is succeeded."""

    id: str
    object: Literal["export"] = "export"
    dataset_id: str
    format: str
    options: dict[str, Any]
    status: Literal["queued", "running", "succeeded", "failed"]
    error: dict[str, Any] | None
    rows: int
    files: dict[str, ExportFile]
    created_at: datetime
    finished_at: datetime | None
