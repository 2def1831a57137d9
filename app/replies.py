"""What we ask the model to return: one Pydantic model per reply shape. Field order is reply order.

`maxLength` bounds every string: a model that falls into a loop must run into the schema, not into the token limit.
"""

from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=600)]
Grade = Annotated[int, Field(ge=1, le=5)]


class Reply(BaseModel):
    """A reply shape. `schema_for(count)` is the JSON schema that travels in `response_format`."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)
    counted: ClassVar[str | None] = None

    @classmethod
    def schema_for(cls, count: int | None = None) -> dict[str, Any]:
        """The schema, with the list field `counted` set to exactly `count` items."""
        return _schema(cls, count)


@cache
def _schema(reply: type[Reply], count: int | None) -> dict[str, Any]:
    schema: dict[str, Any] = _plain(reply.model_json_schema())
    schema["additionalProperties"] = False
    if reply.counted and count is not None:
        schema["properties"][reply.counted] |= {"minItems": count, "maxItems": count}
    return schema


def _plain(node: Any) -> Any:
    """Without the titles and descriptions that only cost the server's grammar compiler time."""
    if isinstance(node, dict):
        return {k: _plain(v) for k, v in node.items() if k not in ("title", "description") or not isinstance(v, str)}
    return [_plain(v) for v in node] if isinstance(node, list) else node


class Questions(Reply):
    """A list of questions about one document."""

    counted = "questions"
    questions: list[Annotated[str, Field(min_length=1, max_length=300)]]


class Answer(Reply):
    """An answer and, before it, the words of the document that it rests on."""

    quote: Annotated[str, Field(max_length=400)]
    answer: Text


class Evolved(Reply):
    """A question made harder or wider."""

    question: Annotated[str, Field(min_length=1, max_length=400)]


class Verdicts(Reply):
    """A judge's own answer, and then its grades of the row, 1 (bad) to 5 (perfect), with the reason before them."""

    own_answer: Annotated[str, Field(max_length=200)]
    reason: Annotated[str, Field(max_length=300)]
    faithfulness: Grade
    answerability: Grade
    usefulness: Grade


class OwnAnswer(Reply):
    """An answer alone, to be compared with another."""

    answer: Text


class Standing(Reply):
    """How demanding a question is and how good its answer is, 1 to 6 each (DEITA, arXiv 2312.15685)."""

    reason: Annotated[str, Field(max_length=300)]
    complexity: Annotated[int, Field(ge=1, le=6)]
    quality: Annotated[int, Field(ge=1, le=6)]


class Mended(Reply):
    """A row written anew: its question, the words it rests on, and its answer."""

    question: Annotated[str, Field(min_length=1, max_length=400)]
    quotes: Annotated[list[Annotated[str, Field(max_length=400)]], Field(min_length=1, max_length=4)]
    answer: Text
