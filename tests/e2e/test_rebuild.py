"""A corpus that has changed a little is asked for again: only what changed is paid for."""

from pathlib import Path
from typing import Any

from app import catalog
from tests.fakes.process import FakeModel
from tests.service import Service

OPEN = dict.fromkeys(catalog.TASKS["grounded_qa"].gates, 0)
EVERYTHING: dict[str, Any] = {
    "gates": OPEN,
    "chunking": {"splitter": "recursive", "size": 400},
    "options": {
        "questions_per_context": 3,
        "evolve_rounds": 1,
        "question_types": {"single_hop": 5, "unanswerable": 2, "multiple_choice": 2, "true_false": 1},
        "personas": ["newcomer", "auditor"],
        "styles": {"plain": 1, "search_query": 1},
    },
}


def manual(number: int, version: int = 0) -> bytes:
    """Three paragraphs about one ship, with facts of their own in each version."""
    first = 1000 * number + 10 * version
    return "\n\n".join(
        f"The ship {i} of line {number} leaves Harbour {i} at {i % 24:02d}:{i % 60:02d} every day. A ticket for it "
        f"costs {i + 3} euros and fifty cents. The captain of ship {i} is called Person {i}. It carries {50 + i} "
        f"passengers, {i + 2} cars across the sound, and it was built in the year {1900 + i % 100} at Town {i}."
        for i in range(first, first + 3 + version)
    ).encode()


def test_of_a_corpus_of_which_a_twentieth_changed_no_more_than_that_is_paid_for(
    tmp_path: Path, database_url: str
) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url, database_url=database_url) as service:
        corpus = service.corpus({f"manual-{i}.txt": manual(i) for i in range(40)})
        first = service.finished(service.dataset(corpus, **EVERYTHING))
        paid = model.bill().total
        assert first["units"]["done"] == 120
        for number in (7, 23):  # one of them longer than it was, so that units in between move
            path = f"/v1/corpora/{corpus}/documents/manual-{number}.txt"
            service.ok(service.http.put(path, content=manual(number, version=1)))
        asked = service.ok(service.http.post(f"/v1/datasets/{first['id']}/rebuild", json={"name": "again"}))
        assert asked["rebuilt_from"] == first["id"]
        again = service.finished(asked["id"])
        assert again["units"]["done"] == 122
        more = model.bill().total - paid
        assert more == again["usage"]["calls"]
        assert 0 < more <= 0.07 * paid, f"{more} of {paid} calls"
        assert model.bill().repeated == 0

        says_what_changed(service, first, again)

        elsewhere = service.corpus({f"manual-{i}.txt": manual(i, version=i in (7, 23)) for i in range(40)})
        copied = service.finished(service.dataset(elsewhere, **EVERYTHING))
        assert copied["usage"]["calls"] == 0, "the same documents in another corpus are the same"
        assert copied["accepted"] == again["accepted"]


def says_what_changed(service: Service, first: dict[str, Any], again: dict[str, Any]) -> None:
    """The comparison of both versions: only rows of the documents that changed are not the same."""
    path = f"/v1/datasets/{first['id']}/diff/{again['id']}"
    counts = service.ok(service.http.get(path))["counts"]
    assert counts["kept"] + counts["changed"] + counts["removed"] == first["accepted"]
    assert counts["kept"] + counts["changed"] + counts["added"] == again["accepted"]
    assert counts["kept"] > 0.85 * first["accepted"]
    assert counts["added"] > 0 < counts["removed"]
    rows = list(service._pages(path, {"limit": "7"}))
    assert len(rows) == counts["added"] + counts["removed"] + counts["changed"]
    of = {row["id"]: row for dataset in (first, again) for row in service.samples(dataset["id"], state="accepted")}
    for row in rows:
        for side in filter(None, (row["before"], row["after"])):
            documents = {span["document_name"] for span in of[side["sample_id"]]["sources"]}
            assert documents <= {"manual-7.txt", "manual-23.txt"}
    chain = service.ok(service.http.get(f"/v1/datasets/{first['id']}/versions"))["data"]
    assert [one["id"] for one in chain] == [again["id"], first["id"]]
    assert [one["sealed"] for one in chain] == [False, True]
    refused = service.http.post(f"/v1/datasets/{first['id']}/repair", json={"reason": "duplicate"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "wrong_state")
