"""Replies about trained models that are served."""

from typing import Any, Literal

from pydantic import BaseModel


class ParityRead(BaseModel):
    """Whether the server says what the trained weights say: greedy answers to `prompts` prompts, token by token.

    `same` is the share of prompts whose first `tokens` tokens are equal between the adapter (PEFT) and the server,
    `merged` the same between the adapter and the merged weights. `template`: the server renders chats as training did.
    """

    prompts: int
    tokens: int
    same: float
    merged: float
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
