"""Documents, reply shapes and requests, as a client would send them, for trying the fake model server."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field

from tests.fakes.process import FakeModel

ENGLISH = """# Ferries

The ferry Aurora leaves Norvik at 07:40 every weekday. A single ticket costs 12 euros, and children under
six travel free of charge. In winter the ferry Borealis replaces it from 3 November. The harbour master,
Ingrid Solheim, must be told of dangerous goods 48 hours ahead."""
RUSSIAN = """Паром «Аврора» отходит из Норвика в 07:40 по будням. Билет стоит 12 евро, дети до шести лет едут бесплатно.
Зимой его заменяет паром «Борей». Начальник порта Ингрид Сульхейм принимает заявки на опасный груз за 48 часов."""
ReplyT = TypeVar("ReplyT", bound=BaseModel)
PARENT = "At what time does the ferry Aurora leave Norvik?"


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Item(Shape):
    question: str
    label: str = Field(json_schema_extra={"enum": ["fact", "reason"]})


class Asked(Shape):
    questions: list[str] = Field(min_length=4, max_length=6)


class AskedItems(Shape):
    questions: list[Item] = Field(min_length=5, max_length=5)


class Answered(Shape):
    quote: str = Field(max_length=400)
    answer: str = Field(min_length=1, max_length=600)


class Evolved(Shape):
    question: str = Field(max_length=300)


class Judged(Shape):
    reason: str
    score: int = Field(ge=1, le=5)
    answerable: bool
    note: str | None
    weight: float


def body_for(shape: type[BaseModel] | None, task: str, document: str = ENGLISH, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": "any",
        "messages": [{"role": "user", "content": f"<document>\n{document}\n</document>\n\n{task}"}],
    }
    if shape is not None:
        asked = {"name": "reply", "schema": shape.model_json_schema()}
        body |= {"response_format": {"type": "json_schema", "json_schema": asked}}
    return body | more


def post(model: FakeModel, body: dict[str, Any], step: str = "test", timeout: float = 20) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=timeout) as client:
        return client.post(f"{model.url}/chat/completions", json=body, headers={"x-corpusmith-step": step})


def ask(model: FakeModel, shape: type[ReplyT], task: str, document: str = ENGLISH) -> ReplyT:
    reply = post(model, body_for(shape, task, document))
    assert reply.status_code == 200, reply.text
    return shape.model_validate_json(reply.json()["choices"][0]["message"]["content"])


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
