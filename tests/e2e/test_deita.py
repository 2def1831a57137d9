"""DEITA's selection on a whole service: the best rows stay, and the same question is not kept twice."""

from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

WANTED = {"rows": 8, "selection": {"strategy": "deita"}, "chunking": {"splitter": "recursive", "size": 400}}


def test_the_best_rows_stay(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(12)})
        refused = service.http.post("/v1/datasets", json={"corpus_id": corpus, **WANTED})
        assert refused.status_code == 422
        assert "needs the gates" in refused.json()["detail"]
        dataset = service.dataset(corpus, gates={"complexity": 0, "quality": 0}, **WANTED)
        assert service.finished(dataset)["accepted"] == 8
        rows = service.samples(dataset)

    def worth(row: dict[str, object]) -> float:
        scores = {verdict["metric"]: verdict["score"] for verdict in row["verdicts"]}  # type: ignore[attr-defined]
        return float(scores["complexity"] * scores["quality"])

    kept = [worth(row) for row in rows if row["state"] == "accepted"]
    left = [(worth(row), row["detail"]) for row in rows if row["reason"] == "surplus"]
    assert left
    assert all("DEITA" in detail for _, detail in left)
    assert max(kept) >= max(score for score, _ in left)
