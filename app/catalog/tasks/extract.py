"""What a text says as JSON by the user's schema: every value stands in the text, and what is not stated is null."""

from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from app.catalog.kinds import DatasetTask, Options
from app.catalog.tasks.classify import without_request
from app.toolbox.schemas import fault

MOST_LEAVES = 100  # values of one row: what a model can be asked for at once
_LIST = {"type": "array", "items": {"type": "string"}}
DEFAULT = {
    "type": "object",
    "properties": {
        "people": _LIST | {"description": "names of people"},
        "organisations": _LIST | {"description": "names of organisations"},
        "places": _LIST | {"description": "names of places"},
        "dates": _LIST | {"description": "dates and times, as they are written"},
        "amounts": _LIST | {"description": "amounts with their units, as they are written"},
    },
}


class ExtractOptions(Options):
    """By which schema, and how what is absent is written."""

    json_schema: dict[str, Any] = Field(
        default=DEFAULT,
        description="a JSON schema of an object (20 kB, 100 values, no references elsewhere). "
        '`"x-derived": true` in a property: its value follows from the text and need not stand there',
    )
    absent: Literal["null", "omit"] = Field(
        default="null", description="what is not stated is null, or left out where the schema allows that"
    )

    @field_validator("json_schema")
    @classmethod
    def _usable(cls, schema: dict[str, Any]) -> dict[str, Any]:
        found = fault(schema)
        if found is None and (schema.get("type") != "object" or not schema.get("properties")):
            found = (), "it must be of type object, with properties"
        if found is None and (count := _leaves(schema)) > MOST_LEAVES:
            found = ("properties",), f"it has {count} properties, more than {MOST_LEAVES}"
        if found:
            raise PydanticCustomError("json_schema", "{why}", {"why": found[1], "at": found[0]})
        return schema


def _leaves(node: Any) -> int:
    """Properties in all its parts."""
    if isinstance(node, list):
        return sum(map(_leaves, node))
    if not isinstance(node, dict):
        return 0
    own = node.get("properties")
    return (len(own) if isinstance(own, dict) else 0) + sum(map(_leaves, node.values()))


EXTRACT = DatasetTask(
    summary="JSON by your schema from each text: values located in it, null for what it does not say.",
    options=ExtractOptions,
    gates={
        "valid_json": 1.0,
        "located": 0.5,
        "filled": 0.05,
        "extraction_correct": 4.0,
        "extraction_complete": 3.0,
    },
    cost=lambda options: 1,
    rows=lambda options: 1,
    prompts=("extract/value@1", "judge/extraction@1"),
    example={
        "question": "Extract what the following text says as JSON by this schema. Write null for what it does not say."
        '\n{"type": "object", "properties": {"ferry": {"type": "string"}, "price": {"type": "number"}, "captain": '
        '{"type": "string"}}}\n\nA single ticket for the ferry Aurora costs 12 euros.',
        "answer": '{"ferry": "Aurora", "price": 12, "captain": null}',
    },
    repairable=False,
    alike=without_request,
)
