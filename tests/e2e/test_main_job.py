"""The README's story on a fake model server: documents in, a checked dataset out, on both databases."""

import json
from pathlib import Path

import datasets
import pytest

from app import catalog
from app.samples import paths
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.faults.verify import verify_job
from tests.service import WINDOW, Service

OPEN = dict.fromkeys(catalog.TASKS["grounded_qa"].gates, 0)
ONE_CONTEXT_A_PARAGRAPH = {"chunking": {"splitter": "recursive", "size": 400}}


def test_a_context_in_which_nothing_is_dropped_costs_exactly_sixteen_calls(tmp_path: Path, database_url: str) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url, database_url=database_url) as service:
        corpus = service.corpus({"a.txt": ferries(10)})
        wanted = {"questions_per_context": 3, "evolve_rounds": 1}
        dataset = service.dataset(corpus, options=wanted, gates=OPEN, **ONE_CONTEXT_A_PARAGRAPH)
        found = service.finished(dataset)
        assert found["units"] == {"total": 10, "done": 10, "failed": 0}
        assert found["accepted"] + sum(found["dropped"].values()) == 60
        assert set(found["dropped"]) <= {"duplicate"}, "nothing was dropped before the selection"
        assert model.bill().total == 16 * 10
        verify_job(service, model, dataset, killed_in_flight=0)

        again = service.finished(service.dataset(corpus, options=wanted, gates=OPEN, **ONE_CONTEXT_A_PARAGRAPH))
        assert again["usage"]["calls"] == 0, "the same request again is replayed from the ledger and costs nothing"
        assert again["usage"]["replayed_calls"] == found["usage"]["calls"] + found["usage"]["replayed_calls"]
        assert again["accepted"] == found["accepted"]


def test_the_sample_corpus_becomes_files_that_load_with_their_sources(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({path.name: path.read_bytes() for path in paths()})
        dataset = service.dataset(corpus, chunking={"size": 900}, validation_share=0.2)
        assert service.finished(dataset)["status"] == "succeeded"
        export = service.exported(dataset, format="messages", include_sources=True)
        assert export["status"] == "succeeded"
        whole = service.http.get(export["files"]["data.jsonl"]["url"]).content
        parts = [service.http.get(export["files"][f"{name}.jsonl"]["url"]).content for name in ("train", "validation")]
        assert b"".join(parts) == whole
        assert all(parts)
        (tmp_path / "rows.jsonl").write_bytes(whole)
        rows = datasets.load_dataset("json", data_files=str(tmp_path / "rows.jsonl"), cache_dir=str(tmp_path / "cache"))
        assert len(rows["train"]) == export["rows"] == service.get(dataset)["accepted"]
        contexts = [
            {row["context_id"] for row in service.samples(dataset, split=s, state="accepted")}
            for s in ("train", "validation")
        ]
        assert not contexts[0] & contexts[1], "no context is in both splits"
        manifest = service.http.get(export["files"]["manifest.json"]["url"]).json()
        assert manifest["counts"]["rows"] == export["rows"]
        assert manifest["dropped"] == service.get(dataset)["dropped"]
        assert {prompt["id"] for prompt in manifest["prompts"]} >= {"ask/grounded@1", "judge/grounded@1"}


def test_rows_wanted_are_rows_delivered_though_most_are_dropped(tmp_path: Path) -> None:
    script = {"seed": 4, "faults": [{"fault": "invented_quote", "rate": 0.6}]}
    with FakeModel(script) as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(60)})
        found = service.finished(service.dataset(corpus, rows=50, **ONE_CONTEXT_A_PARAGRAPH))
        assert found["accepted"] == 50
        assert found["round"] >= 1
        assert found["dropped"]["no_source"] > 30


def test_a_dataset_that_ends_short_says_why(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(3)})
        found = service.finished(service.dataset(corpus, rows=5000, **ONE_CONTEXT_A_PARAGRAPH))
        assert found["status"] == "succeeded"
        assert found["accepted"] < 5000
        assert "of 5000 rows" in found["shortfall"]


def test_a_budget_of_calls_is_not_overrun_by_one(tmp_path: Path) -> None:
    with FakeModel(latency_ms=20) as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(24)})
        found = service.finished(service.dataset(corpus, budget={"max_calls": 100}, **ONE_CONTEXT_A_PARAGRAPH))
        assert found["usage"]["calls"] <= 100
        assert model.bill().total <= 100
        assert found["accepted"] > 0
        assert "budget" in found["shortfall"]


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_pause_and_cancel_stop_the_calls_within_two_seconds(tmp_path: Path, verb: str) -> None:
    with (
        FakeModel(latency_ms=100, slots=8) as model,
        Service(tmp_path, model_url=model.url, window_max=WINDOW) as service,
    ):
        from tests.service import wait

        dataset = service.dataset(service.corpus({"a.txt": ferries(40)}), **ONE_CONTEXT_A_PARAGRAPH)
        wait(lambda: service.get(dataset)["usage"]["calls"] > 20, 60)
        service.ok(service.http.post(f"/v1/datasets/{dataset}/{verb}"))
        wait(lambda: model.stats()["running"] + model.stats()["waiting"] == 0, 2.5)
        before = model.bill().total
        accepted = service.get(dataset)["accepted"]
        service.http.get("/healthz")
        wait(lambda: model.bill().total == before, 1)
        assert service.get(dataset)["accepted"] == accepted
        if verb == "pause":
            service.ok(service.http.post(f"/v1/datasets/{dataset}/resume"))
            assert service.finished(dataset)["status"] == "succeeded"
            verify_job(service, model, dataset, killed_in_flight=WINDOW)
        else:
            export = service.exported(dataset, format="alpaca")
            assert export["rows"] == accepted, "rows accepted before the cancel can be exported"


def test_contexts_of_several_chunks_use_real_embeddings(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({f"{i}.txt": ferries(6) for i in range(1)} | {"b.txt": ferries(12)[1200:]})
        wanted = {"chunks_per_context": 3, "min_similarity": 0.1, "cross_document": True}
        dataset = service.dataset(corpus, grouping=wanted, options={"evolve_rounds": 0}, **ONE_CONTEXT_A_PARAGRAPH)
        assert service.finished(dataset)["status"] == "succeeded"
        bodies = [json.dumps(row) for row in service.samples(dataset, state="accepted")]
        assert bodies
