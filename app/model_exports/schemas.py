"""Requests and replies about exports of trained models."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["adapter", "merged"]


class ModelExportCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Kind = Field(
        default="adapter",
        description="`adapter`: the PEFT folder, file by file and as one archive; `merged`: whole weights as "
        "safetensors, the adapter merged into the base model",
    )
    precision: Literal["bf16", "f16"] = Field(default="bf16", description="of merged weights; they are merged in f32")
    base_model: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$",
        description="the base model's name on a hub, for card and configuration; empty: its name here",
    )
    license: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,59}$",
        description="an SPDX identifier for the card, such as Apache-2.0; empty: none is stated",
    )


class ModelFile(BaseModel):
    """One file to download; `url` is relative to the service."""

    url: str
    bytes: int
    sha256: str


class ParityFound(BaseModel):
    """How near the files, read back, are to base and adapter side by side, in float32 over `tokens` tokens.

    `same` is the share of positions with the same most likely token, `off` the mean difference of the tokens'
    log-probabilities, and `moved` the same between the base model and the adapter: what training changed. Of a reward
    model: order of scores and their difference.
    """

    prompts: int
    tokens: int
    same: float
    off: float
    moved: float


class ModelExportRead(BaseModel):
    """An export of a trained model. Its files never change once `status` is succeeded."""

    id: str
    object: Literal["fine_tuning.job.export"] = "fine_tuning.job.export"
    job_id: str
    model: str
    kind: Kind
    options: dict[str, Any]
    status: Literal["queued", "running", "succeeded", "failed"]
    error: dict[str, Any] | None
    parity: ParityFound | None
    files: dict[str, ModelFile]
    created_at: int
    finished_at: int | None


class ModelExportDeleted(BaseModel):
    """The export is gone; its bytes are removed by the next sweep."""

    id: str
    object: Literal["fine_tuning.job.export"] = "fine_tuning.job.export"
    deleted: Literal[True] = True
