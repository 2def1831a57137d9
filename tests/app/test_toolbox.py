"""Tools as users send them: in which forms they are read, and what is refused where."""

import json
import time
from typing import Any

import pytest

from app.toolbox import schemas
from app.toolbox.tools import listing, places, read

TEXT = {"type": "string"}
OPENAPI: dict[str, Any] = {
    "openapi": "3.0.3",
    "paths": {
        "/ferries/{name}/departures": {
            "parameters": [{"$ref": "#/components/parameters/name"}],
            "get": {
                "operationId": "listDepartures",
                "summary": "Departures of a ferry.",
                "description": "By day.",
                "parameters": [
                    {"name": "day", "in": "query", "required": True, "schema": TEXT, "description": "a date"},
                    {"name": "X-Trace", "in": "header", "schema": TEXT},
                ],
            },
        },
        "/bookings": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Booking"}}},
                }
            }
        },
    },
    "components": {
        "parameters": {"name": {"name": "name", "in": "path", "required": True, "schema": TEXT}},
        "schemas": {
            "Booking": {
                "type": "object",
                "properties": {
                    "note": {"type": "string", "nullable": True},
                    "places": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
                    "with": {"$ref": "#/components/schemas/Booking"},
                },
                "required": ["places"],
            }
        },
    },
}


def tool(**parameters: Any) -> dict[str, Any]:
    return {"name": "book", "description": "Book.", "parameters": parameters or {"type": "object"}}


def test_operations_of_an_openapi_document_become_tools() -> None:
    tools, faults = read([], OPENAPI)
    assert faults == []
    departures, booking = (found["function"] for found in tools)
    assert departures == {
        "name": "listDepartures",
        "description": "Departures of a ferry. By day.",
        "parameters": {
            "type": "object",
            "properties": {"name": TEXT, "day": TEXT | {"description": "a date"}},
            "required": ["name", "day"],
            "additionalProperties": False,
        },
    }
    assert booking["name"] == "post_bookings"
    assert schemas.faults(booking["parameters"], {"body": {"places": 2, "note": None, "with": {"anything": 1}}}) == []
    assert schemas.faults(booking["parameters"], {"body": {}}) == ['/body: "places" is a required property']


@pytest.mark.parametrize("key", ["parameters", "input_schema", "inputSchema"])
def test_functions_are_read_in_the_forms_of_three_makers(key: str) -> None:
    schema = {"type": "object", "properties": {"places": {"type": "integer"}}}
    bare = {"name": "book", "description": "Book.", key: schema}
    wanted = {"type": "function", "function": {"name": "book", "description": "Book.", "parameters": schema}}
    assert read([bare], None) == read([{"type": "function", "function": bare}], None) == ([wanted], [])
    text = listing([wanted, wanted]).decode()
    functions = [json.loads(text[start:end]) for start, end in places(text)]
    assert functions == [wanted["function"]] * 2


@pytest.mark.parametrize(
    ("given", "document", "place"),
    [
        ([tool(type="object", properties={"a": {"type": "strng"}})], None, ("parameters", "properties", "a", "type")),
        ([tool(type="array")], None, ("parameters", "type")),
        ([tool(**{"$ref": "https://example.org/x"})], None, ("parameters", "$ref")),
        ([tool(**{"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}})], None,
         ("parameters", "$ref", "items", "$ref")),
        ([tool(properties={"a": {"pattern": "(a+)+(?=b)"}})], None, ("parameters", "properties", "a", "pattern")),
        ([tool(), tool()], None, ("name",)),
        ([{"name": "two words"}], None, ("name",)),
        ([{"name": "a", "description": 3}], None, ("description",)),
        ([tool(description="x" * 30_000)], None, ("parameters",)),
        ([], {"openapi": "2.0"}, ("openapi",)),
        ([], {"openapi": "3.1.0", "paths": []}, ("paths",)),
        ([], {"openapi": "3.1.0", "paths": {}}, ("paths",)),
        ([], {"openapi": "3.1.0", "paths": {"/a": {"get": 1}}}, ("paths", "/a", "get")),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_at_its_place(given: list[Any], document: Any, place: tuple[str, ...]) -> None:
    _, [(found, why)] = read(given, document)
    assert found[-len(place) :] == place
    assert found[0] == ("openapi" if document else "tools")
    assert why


def test_a_schema_that_grows_without_end_is_refused_and_a_slow_pattern_is_not_slow() -> None:
    bomb = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(30)} | {"a30": {}}
    found = schemas.fault({"$defs": bomb, "$ref": "#/$defs/a0"})
    assert found is not None
    assert "more than" in found[1]
    slow = {"type": "string", "pattern": "^(a+)+$"}
    assert schemas.fault(slow) is None
    before = time.process_time()
    assert schemas.faults(slow, "a" * 5000 + "!")
    assert time.process_time() - before < 2, "a backtracking matcher would need longer than the universe is old"
