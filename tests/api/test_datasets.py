"""Datasets: everything a worker would stumble over later is refused at once; then polling, verbs, lists."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import catalog
from app.datasets import service
from app.db import transaction
from app.models import Dataset, Sample, Tenant, Unit
from app.models.datasets import Context
from app.settings import settings
from tests.fakes.process import FakeModel

Json = dict[str, Any]


@pytest.fixture
def full(client: TestClient, corpus_id: str) -> str:
    """A corpus with a document."""
    client.put(f"/v1/corpora/{corpus_id}/documents/a.txt", content=b"The ferry leaves at 07:40.")
    return corpus_id


@pytest.fixture
def dataset(client: TestClient, full: str) -> Json:
    found: Json = client.post("/v1/datasets", json={"corpus_id": full}).json()
    return found


def move(dataset_id: str, status: str) -> None:
    """As a worker does it."""
    with transaction() as session:
        service.move(session, session.get_one(Dataset, dataset_id), status, "moved")


def test_a_dataset_is_made_located_and_its_plan_is_rung_for(client: TestClient, full: str, rings: list[Any]) -> None:
    reply = client.post("/v1/datasets", json={"corpus_id": full, "rows": 10, "gates": {"usefulness": 0}})
    assert reply.status_code == 201
    dataset = reply.json()
    assert reply.headers["location"] == f"/v1/datasets/{dataset['id']}"
    assert (dataset["status"], dataset["rows_wanted"], dataset["model"]) == ("validating", 10, "fake")
    assert dataset["spec"]["options"]["questions_per_context"] == 3
    assert dataset["spec"]["gates"] == catalog.TASKS["grounded_qa"].gates | {"usefulness": 0}
    assert ("plan", dataset["id"]) in rings
    assert client.get(reply.headers["location"]).json() == dataset


REFUSED: list[tuple[Json, str, str, str]] = [
    ({"task": "grounded_q"}, "unknown_catalog_entry", "/task", "grounded_qa"),
    ({"gates": {"faith": 1}}, "unknown_catalog_entry", "/gates/faith", "faithfulness"),
    ({"gates": {"faithfulness": 99}}, "invalid_request", "/gates/faithfulness", "between 1 and 5"),
    ({"options": {"evolutions": ["deepen", "deeper"]}}, "unknown_catalog_entry", "/options/evolutions/1", "in_breadth"),
    ({"options": {"question_count": 3}}, "invalid_request", "/options/question_count", "questions_per_context"),
    ({"options": {"evolve_rounds": 5}}, "invalid_request", "/options/evolve_rounds", "less than or equal to 4"),
    ({"options": {"evolutions": []}}, "invalid_request", "/options/evolutions", "at least 1"),
    ({"options": {"question_types": {"cloze": 0}}}, "invalid_request", "/options/question_types", "weight above 0"),
    ({"options": {"styles": {"plain": -1}}}, "invalid_request", "/options/styles/plain", "greater than or equal to 0"),
    ({"options": {"seed_questions": ["Who?"] * 1001}}, "invalid_request", "/options/seed_questions", "at most 1000"),
    (
        {"options": {"question_types": {"multi_hop": 1}}},
        "invalid_request",
        "/grouping/chunks_per_context",
        "need 2 or more",
    ),
    ({"chunking": {"splitter": "words"}}, "invalid_request", "/chunking/splitter", "recursive"),
    ({"chunking": {"size": 100, "overlap": 100}}, "invalid_request", "/chunking/overlap", "smaller than"),
    ({"chunking": {"splitter": "tokens"}}, "invalid_request", "/chunking/splitter", "TOKENIZER"),
    ({"grouping": {"chunks": 2}}, "invalid_request", "/grouping/chunks", "not permitted"),
    ({"budget": {"max_calls": 0}}, "invalid_request", "/budget/max_calls", "greater than or equal to 1"),
    ({"taks": "grounded_qa"}, "invalid_request", "/taks", "not permitted"),
    ({"status": "succeeded"}, "invalid_request", "/status", "not permitted"),
    ({"rows": 0}, "invalid_request", "/rows", "greater than or equal to 1"),
    ({"rows": "many"}, "invalid_request", "/rows", "integer"),
    ({"language": "english"}, "invalid_request", "/language", "pattern"),
    ({"seed": -1}, "invalid_request", "/seed", "greater than"),
    ({"name": "a\x00b"}, "invalid_request", "/name", "pattern"),
]


@pytest.mark.parametrize(("wrong", "code", "pointer", "says"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_asked_for_wrongly_is_refused_with_the_field_and_what_is_allowed(
    client: TestClient, full: str, rings: list[Any], wrong: Json, code: str, pointer: str, says: str
) -> None:
    rings.clear()
    reply = client.post("/v1/datasets", json={"corpus_id": full} | wrong)
    assert reply.status_code == 422
    problem = reply.json()
    assert problem["error"]["code"] == code
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["error"]["param"] == pointer[1:].replace("/", ".")
    assert says in problem["errors"][0]["detail"]
    assert client.get("/v1/datasets").json()["data"] == []
    assert rings == []


@pytest.mark.parametrize("field", ['"validation_share": NaN', '"grouping": {"min_similarity": NaN}', '"rows": 1e400'])
def test_numbers_that_are_none_are_refused(client: TestClient, full: str, field: str) -> None:
    body = f'{{"corpus_id": "{full}", {field}}}'.encode()
    reply = client.post("/v1/datasets", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"]


def test_every_catalogue_entry_that_the_catalogue_lists_can_be_asked_for(client: TestClient, full: str) -> None:
    listed = client.get("/v1/catalog").json()
    assert set(listed["formats"]) >= {"messages", "alpaca", "sharegpt", "prompt_completion"}
    for name, task in listed["tasks"].items():
        wanted = {"corpus_id": full, "task": name, "gates": task["gates"]}
        if not task["corpus"]:
            wanted = wanted | {"corpus_id": None, "options": {"tools": [{"name": "ping"}]}}
        if name != "mix":  # of datasets that have ended: tests/select/test_mix.py
            assert client.post("/v1/datasets", json=wanted).status_code == 201, name


def test_an_empty_corpus_is_refused_and_so_is_one_whose_documents_all_failed(
    client: TestClient, corpus_id: str
) -> None:
    assert client.post("/v1/datasets", json={"corpus_id": corpus_id}).json()["error"]["code"] == "empty_corpus"
    document = client.put(f"/v1/corpora/{corpus_id}/documents/a.txt", content=b"x").json()
    with transaction() as session:
        from app.models import Document

        session.get_one(Document, document["id"]).status = "failed"
    assert client.post("/v1/datasets", json={"corpus_id": corpus_id}).json()["error"]["code"] == "empty_corpus"


def test_a_corpus_of_another_tenant_is_as_missing_as_one_that_never_was(
    client: TestClient, tenants: dict[str, dict[str, str]]
) -> None:
    theirs = client.post("/v1/corpora", json={}, headers=tenants["theirs"]).json()["id"]
    client.put(f"/v1/corpora/{theirs}/documents/a.txt", content=b"x", headers=tenants["theirs"])
    replies = [
        client.post("/v1/datasets", json={"corpus_id": name}, headers=tenants["ours"]) for name in (theirs, "crp_no")
    ]
    assert [reply.status_code for reply in replies] == [404, 404]
    bodies = [reply.text.replace(theirs, "crp_no").replace(reply.headers["x-request-id"], "") for reply in replies]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_model_that_the_server_does_not_have_is_refused_with_those_it_has(
    environment: pytest.MonkeyPatch, client: TestClient, full: str
) -> None:
    with FakeModel(model="fake") as model:
        environment.setattr(settings(), "generator_url", model.url)
        refused = client.post("/v1/datasets", json={"corpus_id": full, "model": "gpt-9"})
        assert refused.status_code == 422
        assert refused.json()["error"]["param"] == "model"
        assert refused.json()["errors"][0]["pointer"] == "/model"
        assert "served: fake" in refused.json()["detail"]
        assert client.post("/v1/datasets", json={"corpus_id": full, "model": "fake"}).status_code == 201
    # A server that is away is no reason to refuse: the dataset waits for it.
    assert client.post("/v1/datasets", json={"corpus_id": full, "model": "gpt-9"}).status_code == 201
    environment.setattr(settings(), "generator_url", "")
    assert "CORPUSMITH_GENERATOR_URL" in client.post("/v1/datasets", json={"corpus_id": full}).json()["detail"]


def test_polling_with_the_etag_is_answered_304_until_something_changes(client: TestClient, dataset: Json) -> None:
    path = f"/v1/datasets/{dataset['id']}"
    first = client.get(path)
    etag = first.headers["etag"]
    assert etag.startswith('"')
    for sent in (etag, f"W/{etag}", f'"0", {etag}', "*"):
        same = client.get(path, headers={"if-none-match": sent})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    client.post(f"{path}/cancel")
    changed = client.get(path, headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


@pytest.mark.parametrize("status", ["validating", "generating", "paused", "selecting"])
def test_cancelling_ends_a_dataset_once_and_again_changes_nothing(
    client: TestClient, dataset: Json, status: str
) -> None:
    move(dataset["id"], status)
    path = f"/v1/datasets/{dataset['id']}"
    first, again = client.post(f"{path}/cancel"), client.post(f"{path}/cancel")
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert first.json()["finished_at"]
    assert again.json() == first.json()
    events = client.get(f"{path}/events").json()["data"]
    assert [event["type"] for event in events].count("status.cancelled") == 1


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_cancelling_what_has_ended_leaves_it_as_it_is(client: TestClient, dataset: Json, status: str) -> None:
    move(dataset["id"], status)
    reply = client.post(f"/v1/datasets/{dataset['id']}/cancel")
    assert (reply.status_code, reply.json()["status"]) == (200, status)


def test_pause_and_resume_go_between_generating_and_paused(client: TestClient, dataset: Json, rings: list[Any]) -> None:
    move(dataset["id"], "generating")
    path = f"/v1/datasets/{dataset['id']}"
    for verb, status in (("pause", "paused"), ("pause", "paused"), ("resume", "generating"), ("resume", "generating")):
        assert client.post(f"{path}/{verb}").json()["status"] == status
    assert rings.count(("drain",)) == 1


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize("status", ["validating", "selecting", "succeeded", "failed", "cancelled"])
def test_pause_and_resume_in_any_other_state_are_refused_for_good(
    client: TestClient, dataset: Json, verb: str, status: str
) -> None:
    move(dataset["id"], status)
    reply = client.post(f"/v1/datasets/{dataset['id']}/{verb}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "wrong_state")
    assert reply.headers["x-should-retry"] == "false"
    assert status in reply.json()["detail"]
    assert client.get(f"/v1/datasets/{dataset['id']}").json()["status"] == status


def test_datasets_are_listed_by_corpus_and_page_by_page(client: TestClient, full: str) -> None:
    other = client.post("/v1/corpora", json={}).json()["id"]
    client.put(f"/v1/corpora/{other}/documents/a.txt", content=b"x")
    made = [client.post("/v1/datasets", json={"corpus_id": c}).json()["id"] for c in (full, other, full, other, full)]
    page = client.get("/v1/datasets", params={"corpus_id": full, "limit": 2}).json()
    rest = client.get("/v1/datasets", params={"corpus_id": full, "after": page["last_id"]}).json()
    assert [found["id"] for found in page["data"] + rest["data"]] == [made[4], made[2], made[0]]
    assert (page["has_more"], rest["has_more"]) == (True, False)
    assert len(client.get("/v1/datasets").json()["data"]) == 5
    assert client.get("/v1/datasets", params={"corpus_id": "crp_no"}).json()["data"] == []


@pytest.fixture
def rows(dataset: Json) -> Iterator[str]:
    """A dataset with 25 rows: every fifth dropped, every other of the rest for validation."""
    mine = {"tenant_id": "default", "dataset_id": dataset["id"]}
    with transaction() as session:
        session.get_one(Tenant, "default")
        session.add(Context(id="ctx", position=0, chunk_ids=[], quality=1, language="en", **mine))
        session.flush()
        session.add(Unit(id="unt", context_id="ctx", position=0, **mine))
        session.flush()
        for i in range(25):
            dropped = i % 5 == 0
            session.add(
                Sample(
                    unit_id="unt",
                    context_id="ctx",
                    key=i,
                    state="dropped" if dropped else "accepted",
                    reason=("not_faithful" if i % 2 else "duplicate") if dropped else None,
                    split=None if dropped else ("validation" if i % 2 else "train"),
                    kind="original",
                    question=f"q{i}",
                    answer=f"a{i}",
                    **mine,
                )
            )
            session.flush()
    yield dataset["id"]


def test_rows_are_listed_in_their_order_by_state_reason_and_split(client: TestClient, rows: str) -> None:
    path = f"/v1/datasets/{rows}/samples"

    def questions(**query: str) -> list[int]:
        found: list[int] = []
        after: dict[str, str] = {}
        while True:
            page = client.get(path, params={"limit": "4"} | query | after).json()
            found += [int(row["question"][1:]) for row in page["data"]]
            if not page["has_more"]:
                return found
            after = {"after": page["last_id"]}

    assert questions() == list(range(25))
    assert questions(state="dropped") == [0, 5, 10, 15, 20]
    assert questions(state="dropped", reason="not_faithful") == [5, 15]
    assert questions(reason="never_heard_of") == []
    assert questions(split="validation", state="accepted") == [1, 3, 7, 9, 11, 13, 17, 19, 21, 23]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"after": "x"}, 404),
        ({"after": "²"}, 404),
        ({"after": "-1"}, 404),
        ({"after": "9" * 30}, 404),
        ({"state": "kept"}, 422),
        ({"split": "test"}, 422),
        ({"reason": "x" * 61}, 422),
    ],
)
def test_a_list_that_cannot_be_is_refused(client: TestClient, dataset: Json, query: Json, status: int) -> None:
    assert client.get(f"/v1/datasets/{dataset['id']}/samples", params=query).status_code == status


def test_an_export_waits_for_the_end_and_names_the_formats(client: TestClient, dataset: Json, rings: list[Any]) -> None:
    path = f"/v1/datasets/{dataset['id']}/exports"
    early = client.post(path, json={"format": "messages"})
    assert (early.status_code, early.json()["error"]["code"]) == (400, "not_ready")
    unknown = client.post(path, json={"format": "alpacca"})
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (422, "format")
    assert "alpaca" in unknown.json()["detail"]
    assert client.post(path, json={"fromat": "alpaca"}).json()["errors"][0]["pointer"] == "/fromat"
    move(dataset["id"], "cancelled")
    made = client.post(path, json={"format": "alpaca"})
    assert made.status_code == 201
    export = made.json()
    assert ("export", export["id"]) in rings
    assert client.get(made.headers["location"]).json() == export
    assert client.get("/v1/exports", params={"dataset_id": dataset["id"]}).json()["data"] == [export]
    assert client.get("/v1/exports", params={"dataset_id": "dst_no"}).json()["data"] == []
    assert client.get(f"/v1/exports/{export['id']}/data.jsonl").json()["error"]["code"] == "not_ready"
