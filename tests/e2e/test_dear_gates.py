"""The gates that are off by default, all asked for: each row has their numbers, and the bill is what was foretold."""

from pathlib import Path

from app import catalog
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

RECORD = ("round_trip", "self_consistency", "ifd", "complexity", "quality")


def test_every_row_has_the_numbers_and_the_calls_were_foretold(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(8)})
        gates = dict.fromkeys((*catalog.TASKS["grounded_qa"].gates, *RECORD), 0)
        found = service.finished(
            service.dataset(
                corpus, gates=gates, options={"evolve_rounds": 0}, chunking={"splitter": "recursive", "size": 400}
            )
        )
        assert model.bill().total == found["expected_calls"] == 8 * (1 + 3 + 3 * (1 + 1 + 3 + 2 + 1))
        for row in service.samples(found["id"], state="accepted"):
            scores = {verdict["metric"]: verdict["score"] for verdict in row["verdicts"]}
            assert set(RECORD) <= set(scores)
            assert 0 < scores["round_trip"] <= 100
            assert scores["self_consistency"] == 1
            assert 0 < scores["ifd"] < 1.5
            assert {"answer/again@1", "judge/standing@1"} <= set(row["lineage"]["prompts"])


def test_a_local_gate_without_its_model_is_refused_when_asked_for(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(1)})
        for gate in ("nli", "reward"):
            refused = service.http.post("/v1/datasets", json={"corpus_id": corpus, "gates": {gate: 0.5}})
            assert refused.status_code == 422
            assert f"CORPUSMITH_{gate.upper()}_MODEL" in refused.text
