"""Labelled texts as a user asks for them: labels given and labels found in the documents."""

from collections import Counter
from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

SMALL = {"chunking": {"splitter": "recursive", "size": 400}}
LABELS = {"timetable": "when ferries leave", "fares": "what tickets cost", "captains": "who steers"}


def test_labels_are_given_or_found_and_a_second_time_cost_nothing(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(12)})
        options = {"labels": LABELS, "generate": 3}
        wanted = {"task": "classify", "options": options, "selection": {"balance": "label"}} | SMALL
        found = service.finished(service.dataset(corpus, **wanted))
        assert found["status"] == "succeeded", found
        units = found["units"]["total"]
        assert found["expected_calls"] == units * (1 + 1 + 1 + 3)
        rows = service.samples(found["id"])
        assert len(rows) == 4 * units
        written = Counter(row["attributes"]["labels"][0] for row in rows if row["kind"] == "generated")
        assert set(written) == set(LABELS)
        assert max(written.values()) - min(written.values()) <= 1
        kept = [row for row in rows if row["state"] == "accepted"]
        assert {row["kind"] for row in kept} >= {"generated"}
        assert all(row["answer"] in LABELS for row in kept)
        assert all(line in row["question"] for row in kept for line in ("- fares: what tickets cost", "Labels:"))
        even = Counter(row["answer"] for row in kept)
        assert max(even.values()) <= sorted(even.values())[(len(even) - 1) // 2], "no label is above the median one"

        induced = {"task": "classify", "options": {"induce": 4}} | SMALL
        first = service.finished(service.dataset(corpus, **induced))
        labels = first["spec"]["options"]["labels"]
        assert 2 <= len(labels) <= 4, first
        assert {row["answer"] for row in service.samples(first["id"], state="accepted")} <= set(labels)
        events = service.ok(service.http.get(f"/v1/datasets/{first['id']}/events"))["data"]
        assert any(event["type"] == "planning.options" for event in events)
        assert first["usage"]["calls"] + first["usage"]["replayed_calls"] <= first["expected_calls"]
        again = service.finished(service.dataset(corpus, **induced))
        assert again["usage"]["calls"] == 0
        assert again["spec"]["options"]["labels"] == labels
