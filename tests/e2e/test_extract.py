"""JSON by a user's schema, asked for over HTTP: each value at its place in the stored text, absent ones null."""

import json
from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

TEXT = ferries(6)
SCHEMA = {
    "type": "object",
    "properties": {
        "fact": {"type": "string"},
        "passengers": {"type": "integer", "minimum": 999_999},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}


def test_values_stand_where_they_say_and_the_others_are_null(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": TEXT})
        wanted = {
            "task": "extract",
            "options": {"json_schema": SCHEMA},
            "chunking": {"splitter": "recursive", "size": 400},
        }
        found = service.finished(service.dataset(corpus, **wanted))
        assert found["status"] == "succeeded", found
        assert found["expected_calls"] == 2 * found["units"]["total"] == model.bill().total
        kept = service.samples(found["id"], state="accepted")
        assert kept, found["dropped"]
        text = TEXT.decode()
        for row in kept:
            value = json.loads(row["answer"])
            start, end = row["attributes"]["located"]["/fact"]
            assert " ".join(text[start:end].split()) == " ".join(value["fact"].split())
            assert value["passengers"] is None
            assert "/passengers" in row["attributes"]["dropped_values"]
            assert all(text[span["start"] : span["end"]] == span["quote"] for span in row["sources"])
        bad = {"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}
        refused = service.http.post(
            "/v1/datasets", json={"corpus_id": corpus, "task": "extract", "options": {"json_schema": bad}}
        )
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/options/json_schema/properties/a/$ref"
