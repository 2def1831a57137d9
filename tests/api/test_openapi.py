"""The OpenAPI document is valid and tells the truth about every route and every error."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from openapi_spec_validator import validate

from app.main import create_app

OPEN = ("/healthz", "/readyz")


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app()


@pytest.fixture(scope="module")
def schema(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_document_is_valid_openapi_3_1(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    validate(schema)


def test_every_mounted_route_is_in_the_document(app: FastAPI, schema: dict[str, Any]) -> None:
    def routes(of: Any) -> Iterator[tuple[str, str]]:
        for route in of:
            if methods := getattr(route, "methods", None):
                yield from ((route.path, method.lower()) for method in methods)

    mounted = {(path, method) for path, method in routes(app.routes) if path.startswith("/v1") or path in OPEN}
    assert mounted <= {(path, method) for path, method, _ in operations(schema)}


def test_operation_ids_are_unique_and_every_operation_has_a_summary_a_description_and_a_tag(
    schema: dict[str, Any],
) -> None:
    counts = Counter(operation["operationId"] for _, _, operation in operations(schema))
    assert [name for name, count in counts.items() if count > 1] == []
    lacking = [
        (method, path)
        for path, method, operation in operations(schema)
        if not (operation.get("summary") and operation.get("description") and operation.get("tags"))
    ]
    assert lacking == []


def test_every_error_is_described_as_a_problem_that_resolves(schema: dict[str, Any]) -> None:
    assert {"type", "title", "status", "detail", "error"} <= schema["components"]["schemas"]["Problem"][
        "properties"
    ].keys()
    wrong = [
        (method, path, status)
        for path, method, operation in operations(schema)
        for status, reply in operation["responses"].items()
        if status >= "400" and path not in OPEN
        if reply.get("content", {}).get("application/problem+json", {}).get("schema")
        != {"$ref": "#/components/schemas/Problem"}
    ]
    assert wrong == []
    assert "HTTPValidationError" not in str(schema)


def test_every_reference_resolves(schema: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(found := value.get("$ref"), str):
                yield found
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    for reference in set(references(schema)):
        found: Any = schema
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_operation_that_needs_a_key_says_so_and_names_its_common_errors(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        if path not in OPEN:
            assert operation.get("security"), (method, path)
            assert {"401", "422", "503"} <= operation["responses"].keys(), (method, path)
        if "{" in path:
            assert "404" in operation["responses"], (method, path)


def test_every_text_a_client_sends_has_a_limit(schema: dict[str, Any]) -> None:
    unbounded = [
        (path, parameter["name"])
        for path, _, operation in operations(schema)
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
        for shape in parameter["schema"].get("anyOf", [parameter["schema"]])
        if shape.get("type") == "string" and not {"maxLength", "enum", "const"} & shape.keys()
    ]
    assert unbounded == []


def test_the_document_can_be_fetched_and_browsed(client: Any) -> None:
    assert client.get("/openapi.json").json()["components"]["schemas"]["Problem"]
    assert client.get("/docs").status_code == 200
