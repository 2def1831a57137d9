"""JSON from a scripted model: what stands in the text is kept with its place, and what does not is gone."""

import json
from typing import Any

import pytest

from app import catalog
from app.datasets import checks
from app.domain import Dropped, Sample
from app.errors import InvalidRequest
from tests.workers.scripted import Scripted, context, made_by, stands
from workers.steps.nullable import asked

TEXT = (
    "The ferry Aurora leaves Norvik at 07:40.\nA single ticket costs 12.50 euros; a cabin costs 1,200 euros. No dogs."
)
ABOUT = context(TEXT)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["ferry", "price"],
    "properties": {
        "ferry": {"type": "string"},
        "price": {"$ref": "#/$defs/amount"},
        "cabin": {"$ref": "#/$defs/amount"},
        "captain": {"type": "string", "maxLength": 50},
        "harbours": {"type": "array", "items": {"type": "string"}},
        "kind": {"enum": ["ferry", "train"]},
        "dogs": {"type": "boolean"},
        "summer": {"type": "string", "x-derived": True},
        "stops": {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "string"}}}},
    },
    "$defs": {"amount": {"type": "number", "minimum": 0}},
}
VALUE: dict[str, Any] = {
    "ferry": "aurora",
    "price": 12.5,
    "cabin": 1200,
    "captain": "Anna Lind",
    "harbours": ["Norvik", "Bergen"],
    "kind": "ferry",
    "dogs": False,
    "summer": "all year",
    "stops": [{"at": "07:40"}, {"at": "08:15"}],
}
GOOD = {"reason": "None.", "correct": 5, "complete": 5}


def only(value: dict[str, Any], judged: dict[str, Any] = GOOD, **options: Any) -> Sample | Dropped:
    script = Scripted(extract__value={"value": value}, judge__extraction=judged)
    outcome = made_by("extract", script, ABOUT, **({"json_schema": SCHEMA} | options))
    rows: list[Sample | Dropped] = [*outcome.kept, *outcome.dropped]
    assert len(rows) == 1
    return rows[0]


def test_values_are_located_and_what_does_not_stand_there_is_null() -> None:
    row = only(VALUE)
    assert isinstance(row, Sample), row
    value = json.loads(row.answer)
    assert value == VALUE | {"captain": None, "harbours": ["Norvik"], "stops": [{"at": "07:40"}, {"at": None}]}
    assert row.attributes["dropped_values"] == {
        "/captain": "Anna Lind", "/harbours/1": "Bergen", "/stops/1/at": "08:15"
    }  # fmt: skip
    assert set(row.attributes["derived"]) == {"/kind", "/dogs", "/summer"}
    assert all(stands(ABOUT, span) for span in row.sources)
    start, end = row.attributes["located"]["/cabin"]
    assert TEXT[start:end] == "1,200"
    assert row.question.endswith(TEXT)
    assert json.dumps(row.attributes["schema"]) in row.question


def test_what_is_absent_can_be_left_out() -> None:
    row = only(VALUE, absent="omit")
    assert isinstance(row, Sample), row
    assert "captain" not in json.loads(row.answer)
    assert row.attributes["schema"] == SCHEMA
    lost = only(VALUE | {"price": 99}, absent="omit")
    assert isinstance(lost, Dropped)
    assert lost.reason == "schema_mismatch", "price is required"


@pytest.mark.parametrize(
    ("value", "judged", "reason"),
    [
        (VALUE | {"kind": "plane"}, GOOD, "schema_mismatch"),
        ({"ferry": "Aurora"}, GOOD, "schema_mismatch"),
        (VALUE | {"ferry": "Borealis", "price": 7, "cabin": 8, "harbours": ["Oslo"]}, GOOD, "values_not_in_text"),
        (dict.fromkeys(VALUE) | {"harbours": [], "stops": []}, GOOD, "nothing_found"),
        (VALUE, GOOD | {"correct": 2}, "wrong_value"),
        (VALUE, GOOD | {"complete": 1}, "misses_values"),
    ],
)
def test_json_that_is_wrong_says_why(value: dict[str, Any], judged: dict[str, Any], reason: str) -> None:
    row = only(value, judged)
    assert isinstance(row, Dropped), row
    assert row.reason == reason


def test_a_short_text_must_stand_there_as_a_word_and_a_number_as_a_number() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {"type": "string"}},
    }
    row = only({"a": "No", "b": 7, "c": "ut"}, json_schema=schema)
    assert row.attributes["dropped_values"] == {"/c": "ut"}, "07 is the number 7; `ut` is only a part of a word"


def test_the_model_is_asked_by_a_schema_whose_texts_and_lists_are_bounded_and_whose_values_may_be_null() -> None:
    found = asked(SCHEMA)
    assert found["required"] == list(SCHEMA["properties"])
    assert found["properties"]["price"] == {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]}
    assert found["properties"]["captain"]["anyOf"][0]["maxLength"] == 50
    assert found["properties"]["harbours"] == {
        "type": "array", "items": {"type": "string", "maxLength": 300}, "maxItems": 20
    }  # fmt: skip
    assert "$defs" not in found
    assert "$ref" not in json.dumps(found)


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "array"}, "/options/json_schema"),
        ({"type": "object", "properties": {}}, "/options/json_schema"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "/options/json_schema/properties/a/type"),
        ({"type": "object", "properties": {"a": {"$ref": "https://a.example/s"}}},
         "/options/json_schema/properties/a/$ref"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}, "/options/json_schema/properties/a/$ref"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}}, "/options/json_schema/properties/a/$ref"),
        ({"type": "object", "properties": {"a": {"description": "x" * 20_000}}}, "/options/json_schema"),
        ({"type": "object", "properties": {f"p{i}": {} for i in range(101)}}, "/options/json_schema/properties"),
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_used_is_refused_with_the_place_in_it(schema: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        checks.options(catalog.TASKS["extract"], {"json_schema": schema})
    assert refused.value.fields[0][0].startswith(pointer), refused.value.fields
