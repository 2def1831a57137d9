"""Conversations as a user asks for them: over HTTP, with real processes, exported as chat messages."""

import json
from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import SMALL, ferries
from tests.service import Service


def test_every_assistant_turn_stands_in_the_documents_or_refuses(tmp_path: Path) -> None:
    text = ferries(12)
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": text})
        options = {"turns": {"min": 2, "max": 3}, "unanswerable_share": 0.5, "system_prompt": "You know the ferries."}
        dataset = service.dataset(corpus, task="conversation", options=options, **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        rows = service.samples(dataset, state="accepted")
        assert len(rows) >= 8, found["dropped"]
        said = text.decode()
        refusals = 0
        for row in rows:
            messages, turns = row["attributes"]["messages"], row["attributes"]["turns"]
            assert [message["role"] for message in messages] == ["system", *["user", "assistant"] * len(turns)]
            assert all(said[span["start"] : span["end"]] == span["quote"] for span in row["sources"])
            assert all(turn["sources"] or not turn["answerable"] for turn in turns)
            assert all(turn["scores"]["follows"] == 5 for turn in turns[1:])
            refusals += sum(not turn["answerable"] for turn in turns)
        assert abs(refusals - len(rows) / 2) <= 2
        assert {len(row["attributes"]["turns"]) for row in rows} == {2, 3}
        assert model.bill().total == found["usage"]["calls"]
        export = service.exported(dataset, format="messages")
        assert export["status"] == "succeeded", export
        written = service.http.get(export["files"]["train.jsonl"]["url"]).text.splitlines()
        assert json.loads(written[0])["messages"][0] == {"role": "system", "content": "You know the ferries."}
