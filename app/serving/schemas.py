"""Replies about trained models that are served."""

from typing import Any, Literal

from pydantic import BaseModel


class ParityRead(BaseModel):
    """Whether the server says what the trained weights say: greedy answers to `prompts` prompts, token by token.

    `same` is the share of prompts of whose first `tokens` tokens each is the trained adapter's favourite at its place,
    or at most `tolerance` nats less likely; `merged` the same of the merged weights. `furthest` is the largest such
    distance. `identical`: the share whose texts are also equal, which rounding can undo. `template`: the server renders
    chats as training did.
    """

    prompts: int
    tokens: int
    tolerance: float
    same: float
    merged: float
    identical: float
    merged_identical: float
    furthest: float
    template: bool


class ServingRead(BaseModel):
    """A trained model on the model servers; once it is served, `/v1/chat/completions` answers by its `model` name."""

    id: str
    object: Literal["fine_tuning.job.serving"] = "fine_tuning.job.serving"
    job_id: str
    model: str
    status: Literal["checking", "served", "refused", "unloaded"]
    servers: int
    parity: ParityRead | None
    error: dict[str, Any] | None
    created_at: int
    finished_at: int | None
