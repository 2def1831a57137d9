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


class EvolvedInstruction(Evolved):
    """An instruction made harder or wider; it may hold the input it works on."""

    question: Annotated[str, Field(min_length=1, max_length=2000)]


class Instructions(Reply):
    """New instructions, unlike the examples shown."""

    counted = "instructions"
    instructions: list[Annotated[str, Field(min_length=1, max_length=600)]]


class Response(Reply):
    """What an instruction asked for."""

    answer: Annotated[str, Field(min_length=1, max_length=4000)]


class Gain(Reply):
    """Does an evolved instruction ask for something else than its parent, or more?"""

    reason: Annotated[str, Field(max_length=200)]
    gain: bool


class InstructVerdicts(Reply):
    """A judge's own answer in short, and then its grades of an instruction and its answer, the reason before them."""

    own_answer: Annotated[str, Field(max_length=300)]
    reason: Annotated[str, Field(max_length=300)]
    correctness: Grade
    helpfulness: Grade
    clarity: Grade
