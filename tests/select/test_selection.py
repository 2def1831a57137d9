"""The whole selection, asked for over HTTP: options are checked, reasons read back, files repeat byte for byte."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.faults.verify import verify_job
from tests.select.texts import jaccard
from tests.service import Service

KEY = "ghp_" + "a1B2c3D4e5F6" * 3
MAIL = "ingrid.solheim@norvik.example.org"
PRIVATE = f"""The harbour master of Norvik answers every letter within two days at {MAIL} in spring and autumn.

The tide server of the harbour accepts the token {KEY} from any machine on the quay at night."""
OPEN = dict.fromkeys(("source", "numbers", "standalone", "agreement", "faithfulness", "answerability", "usefulness"), 0)
SMALL: dict[str, Any] = {
    "gates": OPEN, "chunking": {"splitter": "recursive", "size": 330}, "options": {"questions_per_context": 3},
    "grouping": {"min_quality": 0},
}  # fmt: skip
SHOWN = ("question", "answer", "parent_question", "sources", "verdicts", "attributes")


def test_every_stage_leaves_its_reason_with_the_rows_it_drops(tmp_path: Path, database_url: str) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url, database_url=database_url) as service:
        theirs = "It carries 53 passengers, 5 cars across the sound, and it was built in the year 1903 at a yard."
        tests = service.corpus({"exam.jsonl": json.dumps({"id": 1, "passage": {"text": theirs}}).encode()})
        corpus = service.corpus({"a.txt": ferries(8), "private.txt": PRIVATE.encode()})
        wanted = {"pii": "redact", "decontaminate": [tests], "max_per_document": 30, "balance": "kind"}
        dataset = service.dataset(corpus, selection=wanted, **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "succeeded"
        assert {"secret", "contaminated", "document_cap"} <= set(found["dropped"])
        assert found["findings"] == {"pii.EMAIL": found["findings"]["pii.EMAIL"]}
        rows = service.samples(dataset)
        assert KEY not in json.dumps([{name: row[name] for name in SHOWN} for row in rows])
        assert MAIL not in json.dumps([{name: row[name] for name in SHOWN} for row in rows])
        mailed = [row for row in rows if row["findings"] and row["state"] == "accepted"]
        assert len(mailed) == found["findings"]["pii.EMAIL"]
        for row in mailed:
            for one in row["findings"]:
                assert row[one["field"]][one["start"] : one["end"]] == "[EMAIL]"
                assert (one["detector"], one["type"], one["action"]) == ("pii", "EMAIL", "redact")
        assert {row["detail"] for row in rows if row["reason"] == "secret"} <= {
            "GITHUB_TOKEN in answer", "GITHUB_TOKEN in question", "GITHUB_TOKEN in answer, GITHUB_TOKEN in question"
        }  # fmt: skip
        kept = [row for row in rows if row["state"] == "accepted"]
        assert len([row for row in kept if row["sources"] and row["sources"][0]["document_name"] == "a.txt"]) <= 30
        assert len({row["kind"]: 0 for row in kept}) == 2
        verify_job(service, model, dataset, killed_in_flight=0)


def test_no_near_copy_crosses_the_split_and_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    varied = "\n\n".join(path.read_text() for path in sorted((Path(__file__).parents[2] / "docs").glob("*.md")))[
        :30_000
    ]
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"docs.txt": varied.encode()})
        files = []
        for _ in range(2):
            dataset = service.dataset(corpus, validation_share=0.3, seed=5, **SMALL)
            assert service.finished(dataset)["accepted"] > 100
            export = service.exported(dataset, format="messages")
            names = ("train.jsonl", "validation.jsonl")
            files.append({name: service.http.get(export["files"][name]["url"]).content for name in names})
        assert files[0] == files[1]
        sides = {
            split: [
                f"{row['question']} {row['answer']}" for row in service.samples(dataset, state="accepted", split=split)
            ]
            for split in ("train", "validation")
        }
        assert len(sides["validation"]) > 10
        assert not [1 for one in sides["validation"] for other in sides["train"] if jaccard(one, other) >= 0.5]


def test_missing_rows_are_explained_by_what_became_of_the_contexts(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        found = service.finished(service.dataset(service.corpus({"a.txt": ferries(3)}), rows=900, **SMALL))
        assert "of 900 rows" in found["shortfall"]
        assert "3 contexts, 0 of them never asked" in found["shortfall"]
        assert "none more than 4 times; accepted rows cite" in found["shortfall"]


@pytest.mark.parametrize("field", ["decontaminate", "near_copy", "pii", "balance", "max_per_document", "typo"])
def test_a_wrong_selection_is_refused_by_field(client: TestClient, field: str) -> None:
    corpus = client.post("/v1/corpora", json={"name": "c"}).json()["id"]
    client.put(f"/v1/corpora/{corpus}/documents/a.txt", content=ferries(2))
    bad = {
        "decontaminate": [corpus],
        "near_copy": 1.1,
        "pii": "hide",
        "balance": "all",
        "max_per_document": 0,
        "typo": 1,
    }
    answer = client.post("/v1/datasets", json={"corpus_id": corpus, "selection": {field: bad[field]}})
    assert answer.status_code == 422
    assert field in answer.text


def test_a_test_set_that_is_not_there_is_refused(client: TestClient) -> None:
    corpus = client.post("/v1/corpora", json={"name": "c"}).json()["id"]
    client.put(f"/v1/corpora/{corpus}/documents/a.txt", content=ferries(2))
    wanted = {"corpus_id": corpus, "selection": {"decontaminate": ["crp_missing"]}}
    answer = client.post("/v1/datasets", json=wanted)
    assert answer.status_code == 404
    assert "corpus crp_missing" in answer.json()["detail"]
