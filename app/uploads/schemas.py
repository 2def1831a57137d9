"""Requests and replies about uploads in parts, as OpenAI's clients know them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.files.schemas import ExpiresAfter, FileRead, Purpose


class UploadCreate(BaseModel):
    """What will come: a file of exactly `bytes` bytes."""

    model_config = ConfigDict(extra="ignore")
    bytes: int = Field(ge=0)
    filename: str = Field(min_length=1, max_length=1000)
    mime_type: str = Field(min_length=1, max_length=255)
    purpose: Purpose
    expires_after: ExpiresAfter | None = None


class PartCreate(BaseModel):
    """A part as it was sent; what makes two requests the same one."""

    size: int
    sha256: str


class UploadComplete(BaseModel):
    """The parts in their order, and the MD5 of the whole to check it by."""

    model_config = ConfigDict(extra="ignore")
    part_ids: list[str] = Field(max_length=10_000)
    md5: str | None = Field(default=None, pattern="^[0-9a-fA-F]{32}$")


class UploadRead(BaseModel):
    """An upload. `file` is there once it is completed."""

    id: str
    object: Literal["upload"] = "upload"
    bytes: int
    created_at: int = Field(description="Unix time, seconds")
    expires_at: int = Field(description="no part is taken after this time")
    filename: str
    purpose: str
    status: Literal["pending", "completed", "cancelled", "expired"]
    file: FileRead | None = None


class PartRead(BaseModel):
    id: str
    object: Literal["upload.part"] = "upload.part"
    created_at: int
    upload_id: str
