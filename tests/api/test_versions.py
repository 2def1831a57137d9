"""Two datasets compared row by row, on both databases: counts first, pages by key, no row twice."""

import os
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select, update

from app.datasets import versions
from app.datasets.identity import content, identity
from app.db import transaction
from app.models import Chunk, Context, Corpus, Dataset, Document, Sample, Tenant, Unit
from app.models.tenants import DEFAULT_TENANT

Rows = list[tuple[str, str]]
OWN = {"tenant_id": DEFAULT_TENANT}


def dataset(name: str, rows: Rows, document: str = "a.txt", status: str = "succeeded") -> str:
    """An ended dataset with these rows (question, answer) about one document; its id."""
    name = f"{name}_{os.urandom(6).hex()}"
    found = f"dst_{name}"
    with transaction() as session:
        if session.get(Tenant, DEFAULT_TENANT) is None:
            session.add(Tenant(id=DEFAULT_TENANT))
            session.flush()
        session.add(Corpus(id=f"crp_{name}", name="c", **OWN))
        session.flush()
        session.execute(
            insert(Document),
            [OWN | {"id": f"doc_{name}", "corpus_id": f"crp_{name}", "name": document, "sha256": "0", "size": 1}],
        )
        piece = {"id": f"chk_{name}", "document_id": f"doc_{name}", "recipe": "r", "position": 0, "start": 0, "end": 9}
        session.execute(insert(Chunk), [OWN | piece | {"sha256": "0", "text": "It is so."}])
        spec: dict[str, Any] = {"model": "fake", "options": {}, "gates": {}, "rows": None}
        made = {"corpus_id": f"crp_{name}", "name": "d", "task": "grounded_qa", "status": status, "spec": spec}
        session.add(Dataset(id=found, **made, **OWN))
        session.flush()
        place = {"position": 0, "chunk_ids": [f"chk_{name}"], "quality": 1.0, "language": "en"}
        session.execute(insert(Context), [OWN | place | {"id": f"ctx_{name}", "dataset_id": found}])
        unit = {"id": f"unt_{name}", "dataset_id": found, "context_id": f"ctx_{name}", "position": 0}
        session.execute(insert(Unit), [OWN | unit])
        session.execute(
            insert(Sample),
            [
                OWN
                | {"dataset_id": found, "unit_id": f"unt_{name}", "context_id": f"ctx_{name}", "key": key}
                | {"state": "accepted", "kind": "original", "question": question, "answer": answer}
                for key, (question, answer) in enumerate(rows)
            ],
        )
    return found


def pages(client: TestClient, path: str, limit: int, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = client.get(path, params={"limit": limit, **params}).json()
        found += page["data"]
        assert len(page["data"]) <= limit
        if not page["has_more"]:
            return found
        params["after"] = page["last_id"]


@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("window", [2, 200])
def test_rows_are_added_removed_changed_or_kept_and_come_page_by_page(
    client: TestClient, limit: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "WINDOW", window)
    same = [(f"Question {i}?", f"Answer {i}.") for i in range(20)]
    a = dataset("a", [*same, ("Fare?", "Five euros."), ("Gone?", "Yes.")])
    b = dataset("b", [("New?", "Yes."), *same[5:], ("Fare?", "Six euros.")])
    path = f"/v1/datasets/{a}/diff/{b}"
    counts = client.get(path).json()["counts"]
    assert counts == {"added": 1, "removed": 6, "changed": 1, "kept": 15}
    rows = pages(client, path, limit)
    assert len({row["id"] for row in rows}) == len(rows) == 8
    [changed] = [row for row in rows if row["change"] == "changed"]
    assert (changed["before"]["answer"], changed["after"]["answer"]) == ("Five euros.", "Six euros.")
    assert [row["question"] for row in rows if row["change"] == "added"] == ["New?"]
    assert {row["question"] for row in rows if row["change"] == "removed"} == {"Gone?", *(q for q, _ in same[:5])}
    for change, count in counts.items():
        assert [row["change"] for row in pages(client, path, limit, change=change)] == [change] * count
    back = client.get(f"/v1/datasets/{b}/diff/{a}").json()["counts"]
    assert back == {"added": 6, "removed": 1, "changed": 1, "kept": 15}
    assert client.get(f"/v1/datasets/{a}/diff/{a}").json()["counts"]["kept"] == 22


def test_of_rows_that_ask_the_same_those_that_say_the_same_are_matched(client: TestClient) -> None:
    a = dataset("a", [("Fare?", "One."), ("Fare?", "Two."), ("Fare?", "Two.")])
    b = dataset("b", [("Fare?", "Two."), ("Fare?", "Three."), ("Fare?", "Four."), ("Fare?", "Five.")])
    path = f"/v1/datasets/{a}/diff/{b}"
    assert client.get(path).json()["counts"] == {"added": 1, "removed": 0, "changed": 2, "kept": 1}
    assert [row["change"] for row in pages(client, path, 1)] == ["changed", "changed", "added"]
    assert [row["change"] for row in pages(client, path, 2, change="kept")] == ["kept"]


def test_the_same_question_about_another_document_is_another_row(client: TestClient) -> None:
    a, b = dataset("a", [("Fare?", "One.")]), dataset("b", [("Fare?", "One.")], document="b.txt")
    assert client.get(f"/v1/datasets/{a}/diff/{b}").json()["counts"]["added"] == 1


def test_a_repair_or_an_older_row_that_has_no_identity_gets_the_one_it_would_have_had(client: TestClient) -> None:
    a = dataset("a", [("Fare?", "One.")])
    client.get(f"/v1/datasets/{a}/diff/{a}")
    with transaction() as session:
        [row] = session.scalars(select(Sample)).all()
        assert (row.identity, row.content) == (identity("Fare?", "One.", {}, ["a.txt"]), content("One.", {}))
        session.execute(update(Sample).values(identity=None))
    assert client.get(f"/v1/datasets/{a}/diff/{a}").json()["counts"]["kept"] == 1


def test_only_datasets_that_have_ended_and_are_ours_are_compared(
    client: TestClient, tenants: dict[str, dict[str, str]]
) -> None:
    a, b = dataset("a", [("Fare?", "One.")]), dataset("b", [("Fare?", "One.")], status="generating")
    with transaction() as session:
        session.execute(update(Dataset).values(tenant_id="ours"))
    ours = client.get(f"/v1/datasets/{a}/diff/{b}", headers=tenants["ours"])
    assert (ours.status_code, ours.json()["error"]["code"]) == (400, "not_ready")
    again = client.post(f"/v1/datasets/{b}/rebuild", json={}, headers=tenants["ours"])
    assert (again.status_code, again.json()["error"]["code"]) == (400, "not_ready")
    for verb, path in (("GET", f"{a}/diff/{a}"), ("GET", f"{a}/versions"), ("POST", f"{a}/rebuild")):
        theirs = client.request(verb, f"/v1/datasets/{path}", headers=tenants["theirs"], json={})
        assert theirs.status_code == 404, path


def test_turns_that_changed_are_content_and_how_a_row_came_about_is_not() -> None:
    turns = [{"role": "user", "content": "Fare?"}, {"role": "assistant", "content": "One."}]
    told = {"messages": turns, "seed": {"document": "x.jsonl"}}
    assert identity("", "One.", told, ["a.txt"]) == identity("Fare?", "Two.", {}, ["a.txt", "a.txt"])
    assert content("One.", told) == content("One.", {"messages": turns})
    assert content("One.", told) != content("One.", {"messages": turns[:1]})
