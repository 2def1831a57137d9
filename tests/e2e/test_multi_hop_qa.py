"""Questions of several hops as a user asks for them: over HTTP, with real processes, also across documents."""

from pathlib import Path
from typing import Any

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

SMALL = {"chunking": {"splitter": "recursive", "size": 400}, "grouping": {"min_similarity": 0.1, "max_similarity": 1.0}}


def test_rows_rest_on_as_many_chunks_as_asked_for_also_across_documents(tmp_path: Path, database_url: str) -> None:
    pages = ferries(16).decode().split("\n\n")
    texts = {"a.txt": "\n\n".join(pages[:8]), "b.txt": "\n\n".join(pages[8:])}
    with FakeModel() as model, Service(tmp_path, model_url=model.url, database_url=database_url) as service:
        corpus = service.corpus({name: text.encode() for name, text in texts.items()})
        options = {"questions_per_context": 2, "hops": {"2": 1, "3": 1}, "across_documents": True}
        dataset = service.dataset(corpus, task="multi_hop_qa", options=options, **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert found["spec"]["grouping"]["chunks_per_context"] == {"min": 2, "max": 3}, "what the options need"
        rows = service.samples(dataset, state="accepted")
        assert len(rows) >= 10, found["dropped"]
        assert {row["kind"] for row in rows} == {"bridge", "comparison", "intersection"}
        assert {len(row["attributes"]["hops"]) for row in rows} == {2, 3}
        for row in rows:
            spans = row["sources"]
            assert len(spans) == len(row["attributes"]["hops"])
            assert len({span["document_name"] for span in spans}) == 2
            assert all(texts[span["document_name"]][span["start"] : span["end"]] == span["quote"] for span in spans)
        assert model.bill().total == found["usage"]["calls"]
        one: dict[str, Any] = {"grouping": {"chunks_per_context": 1}}
        wanted: dict[str, Any] = {"corpus_id": corpus, "task": "multi_hop_qa"}
        alone: dict[str, Any] = {"grouping": {"cross_document": False}, "options": options}
        many: dict[str, Any] = {"options": {"hops": 6}}
        for more, pointer in [
            (one, "/grouping/chunks_per_context"),
            (alone, "/grouping/cross_document"),
            (many, "/options/hops"),
        ]:
            reply = service.http.post("/v1/datasets", json=wanted | more)
            assert reply.status_code == 422
            assert reply.json()["errors"][0]["pointer"].startswith(pointer), reply.text
