"""Requests and replies about exports."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class ExportCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    format: str = Field(default="messages", max_length=60, examples=["messages", "alpaca"])
    container: str = Field(
        default="jsonl",
        max_length=60,
        examples=["jsonl", "jsonl.gz", "parquet", "csv"],
        description="the kind of file, as the catalogue lists them; `jsonl.gz` and `jsonl_gz` are the same",
    )
    spreadsheet_safe: bool = Field(
        default=False, description="csv only: no cell can be taken for a formula, and a byte order mark comes first"
    )
    include_sources: bool = Field(default=False, description="add each row's sources, kind and scores as extra members")

    @field_validator("container")
    @classmethod
    def _as_the_file_is_called(cls, value: str) -> str:
        return value.replace(".", "_")


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
    container: str
    options: dict[str, Any]
    status: Literal["queued", "running", "succeeded", "failed"]
    error: dict[str, Any] | None
    rows: int
    files: dict[str, ExportFile]
    created_at: datetime
    finished_at: datetime | None
