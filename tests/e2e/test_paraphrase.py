"""Paraphrases as a user asks for them, measured with the packaged embeddings in the worker."""

from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

TEXT = ferries(4)


def test_sentences_come_back_in_other_words_with_all_their_numbers(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": TEXT})
        wanted = {
            "task": "paraphrase",
            "options": {"sentences_per_context": 2, "styles": {"plain": 1, "short": 1}},
            "chunking": {"splitter": "recursive", "size": 400},
        }
        found = service.finished(service.dataset(corpus, **wanted), seconds=150)
        assert found["status"] == "succeeded", found
        rows = service.samples(found["id"])
        assert len(rows) == 2 * found["units"]["total"]
        assert found["expected_calls"] == 4 * found["units"]["total"]
        kept = [row for row in rows if row["state"] == "accepted"]
        assert kept, found["dropped"]
        text = TEXT.decode()
        for row in kept:
            (span,) = row["sources"]
            assert text[span["start"] : span["end"]] == span["quote"]
            assert row["question"].endswith(row["attributes"]["sentence"])
            scores = {verdict["metric"]: verdict["score"] for verdict in row["verdicts"]}
            assert scores["facts_kept"] == 1
            assert scores["similarity"] >= 0.65
            assert scores["overlap"] <= 0.7
