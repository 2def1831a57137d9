"""Rows of tool calls as a user asks for them: without a corpus, from functions or an OpenAPI document."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.toolbox import schemas
from tests.fakes.process import FakeModel
from tests.service import Service

TEXT = {"type": "string"}
PATHS = {
    f"/{thing}": {
        "get": {
            "operationId": f"list_{thing}",
            "summary": f"All {thing} of a harbour.",
            "parameters": [
                {"name": "harbour", "in": "query", "required": True, "schema": TEXT},
                {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}},
            ],
        }
    }
    for thing in ("ferries", "cranes", "pilots", "berths", "tides")
}
OPENAPI: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "Harbour", "version": "1"}, "paths": PATHS}


def test_an_openapi_document_becomes_rows_whose_arguments_meet_its_schemas(tmp_path: Path, database_url: str) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url, database_url=database_url) as service:
        wanted = {"task": "tool_calls", "rows": 20, "options": {"openapi": OPENAPI, "tools_shown": 3}}
        made = service.ok(service.http.post("/v1/datasets", json=wanted))
        found = service.finished(made["id"])
        assert found["status"] == "succeeded", (found["error"], found["dropped"], found["units"])
        assert found["spec"]["options"]["openapi"] is None, "the spec has the tools that were read from it"
        rows = service.samples(made["id"], state="accepted")
        assert len(rows) == 20, found["dropped"]
        assert {row["kind"] for row in rows} == {"single", "parallel", "multi_step", "no_call"}
        for row in rows:
            tools = {tool["function"]["name"]: tool["function"] for tool in row["attributes"]["tools"]}
            assert len(tools) == 3
            messages = row["attributes"]["messages"]
            calls = [call["function"] for message in messages for call in message.get("tool_calls", ())]
            assert len(calls) == {"single": 1, "no_call": 0}.get(row["kind"], 2)
            assert len(calls) == sum(message["role"] == "tool" for message in messages)
            for call in calls:
                assert schemas.faults(tools[call["name"]]["parameters"], json.loads(call["arguments"])) == []
        assert model.bill().total == found["usage"]["calls"]
        export = service.exported(made["id"], format="trl_tools")
        lines = service.http.get(export["files"]["data.jsonl"]["url"]).text.splitlines()
        assert len(lines) == 20
        assert all(json.loads(json.loads(line)["tools"]) for line in lines)
        again = service.ok(service.http.post("/v1/datasets", json=wanted))
        assert again["corpus_id"] == made["corpus_id"], "the same tools are the same corpus"
        rebuilt = service.ok(service.http.post(f"/v1/datasets/{made['id']}/rebuild", json={}))
        assert rebuilt["corpus_id"] == made["corpus_id"]
        assert service.finished(rebuilt["id"])["usage"]["calls"] == 0


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"options": {}}, "/options/tools"),
        ({"corpus_id": "crp_1", "options": {"openapi": OPENAPI}}, "/corpus_id"),
        ({"options": {"tools": [{"name": "a", "parameters": {"type": "object", "properties": {"b": {"type": 3}}}}]}},
         "/options/tools/0/parameters/properties/b/type"),
        ({"options": {"openapi": {"openapi": "3.1.0", "paths": {"/a/b": {"get": []}}}}},
         "/options/openapi/paths/~1a~1b/get"),
        ({"options": {"openapi": OPENAPI, "call_types": {"single": 0}}}, "/options/call_types"),
        ({"task": "grounded_qa"}, "/corpus_id"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_tools_is_said_at_once_and_where(wanted: dict[str, Any], pointer: str, client: Any) -> None:
    reply = client.post("/v1/datasets", json={"task": "tool_calls"} | wanted)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == pointer, reply.text
