"""Questions that take thinking as a user asks for them: over HTTP, with real processes and the exact bill."""

from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import SMALL, ferries
from tests.service import Service


def test_rows_have_thoughts_that_stand_in_the_documents(tmp_path: Path) -> None:
    text = ferries(8)
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": text})
        dataset = service.dataset(corpus, task="reasoning", options={"samples": 3}, **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        rows = service.samples(dataset, state="accepted")
        assert len(rows) >= 8, found["dropped"]
        said = text.decode()
        for row in rows:
            assert row["kind"] == "reasoning"
            assert row["answer"].startswith("<think>\n")
            assert row["answer"].endswith(f"\n</think>\n\n{row['attributes']['final_answer']}")
            assert row["attributes"]["votes"]["agreeing"] == 3
            [span] = row["sources"]
            assert said[span["start"] : span["end"]] == span["quote"] == row["attributes"]["steps"][0]["quote"]
        assert found["usage"]["calls"] == model.bill().total == found["expected_calls"], (
            "three attempts are three calls"
        )
