"""Summaries as a user asks for them: over HTTP, with real processes, checked against the stored text."""

import json
from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

TEXT = ferries(6)


def test_two_styles_are_made_measured_and_exported(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": TEXT})
        wanted = {
            "task": "summarise",
            "options": {"styles": {"paragraph": 1, "extractive": 1}, "summaries_per_context": 2},
            "chunking": {"splitter": "recursive", "size": 400},
        }
        found = service.finished(service.dataset(corpus, **wanted))
        assert found["status"] == "succeeded", found
        assert found["expected_calls"] == 2 * 2 * found["units"]["total"]
        rows = service.samples(found["id"])
        assert len(rows) == 2 * found["units"]["total"]
        kept = [row for row in rows if row["state"] == "accepted"]
        assert {row["kind"] for row in kept} == {"abstractive", "extractive"}, found["dropped"]
        text = TEXT.decode()
        for row in kept:
            spans = row["sources"]
            assert all(text[span["start"] : span["end"]] == span["quote"] for span in spans)
            scores = {verdict["metric"]: verdict["score"] for verdict in row["verdicts"]}
            assert {"rouge_1", "rouge_2", "rouge_l", "compression", "summary_faithfulness"} <= set(scores)
            assert scores["asked_length"] <= 1
            if row["kind"] == "extractive":
                assert row["answer"] == " ".join(" ".join(span["quote"].split()) for span in spans)
                assert scores["verbatim"] == 1
        export = service.exported(found["id"], format="prompt_completion")
        data = service.http.get(f"/v1/exports/{export['id']}/data.jsonl").text.splitlines()
        assert len(data) == len(kept)
        assert all("Summarise" in line for line in data)
        assert {json.loads(line)["completion"][0]["content"] for line in data} == {row["answer"] for row in kept}
        again = service.finished(service.dataset(corpus, **wanted))
        assert again["usage"]["calls"] == 0, "the same request again is replayed from the ledger"
        refused = service.http.post("/v1/datasets", json={"corpus_id": corpus, "gates": {"compression": 0.5}})
        assert refused.status_code == 422, "a gate of summaries means nothing for questions"
