"""Rejects of one reason tried again with one call each; the yield is reported and what was exported stays."""

from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

SMALL = {"chunking": {"splitter": "recursive", "size": 400}, "options": {"evolve_rounds": 0}}


def test_rows_dropped_for_their_quote_are_mended_by_one_call_each(tmp_path: Path, database_url: str) -> None:
    script = {"seed": 4, "faults": [{"fault": "invented_quote", "match": "Answer the question below", "rate": 0.5}]}
    with FakeModel(script) as model, Service(tmp_path, model_url=model.url, database_url=database_url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        before = service.finished(dataset)
        rejects = {row["id"]: row for row in service.samples(dataset, reason="no_source")}
        assert len(rejects) >= 8
        export = service.exported(dataset, format="messages")
        lines = service.http.get(export["files"]["data.jsonl"]["url"]).content
        bill = model.bill().total

        path = f"/v1/datasets/{dataset}/repair"
        assert service.http.post(path, json={"reason": "not_useful"}).status_code == 422
        assert service.http.post(path, json={"reason": "duplicate"}).status_code == 422
        assert service.ok(service.http.post(path, json={"reason": "no_source", "limit": 5}))["status"] == "generating"
        assert service.http.post(path, json={"reason": "no_source"}).status_code in (202, 400)
        found = service.finished(dataset)
        service.http.post(path, json={"reason": "no_source"})
        found = service.finished(dataset)

        tried, accepted = found["repaired"]["no_source"]["tried"], found["repaired"]["no_source"]["accepted"]
        assert (found["status"], tried) == ("succeeded", len(rejects)), "each was tried once"
        mended = [row for row in service.samples(dataset) if "repaired_from" in row["attributes"]]
        passed = [row for row in mended if row["state"] == "accepted" or row["reason"] == "duplicate"]
        assert len(mended) == tried
        assert len(passed) == accepted >= 0.7 * tried
        assert model.bill().total - bill == tried + accepted, "one call to mend, one of the judge for those that passed"
        assert {row["attributes"]["repaired_from"] for row in mended} == set(rejects)
        for row in mended:
            reject = rejects[row["attributes"]["repaired_from"]]
            assert row["attributes"]["repaired_reason"] == "no_source"
            assert row["context_id"] == reject["context_id"]
            assert "repair/row@1" in row["lineage"]["prompts"]
        assert found["accepted"] > before["accepted"]
        assert service.http.post(path, json={"reason": "no_source"}).status_code == 422, "none is left"
        assert service.http.get(export["files"]["data.jsonl"]["url"]).content == lines
        again = service.exported(dataset, format="messages")
        assert again["rows"] == found["accepted"]


def test_a_dataset_that_has_not_ended_is_not_repaired(tmp_path: Path) -> None:
    with FakeModel(latency_ms=200, slots=2) as model, Service(tmp_path, model_url=model.url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(20)}), **SMALL)
        refused = service.http.post(f"/v1/datasets/{dataset}/repair", json={"reason": "no_source"})
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "wrong_state"
        service.ok(service.http.post(f"/v1/datasets/{dataset}/cancel"))
