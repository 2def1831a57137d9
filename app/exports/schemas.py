"""Requests and replies about exports."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Bundle(BaseModel):
    """What a bundle says beside the rows. Texts of one line."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    trainers: list[Annotated[str, Field(max_length=60)]] | None = Field(
        default=None, max_length=20, description="programs to write files for; empty: all that can read the rows"
    )
    base_model: str = Field(
        default="Qwen/Qwen2.5-0.5B-Instruct",
        pattern=r"^[A-Za-z0-9._/-]{1,200}$",
        description="the model that the trainers' files name: a hub's name or a path",
    )
    title: str | None = Field(default=None, min_length=1, max_length=200, description="empty: the dataset's name")
    description: str | None = Field(default=None, min_length=1, max_length=2000)
    author: str | None = Field(default=None, min_length=1, max_length=200)
    license: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,59}$",
        description="an SPDX identifier, such as CC-BY-4.0; empty: none is stated",
    )
    url: str | None = Field(default=None, pattern=r"^https?://[!-~]{1,500}$", description="where more is to be read")


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

    bundle: Bundle | None = Field(
        default=None,
        description="also write `bundle.zip`: rows, card, licence, Croissant metadata, provenance, files for trainers; "
        "`{}` takes all defaults",
    )

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
