"""Requests and replies about files, as OpenAI's clients know them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

OURS = ("fine-tune-results", "batch_output", "assistants_output")  # purposes of files that the service itself makes

Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class ExpiresAfter(BaseModel):
    """How long the file is kept, counted from its creation."""

    anchor: Literal["created_at"]
    seconds: int = Field(ge=3600, le=2_592_000)


class FileCreate(BaseModel):
    """A file as it was sent; what makes two requests the same one."""

    model_config = ConfigDict(extra="ignore")
    purpose: Purpose
    expires_after: ExpiresAfter | None = None
    filename: str = "file"
    size: int = 0
    sha256: str = ""


class FileRead(BaseModel):
    """A file. Its bytes never change."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int = Field(description="Unix time, seconds")
    filename: str
    purpose: str
    status: Literal["uploaded", "processed", "error"] = "processed"
    expires_at: int | None = None
    status_details: str | None = None


class FileDeleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True
